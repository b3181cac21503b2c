/* core/import.h -- taking over what another server has: accounts with a name, a credential and values each, as
 * effects like those of any change. Like decide(): pure logic on the state, by whoever owns it.
 *
 * A credential that is there already (by its id) is left as it is, whatever has become of it since, so that
 * importing again changes nothing. */
#ifndef CORE_IMPORT_H
#define CORE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/uuid.h"
#include "core/decide.h"

#define IMPORT_NETWORKS_MAX 256

struct import_text {
    const char *text;
    size_t len;
};

struct import_account {
    struct uuid uuid;         /* of the credential; not nil */
    struct import_text label; /* of the name, below the zone's apex; its case is kept */
    struct import_text hash;  /* crypt text of the secret, at most SECRET_DATA_MAX octets */
    size_t n_networks;        /* at most IMPORT_NETWORKS_MAX */
    const struct net *networks;
    const char *allowfrom; /* as effect_credential has it */
    bool networks_invalid; /* denied everywhere */
    size_t n_values;
    const struct import_text *values; /* oldest first; their age counts from now */
};

struct import_target {
    uint32_t zone;
    char account[ACCOUNT_NAME_MAX]; /* all into this one; "": each gets one of its own, named like its label */
    uint32_t *deep;                 /* names more than one label below the apex: they may be in the way */
    size_t n_deep;
};

enum import_outcome { IMPORT_DONE, IMPORT_PRESENT, IMPORT_REFUSED };

struct import_result {
    enum import_outcome outcome;
    char detail[RESULT_DETAIL_MAX]; /* IMPORT_REFUSED: why, one sentence without final stop */
    unsigned values_taken, values_doubled, values_refused; /* of n_values */
};

/* Look up where to: zone is an apex, or NULL for the first zone of the settings; account NULL: one each. *ok false:
 * *why says what is wrong. ERR_MEMORY. Finish *out in any case. */
MUST_USE enum err import_target_init(struct import_target *out, const struct decide *d, const char *zone,
                                     const char *account, char why[RESULT_DETAIL_MAX], bool *ok);
void import_target_fini(struct import_target *t);
/* Make e, which is initialized and empty, an entry at d->seq for imports. */
void import_entry_begin(struct entry *e, const struct decide *d);
/* Import one account into e and the state; a refusal changes nothing. Errors as those of decide(). */
MUST_USE enum err import_account(struct decide *d, const struct import_target *t, const struct import_account *a,
                                 struct entry *e, struct import_result *res);

#endif
