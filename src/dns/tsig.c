#include "dns/tsig.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/attr.h"
#include "base/crypto.h"
#include "base/wire.h"
#include "core/rr.h"
#include "dns/query.h"

#define TIME_LEN      6  /* 48 bits of seconds */
#define MAC_LEAST     10 /* RFC 8945 section 5.2.2.1 */
#define ARCOUNT_AT    10
#define VARIABLES_MAX (2 * NAME_MAX_LEN + 64)

static const struct algorithm {
    const char *name; /* without final dot, lower case */
    enum hmac_algorithm hmac;
    bool legacy;
} algorithms[] = {
    {"hmac-sha256", HMAC_SHA256, false}, {"hmac-sha384", HMAC_SHA384, false},
    {"hmac-sha512", HMAC_SHA512, false}, {"hmac-sha224", HMAC_SHA224, true},
    {"hmac-sha1", HMAC_SHA1, true},      {"hmac-md5.sig-alg.reg.int", HMAC_MD5, true},
};

/* The algorithm of a name; NULL: none that is spoken here. */
static const struct algorithm *algorithm_find(const struct name *folded, enum tsig_legacy legacy)
{
    char text[NAME_TEXT_MAX];

    (void)name_format(folded, text);
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (strcmp(algorithms[i].name, text) == 0)
            return !algorithms[i].legacy || legacy == TSIG_LEGACY_ALLOW ? &algorithms[i] : NULL;
    return NULL;
}

/* ---- what is signed: RFC 8945 section 4.3 ---- */

static void put_u48(struct wire_writer *w, uint64_t v)
{
    wire_put_u16(w, (uint16_t)(v >> 32));
    wire_put_u32(w, (uint32_t)v);
}

/* What differs between the record of a request and that of its reply. */
struct variables {
    uint64_t time_s;
    uint16_t fudge_s;
    uint16_t error;
    const uint8_t *other;
    uint16_t other_len;
};

/* The TSIG variables, section 4.3.3: the record but for its MAC and original id. Returns the length. */
static size_t variables_put(uint8_t *out, size_t cap, const struct tsig *t, const struct variables *v)
{
    struct wire_writer w;

    wire_writer_init(&w, out, cap);
    wire_put_bytes(&w, t->key_name.b, t->key_name.len);
    wire_put_u16(&w, CLASS_ANY);
    wire_put_u32(&w, 0);
    wire_put_bytes(&w, t->algorithm.b, t->algorithm.len);
    put_u48(&w, v->time_s);
    wire_put_u16(&w, v->fudge_s);
    wire_put_u16(&w, v->error);
    wire_put_u16(&w, v->other_len);
    if (v->other_len > 0)
        wire_put_bytes(&w, v->other, v->other_len);
    assert(w.err == ERR_OK); /* other data has at most TSIG_OTHER_MAX octets, which tsig_read() checks */
    return w.len;
}

/* ---- reading ---- */

/* A record as it came. */
struct tsig_record {
    struct name key_name, algorithm; /* folded */
    struct variables v;
    const uint8_t *mac;
    uint16_t mac_len, original_id;
};

/* Read the record; false: it is not well formed. */
static bool tsig_read(struct tsig_record *rec, const uint8_t *msg, size_t at, size_t len)
{
    struct wire_reader r;
    uint32_t ttl_s;
    uint16_t type, class, rdlen;
    size_t rdata_at;

    wire_reader_init(&r, msg, at + len);
    r.pos = at;
    if (name_decode(&r, &rec->key_name) != ERR_OK)
        return false;
    type = wire_get_u16(&r);
    class = wire_get_u16(&r);
    ttl_s = wire_get_u32(&r);
    rdlen = wire_get_u16(&r);
    rdata_at = r.pos;
    if (r.err != ERR_OK || name_decode(&r, &rec->algorithm) != ERR_OK)
        return false;
    rec->v.time_s = (uint64_t)wire_get_u16(&r) << 32;
    rec->v.time_s |= wire_get_u32(&r);
    rec->v.fudge_s = wire_get_u16(&r);
    rec->mac_len = wire_get_u16(&r);
    rec->mac = wire_get_bytes(&r, rec->mac_len);
    rec->original_id = wire_get_u16(&r);
    rec->v.error = wire_get_u16(&r);
    rec->v.other_len = wire_get_u16(&r);
    rec->v.other = wire_get_bytes(&r, rec->v.other_len);
    name_fold(&rec->key_name);
    name_fold(&rec->algorithm);
    /* Other data in a request has no meaning (section 4.2); so much of it nobody sends. */
    return r.err == ERR_OK && r.pos - rdata_at == rdlen && r.pos == at + len && type == RR_TSIG &&
           class == CLASS_ANY && ttl_s == 0 && rec->v.other_len <= TSIG_OTHER_MAX;
}

