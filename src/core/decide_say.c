/* What a decision says to people. Everything that came from outside is cut and made printable. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/decide_internal.h"

enum err refuse(struct deciding *c, enum refusal why, const char *detail, ...)
{
    va_list args;

    assert(why != REFUSAL_NONE && !is_refused(c));
    c->res->outcome = OUTCOME_REFUSED;
    c->res->refusal = why;
    va_start(args, detail);
    (void)vsnprintf(c->res->detail, sizeof c->res->detail, detail, args);
    va_end(args);
    return ERR_OK;
}

void hint(struct deciding *c, const char *text, ...)
{
    va_list args;

    va_start(args, text);
    (void)vsnprintf(c->res->hint, sizeof c->res->hint, text, args);
    va_end(args);
}

bool is_refused(const struct deciding *c)
{
    return c->res->outcome == OUTCOME_REFUSED;
}

struct shown show_printable(const char *text, size_t len)
{
    static const char more[] = "...";
    struct shown shown;
    size_t room = sizeof shown.text - 1;
    size_t n = len <= room ? len : room;

    for (size_t i = 0; i < n; i++)
        shown.text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    shown.text[n] = '\0';
    if (len > room)
        memcpy(shown.text + n - (sizeof more - 1), more, sizeof more);
    return shown;
}

struct shown show_wire(const struct name *n)
{
    char text[NAME_TEXT_MAX];

    (void)name_format(n, text);
    return show_printable(text, strlen(text));
}

struct shown show_name(const struct state *s, const struct name_entry *n)
{
    struct name owner;

    name_owner(s, n, &owner);
    return show_wire(&owner);
}

struct shown show_account(const struct state *s, uint32_t account)
{
    const struct account *a = state_account(s, account);

    if (a == NULL || account == ACCOUNT_ADMIN)
        return show_printable("the administrator", strlen("the administrator"));
    return show_printable(a->name, strlen(a->name));
}

struct shown show_uuid(const struct uuid *u)
{
    char text[UUID_TEXT_LEN + 1];

    (void)uuid_format(u, text);
    return show_printable(text, UUID_TEXT_LEN);
}

struct shown show_credential(const struct credential *cred)
{
    if (credential_label(cred)[0] != '\0')
        return show_printable(credential_label(cred), strlen(credential_label(cred)));
    return show_uuid(&cred->uuid);
}

struct shown show_nets(const struct net *nets, size_t n)
{
    struct shown shown;
    size_t len = 0;

    shown.text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char text[NET_TEXT_MAX];
        int added = snprintf(shown.text + len, sizeof shown.text - len, "%s%s", i == 0 ? "" : ",",
                             net_format(&nets[i], text));
        if (added < 0 || (size_t)added >= sizeof shown.text - len) {
            shown.text[len] = '\0';
            return show_printable(shown.text, len);
        }
        len += (size_t)added;
    }
    return shown;
}

struct shown show_addr(const struct addr *a)
{
    char text[ADDR_TEXT_MAX];

    (void)addr_format(a, text);
    return show_printable(text, strlen(text));
}

struct shown show_time(int64_t real_s)
{
    char text[CLOCK_TEXT_MAX];

    (void)clock_format_rfc3339(real_s, text);
    return show_printable(text, strlen(text));
}
