/* cli/key_file.h -- the file with the key that seals TSIG keys in the store (store.key): 64 hexadecimal digits and
 * a line feed, readable by its owner alone. Start-up; blocks for the disk. */
#ifndef CLI_KEY_FILE_H
#define CLI_KEY_FILE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/seal.h"
#include "base/text.h"

/* Read the key at path, or make one there when there is no such file. On error *why has a sentence: ERR_IO;
 * ERR_SYNTAX (something else is in the file, or others may read it), ERR_CRYPTO, ERR_MEMORY. */
MUST_USE enum err key_file_load(struct seal_key *out, const char *path, struct text *why);
/* Where the key is: said, or the file `key` beside the database. ERR_MEMORY: *out is cut. */
MUST_USE enum err key_file_path(struct text *out, const char *said, const char *store_path);

#endif