/* The credential is the first label of the key's name; what is behind it (a zone, or nothing) does not matter. */
static const struct keyring_entry *entry_of(const struct keyring *keys, const struct name *key_name)
{
    size_t len;
    const uint8_t *label = name_first_label(key_name, &len);
    struct uuid credential;

    if (keys == NULL || len != UUID_TEXT_LEN || uuid_parse(&credential, (const char *)label, len) != ERR_OK)
        return NULL;
    return keyring_find(keys, &credential);
}

/* Find the key that made the MAC; NULL: none. The message is digested with the id that it had when it was signed,
 * and without the TSIG record (section 4.3.2). */
static const struct keyring_key *key_find(const struct keyring_entry *entry, const struct tsig *t,
                                          const struct tsig_record *rec, const uint8_t *msg, size_t tsig_at,
                                          int64_t now_s)
{
    uint8_t header[DNS_HEADER_LEN], variables[VARIABLES_MAX], mac[HMAC_LEN_MAX];
    const struct keyring_key *found = NULL;
    uint16_t id = htobe16(rec->original_id), arcount;
    const struct hmac_part parts[] = {
        {header, sizeof header},
        {msg + DNS_HEADER_LEN, tsig_at - DNS_HEADER_LEN},
        {variables, variables_put(variables, sizeof variables, t, &rec->v)},
    };

    memcpy(header, msg, sizeof header);
    memcpy(header, &id, sizeof id);
    memcpy(&arcount, msg + ARCOUNT_AT, sizeof arcount);
    arcount = htobe16((uint16_t)(be16toh(arcount) - 1));
    memcpy(header + ARCOUNT_AT, &arcount, sizeof arcount);
    for (size_t i = 0; i < entry->n && found == NULL; i++) {
        const struct keyring_key *key = &entry->keys[i];

        if (keyring_key_is_live(key, now_s) &&
            hmac_compute(mac, t->hmac, key->bytes, sizeof key->bytes, parts, ARRAY_LEN(parts)) == ERR_OK &&
            crypto_equal(mac, rec->mac, rec->mac_len))
            found = key;
    }
    crypto_wipe(mac, sizeof mac);
    return found;
}

static bool has_live_key(const struct keyring_entry *entry, int64_t now_s)
{
    for (size_t i = 0; entry != NULL && i < entry->n; i++)
        if (keyring_key_is_live(&entry->keys[i], now_s))
            return true;
    return false;
}

/* The order is that of RFC 8945 section 5.2: key, MAC, time, truncation. */
bool tsig_check(struct tsig *out, const uint8_t *msg, size_t tsig_at, size_t tsig_len, const struct tsig_check *how)
{
    const struct algorithm *algorithm;
    const struct keyring_entry *entry;
    const struct keyring_key *key;
    struct tsig_record rec;
    uint64_t now_s = how->now_s > 0 ? (uint64_t)how->now_s : 0;

    *out = (struct tsig){.error = TSIG_BADKEY};
    if (!tsig_read(&rec, msg, tsig_at, tsig_len))
        return false;
    out->key_name = rec.key_name;
    out->algorithm = rec.algorithm;
    out->time_s = rec.v.time_s;
    out->fudge_s = rec.v.fudge_s;
    out->original_id = rec.original_id;
    algorithm = algorithm_find(&rec.algorithm, how->legacy);
    entry = entry_of(how->keys, &rec.key_name);
    if (algorithm == NULL || !has_live_key(entry, how->now_s))
        return true;
    out->hmac = algorithm->hmac;
    if (rec.mac_len > hmac_len(out->hmac) || rec.mac_len < MAC_LEAST || rec.mac_len < hmac_len(out->hmac) / 2)
        return false;
    memcpy(out->mac, rec.mac, rec.mac_len);
    out->mac_len = rec.mac_len;
    key = key_find(entry, out, &rec, msg, tsig_at, how->now_s);
    out->error = TSIG_BADSIG;
    if (key == NULL)
        return true;
    out->is_signed = true;
    out->credential = entry->credential;
    out->secret = key->secret;
    memcpy(out->key, key->bytes, sizeof out->key);
    if (now_s > out->time_s + out->fudge_s || out->time_s > now_s + out->fudge_s)
        out->error = TSIG_BADTIME;
    else
        out->error = rec.mac_len < hmac_len(out->hmac) ? TSIG_BADTRUNC : TSIG_NOERROR; /* whole ones only */
    return true;
}

