/* core/refusal.h -- why a request was not turned into a change: one enum for all doors, logs, metrics and headers.
 */
#ifndef CORE_REFUSAL_H
#define CORE_REFUSAL_H

enum refusal {
    REFUSAL_NONE = 0,
    REFUSAL_MALFORMED,
    REFUSAL_UNKNOWN_FIELD,
    REFUSAL_NOT_A_CHALLENGE_VALUE,
    REFUSAL_VALUE_TOO_LONG,
    REFUSAL_BAD_LABEL,
    REFUSAL_LABEL_TAKEN,
    REFUSAL_LABEL_RETIRED,
    REFUSAL_BAD_NETWORK,
    REFUSAL_UNAUTHENTICATED,
    REFUSAL_NETWORK,
    REFUSAL_EXPIRED,
    REFUSAL_DISABLED,
    REFUSAL_REVOKED,
    REFUSAL_NAME_NOT_IN_SCOPE,
    REFUSAL_ACTION_NOT_IN_SCOPE,
    REFUSAL_KIND_NOT_IN_SCOPE,
    REFUSAL_NOT_YOUR_VALUE,
    REFUSAL_NOT_FOUND,
    REFUSAL_CONFLICT,
    REFUSAL_NAME_IN_USE,
    REFUSAL_QUOTA,
    REFUSAL_RATE,
    REFUSAL_TOO_LARGE,
    REFUSAL_REGISTRATION_CLOSED,
    REFUSAL_STORE_UNAVAILABLE,
    REFUSAL_OUTCOME_UNKNOWN,
    REFUSAL_FULL,
    REFUSAL_STARTING,
    REFUSAL_COUNT
};

/* The word, such as "name-not-in-scope": the log's reason=, the Riposte-Refused header, the metric's label, the
 * last part of a problem type. Static storage. */
const char *refusal_word(enum refusal r);
/* One short sentence for people, such as "This credential may not change that name". Static storage. */
const char *refusal_title(enum refusal r);

#endif
