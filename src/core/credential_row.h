/* core/credential_row.h -- how the state keeps a credential: as one block of octets, made anew whenever something
 * in it changes. For state*.c only.
 *
 * There are millions of credentials, nearly all of them as a registration makes them: one name, one SHA-256 secret,
 * nothing else. Such a one is 64 octets, and what a usual one has besides (a last use, a label, times and a
 * secret's id that cannot be derived) is put behind these in as few octets as it takes. Any other is of the general
 * form, in which nothing is derived. Which form it is goes by the content alone: a row that becomes usual becomes
 * small.
 *
 *   64 octets   as registered, with its secret or before it has got that
 *   72          and used, over IPv4 (68 over a unix socket, 84 over IPv6; slab.h rounds to 8)
 *   +4 each     its own time of making; its secret's own beginning; a secret's id far away from its own
 *   + label     with the NUL */
#ifndef CORE_CREDENTIAL_ROW_H
#define CORE_CREDENTIAL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/state.h"

/* All that a row has, wherever it is. */
struct credential_parts {
    struct uuid uuid;
    uint32_t id, account;
    uint8_t actions, kinds;
    bool networks_invalid;
    const char *label, *allowfrom;
    const struct secret *secrets; /* by id */
    const uint32_t *names;
    const struct net *networks;
    size_t n_secrets, n_names, n_networks; /* 32 bits each */
    int64_t created_s, expires_s, revoked_s;
    int64_t name_created_s; /* of names[0], which is for ever: a usual credential was made with it. 0: no names */
    struct credential_use last_use;
};

size_t credential_row_size(const struct credential_parts *p);
/* Make the row in a block of that size, at a multiple of 8. The parts may be another row's. */
void credential_row_put(struct credential *row, const struct credential_parts *p);
size_t credential_row_octets(const struct credential *c); /* that it was made with */
/* What the row has, pointing into it; secrets: room for all of them. */
void credential_row_parts(struct credential_parts *out, const struct credential *c, int64_t name_created_s,
                          struct secret *secrets);
/* Put the use in the place of the last one, in the row itself. False: it has no room for it, or too much. */
bool credential_row_use(struct credential *row, const struct credential_use *use);

/* state.h's, for who knows when the first of the names was made. */
int64_t credential_row_created_s(const struct credential *c, int64_t name_created_s);
struct secret credential_row_secret(const struct credential *c, size_t i, int64_t name_created_s);

#endif
