/* cli/accounts_file.h -- the file of `riposte apply`: YAML with places, turned into the body of POST /v1/apply.
 *
 * What is wrong with the file by itself is found here, all of it, each with its line and column; what only the
 * server knows is said by it with a path into the body, which is found in the file again. One owner thread. */
#ifndef CLI_ACCOUNTS_FILE_H
#define CLI_ACCOUNTS_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

#define ACCOUNTS_FILE_MAX ((size_t)1 << 20)

struct accounts_file;

/* Parse len octets; name is the file's, for messages. *out NULL: it is wrong, and report has a line for each error.
 * ERR_MEMORY. Copies what it needs. */
MUST_USE enum err accounts_file_parse(struct accounts_file **out, const char *name, const char *bytes, size_t len,
                                      struct text *report);
/* Read and parse the file at path, "-" for the standard input. ERR_IO, also said in the report. */
MUST_USE enum err accounts_file_load(struct accounts_file **out, const char *path, struct text *report);
void accounts_file_free(struct accounts_file *f); /* NULL is fine */

/* A reference to the body, {"accounts": […]}; the caller decrefs it. */
json_t *accounts_file_body(const struct accounts_file *f);

#define ACCOUNTS_PLACE_MAX 320
/* Where the detail of a problem that begins with a path such as "accounts[0].names[1]: " points to:
 * "accounts.yaml:12:7". False: it does not begin so. */
MUST_USE bool accounts_file_place(const struct accounts_file *f, const char *detail, char out[ACCOUNTS_PLACE_MAX]);

#endif
