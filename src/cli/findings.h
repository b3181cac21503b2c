/* cli/findings.h -- what a check has found, one after the other. One thread.
 *
 * Texts may hold what came from the network: whatever is not printable ASCII becomes '?', so they are fit for
 * terminals and JSON. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"

#define FINDINGS_MAX     256 /* of one check; more are counted, not kept */
#define FINDING_TEXT_MAX 1500

enum finding_level { FINDING_OK, FINDING_NOTE, FINDING_FAIL };

struct finding {
    enum finding_level level;
    const char *about; /* a word for scripts, static: "delegation", "caa"; docs/operations.md lists them */
    char *detail;
    char *fix; /* what to do; NULL: nothing */
    char *see; /* the command that shows it, such as "dig …"; NULL: none */
};

struct findings {
    struct finding *items;
    size_t n, failures; /* failures: also of those that are not kept */
    enum err err;       /* ERR_MEMORY: something is missing here */
};

void findings_init(struct findings *f);
void findings_fini(struct findings *f); /* f is then as after findings_init() */

void finding_ok(struct findings *f, const char *about, const char *format, ...) PRINTF_LIKE(3, 4);
void finding_note(struct findings *f, const char *about, const char *format, ...) PRINTF_LIKE(3, 4);
void finding_fail(struct findings *f, const char *about, const char *format, ...) PRINTF_LIKE(3, 4);
/* Of the finding that was added last. */
void finding_fix(struct findings *f, const char *format, ...) PRINTF_LIKE(2, 3);
void finding_see(struct findings *f, const char *format, ...) PRINTF_LIKE(2, 3);

/* "ok", "note", "fail". */
const char *finding_word(enum finding_level level);
/* [{"level", "about", "detail", "fix"?, "see"?}]; NULL: no memory. */
json_t *findings_json(const struct findings *f);
/* For people: a line each, and what to do below it. */
void findings_print(const struct findings *f, FILE *to);

#endif