void tsig_wipe(struct tsig *t)
{
    crypto_wipe(t->key, sizeof t->key);
}

/* ---- signing ---- */

static size_t reply_mac_len(const struct tsig *t)
{
    return t->is_signed ? hmac_len(t->hmac) : 0;
}

size_t tsig_reply_len(const struct tsig *t)
{
    return (size_t)t->key_name.len + t->algorithm.len + TSIG_FIXED_LEN + reply_mac_len(t) +
           (t->error == TSIG_BADTIME ? TSIG_OTHER_MAX : 0u);
}

/* The MAC of a reply covers that of its request, as it came (RFC 8945 section 5.3). */
static enum err reply_mac(uint8_t mac[HMAC_LEN_MAX], const struct tsig *t, const uint8_t *msg, size_t len,
                          const struct variables *v)
{
    uint8_t variables[VARIABLES_MAX];
    uint16_t mac_len = htobe16((uint16_t)t->mac_len);
    const struct hmac_part parts[] = {
        {&mac_len, sizeof mac_len},
        {t->mac, t->mac_len},
        {msg, len},
        {variables, variables_put(variables, sizeof variables, t, v)},
    };

    return hmac_compute(mac, t->hmac, t->key, sizeof t->key, parts, ARRAY_LEN(parts));
}

size_t tsig_sign(const struct tsig *t, uint8_t *msg, size_t len, int64_t now_s)
{
    uint8_t mac[HMAC_LEN_MAX], other[TSIG_OTHER_MAX];
    size_t record_len = tsig_reply_len(t);
    struct variables v = {.time_s = (uint64_t)now_s, .fudge_s = t->fudge_s, .error = (uint16_t)t->error};
    struct wire_writer w;
    uint16_t id, arcount;

    if (t->error == TSIG_BADTIME) { /* RFC 8945 section 5.2.3: the client's time signed, ours told */
        wire_writer_init(&w, other, sizeof other);
        put_u48(&w, (uint64_t)now_s);
        v.time_s = t->time_s;
        v.other = other;
        v.other_len = sizeof other;
    }
    if (t->is_signed && reply_mac(mac, t, msg, len, &v) != ERR_OK)
        return 0;
    memcpy(&id, msg, sizeof id);
    wire_writer_init(&w, msg + len, record_len);
    wire_put_bytes(&w, t->key_name.b, t->key_name.len);
    wire_put_u16(&w, RR_TSIG);
    wire_put_u16(&w, CLASS_ANY);
    wire_put_u32(&w, 0);
    wire_put_u16(&w, (uint16_t)(record_len - t->key_name.len - 10)); /* less owner, type, class, TTL, RDLENGTH */
    wire_put_bytes(&w, t->algorithm.b, t->algorithm.len);
    put_u48(&w, v.time_s);
    wire_put_u16(&w, v.fudge_s);
    wire_put_u16(&w, (uint16_t)reply_mac_len(t));
    wire_put_bytes(&w, mac, reply_mac_len(t));
    wire_put_u16(&w, be16toh(id)); /* the id that the digest above saw */
    wire_put_u16(&w, v.error);
    wire_put_u16(&w, v.other_len);
    wire_put_bytes(&w, other, v.other_len);
    assert(w.err == ERR_OK && w.len == record_len);
    memcpy(&arcount, msg + ARCOUNT_AT, sizeof arcount);
    arcount = htobe16((uint16_t)(be16toh(arcount) + 1));
    memcpy(msg + ARCOUNT_AT, &arcount, sizeof arcount);
    return len + record_len;
}
