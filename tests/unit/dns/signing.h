/* A keyring with one known key, and messages signed with it as a client signs them: for tests and fuzz targets. Any
 * failure to set it up ends the program. */
#ifndef TESTS_DNS_SIGNING_H
#define TESTS_DNS_SIGNING_H

#include <stdint.h>
#include <string.h>

#include "base/crypto.h"
#include "base/hmac.h"
#include "core/decide.h"
#include "core/keyring.h"
#include "dns/world.h"

#define SIGNING_KEY    "8e5700ea-a4bf-41c7-8a77-e990661dcc6a" /* its octets are 0 to 31 */
#define SIGNING_SECRET 7
#define SIGNING_NOW    1700000000

struct signing {
    struct state *state;
    struct keyring *keys;
    struct uuid credential;
};

static inline void signing_key(uint8_t key[TSIG_KEY_LEN])
{
    for (size_t i = 0; i < TSIG_KEY_LEN; i++)
        key[i] = (uint8_t)i;
}

static inline void signing_open(struct signing *s)
{
    static const struct seal_key seal = {{3}};
    struct effect_account account = {.id = 1, .name = "infra", .note = ""};
    struct effect_credential credential = {.id = 1, .account = 1, .label = "web1", .allowfrom = ""};
    uint8_t key[TSIG_KEY_LEN], sealed[TSIG_SEALED_LEN], purpose[13 + 16] = "riposte tsig ";
    size_t unreadable;

    signing_key(key);
    WORLD_CHECK(crypto_init() == ERR_OK);
    WORLD_CHECK(uuid_parse(&s->credential, SIGNING_KEY, UUID_TEXT_LEN) == ERR_OK);
    credential.uuid = s->credential;
    memcpy(purpose + 13, s->credential.b, 16);
    WORLD_CHECK(seal_close(sealed, &seal, purpose, sizeof purpose, key, sizeof key) == ERR_OK);
    const struct effect_secret secret = {.id = SIGNING_SECRET,
                                         .credential = 1,
                                         .kind = SECRET_TSIG,
                                         .len = sizeof sealed,
                                         .data = sealed,
                                         .starts_s = 1};
    const struct effect effects[] = {{.kind = EFFECT_ACCOUNT_MADE, .u.account = account},
                                     {.kind = EFFECT_CREDENTIAL_MADE, .u.credential = &credential},
                                     {.kind = EFFECT_SECRET_ADDED, .u.secret = secret}};
    WORLD_CHECK(state_new(&s->state, NULL) == ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(effects); i++)
        WORLD_CHECK(state_fold(s->state, 1, &effects[i]) == ERR_OK);
    WORLD_CHECK(keyring_new(&s->keys) == ERR_OK);
    WORLD_CHECK(keyring_stage_all(s->keys, &seal, s->state, &unreadable) == ERR_OK && unreadable == 0);
    keyring_publish(s->keys);
    keyring_reclaim(s->keys);
}

static inline void signing_close(struct signing *s)
{
    keyring_free(s->keys);
    state_free(s->state);
}

static inline size_t signing_u16(uint8_t *at, unsigned v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
    return 2;
}

static inline size_t signing_u48(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 6; i++)
        at[i] = (uint8_t)(v >> (40 - 8 * i));
    return 6;
}

/* Append the TSIG record to the message of len octets, which has room; returns the new length. */
static inline size_t signing_sign(uint8_t *msg, size_t len, uint64_t at_s)
{
    struct name key_name = world_name(SIGNING_KEY), algorithm = world_name("hmac-sha256");
    uint8_t variables[512], mac[HMAC_LEN_MAX], key[TSIG_KEY_LEN];
    size_t n = 0, at = len;
    const struct hmac_part *parts;

    signing_key(key);
    memcpy(variables, key_name.b, key_name.len);
    n = key_name.len;
    n += signing_u16(variables + n, CLASS_ANY);
    n += signing_u16(variables + n, 0);
    n += signing_u16(variables + n, 0);
    memcpy(variables + n, algorithm.b, algorithm.len);
    n += algorithm.len;
    n += signing_u48(variables + n, at_s);
    n += signing_u16(variables + n, 300);
    n += signing_u16(variables + n, 0);
    n += signing_u16(variables + n, 0);
    parts = (const struct hmac_part[]){{msg, len}, {variables, n}};
    WORLD_CHECK(hmac_compute(mac, HMAC_SHA256, key, sizeof key, parts, 2) == ERR_OK);
    memcpy(msg + at, key_name.b, key_name.len);
    at += key_name.len;
    at += signing_u16(msg + at, RR_TSIG);
    at += signing_u16(msg + at, CLASS_ANY);
    at += signing_u16(msg + at, 0);
    at += signing_u16(msg + at, 0);
    at += signing_u16(msg + at, algorithm.len + 16u + 32u);
    memcpy(msg + at, algorithm.b, algorithm.len);
    at += algorithm.len;
    at += signing_u48(msg + at, at_s);
    at += signing_u16(msg + at, 300);
    at += signing_u16(msg + at, 32);
    memcpy(msg + at, mac, 32);
    at += 32;
    memcpy(msg + at, msg, 2); /* the id */
    at += 2;
    at += signing_u16(msg + at, 0);
    at += signing_u16(msg + at, 0);
    (void)signing_u16(msg + 10, (unsigned)(msg[10] << 8 | msg[11]) + 1);
    return at;
}

/* The head of an UPDATE of the zone that adds n_ops records which follow; returns its length. */
static inline size_t signing_update_head(uint8_t *msg, uint16_t id, unsigned n_conditions, unsigned n_ops)
{
    struct name zone = world_name(WORLD_ZONE);
    size_t len = 0;

    len += signing_u16(msg + len, id);
    len += signing_u16(msg + len, OPCODE_UPDATE << 11);
    len += signing_u16(msg + len, 1);
    len += signing_u16(msg + len, n_conditions);
    len += signing_u16(msg + len, n_ops);
    len += signing_u16(msg + len, 0);
    memcpy(msg + len, zone.b, zone.len);
    len += zone.len;
    len += signing_u16(msg + len, RR_SOA);
    len += signing_u16(msg + len, CLASS_IN);
    return len;
}

/* A TXT record of one string, owned by label and the zone. */
static inline size_t signing_record(uint8_t *at, const char *label, unsigned class, unsigned ttl_s,
                                    const char *text)
{
    size_t len = strlen(label), text_len = text != NULL ? strlen(text) : 0;
    size_t n = 0;

    at[n++] = (uint8_t)len;
    memcpy(at + n, label, len);
    n += len;
    n += signing_u16(at + n, 0xc000 | DNS_HEADER_LEN);
    n += signing_u16(at + n, RR_TXT);
    n += signing_u16(at + n, class);
    n += signing_u16(at + n, 0);
    n += signing_u16(at + n, ttl_s);
    n += signing_u16(at + n, text != NULL ? (unsigned)text_len + 1 : 0);
    if (text != NULL) {
        at[n++] = (uint8_t)text_len;
        memcpy(at + n, text, text_len);
        n += text_len;
    }
    return n;
}

#endif
