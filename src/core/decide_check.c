/* Conditions that several kinds of request share. */
#include <inttypes.h>
#include <string.h>

#include "core/decide_internal.h"

bool account_has_room(struct deciding *c, const struct account *a)
{
    uint32_t max = a->names_max != 0 ? a->names_max : c->d->settings->limits.names;

    if (a->names < max)
        return true;
    hint(c,
         "riposte account set %s --names %" PRIu32
         ", or remove names that are not used: riposte name list --account %s",
         a->name, max <= UINT32_MAX / 2 ? max * 2 : UINT32_MAX, a->name);
    (void)refuse(c, REFUSAL_QUOTA, "account %s has %" PRIu32 " name%s, and may have %" PRIu32, a->name, a->names,
                 a->names == 1 ? "" : "s", max);
    return false;
}

bool names_are_within_quota(struct deciding *c, const char *account, size_t names, uint32_t names_max)
{
    uint32_t max = names_max != 0 ? names_max : c->d->settings->limits.names;

    if (names <= max)
        return true;
    hint(c, "raise the account's limit of names, or remove names that are not used");
    (void)refuse(c, REFUSAL_QUOTA, "account %s would have %zu names, and may have %" PRIu32, account, names, max);
    return false;
}

bool space_is_left(struct deciding *c)
{
    if (!c->d->no_space)
        return true;
    hint(c, "free some space on the store's disk, or lower limits.free-space");
    (void)refuse(c, REFUSAL_FULL,
                 "the store's disk has less than limits.free-space left: no new names until it has more");
    return false;
}

bool note_is_acceptable(struct deciding *c, const char *note)
{
    size_t len = note != NULL ? strlen(note) : 0;

    if (len >= NOTE_MAX) {
        (void)refuse(c, REFUSAL_TOO_LARGE, "the note has %zu octets; at most %d are possible", len, NOTE_MAX - 1);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)note[i] < ' ' || note[i] == '\x7f') {
            (void)refuse(c, REFUSAL_MALFORMED, "the note has a control character");
            return false;
        }
    }
    return true;
}

bool networks_are_acceptable(struct deciding *c, size_t n)
{
    if (n <= NETWORKS_MAX)
        return true;
    (void)refuse(c, REFUSAL_TOO_LARGE, "%zu networks; at most %d are possible", n, NETWORKS_MAX);
    return false;
}

bool expiry_is_acceptable(struct deciding *c, int64_t expires_s)
{
    if (expires_s == 0 || expires_s > c->d->now_s)
        return true;
    (void)refuse(c, REFUSAL_MALFORMED, "the end %s has passed already", show_time(expires_s).text);
    return false;
}
