/* core/label.h -- the labels of challenge names below their zone's apex, and the words that people give to accounts
 * and credentials. Plain data, any thread. */
#ifndef CORE_LABEL_H
#define CORE_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/name.h"
#include "core/secret.h"

#define LABELS_MAX            4   /* of a challenge name below its apex */
#define LABELS_TEXT_MAX       256 /* four labels of 63, dots between them, NUL */
#define LABEL_GENERATED_LEN   6
#define ACCOUNT_GENERATED_LEN 13 /* "acct-" and 8 characters */

/* One to four labels of 1 to 63 letters, digits, hyphens and underscores, with dots between them; out is in lower
 * case and NUL-terminated. ERR_SYNTAX: empty, or another character; ERR_RANGE: too many labels, or one too long. */
MUST_USE enum err label_parse(char out[LABELS_TEXT_MAX], const char *text, size_t len);
/* A label of LABEL_GENERATED_LEN characters that people do not mix up (no 0, 1, i, l, o). ERR_CRYPTO. */
MUST_USE enum err label_generate(char out[LABEL_GENERATED_LEN + 1], secret_random *random);
/* An account name of the same characters. ERR_CRYPTO. */
MUST_USE enum err label_generate_account(char out[ACCOUNT_GENERATED_LEN + 1], secret_random *random);
/* What a token says about the labels of its names: "" (nothing), or labels as label_parse() takes them, in which
 * '*' stands for LABEL_STAR_LEN generated characters and '?' for one; with those, no label is longer than 63. */
#define LABEL_STAR_LEN 8
bool label_is_pattern(const char *text, size_t len);
/* Labels of a pattern that is not "", NUL-terminated. ERR_SYNTAX: it is none. ERR_CRYPTO. */
MUST_USE enum err label_generate_like(char out[LABELS_TEXT_MAX], const char *pattern, secret_random *random);
/* [a-z0-9][a-z0-9._-]{0,62} */
bool label_is_account_name(const char *text, size_t len);
/* A credential's label: 1 to 63 of A-Z a-z 0-9 . _ - and not the spelling of a UUID. */
bool label_is_credential_label(const char *text, size_t len);

#endif
