/* cli/token_file.h -- the id and secret of a credential from a file, for commands that talk to a server by its URL.
 * Nothing of it is ever an argument, which ps would show to everybody. One thread; blocks for the disk. */
#ifndef CLI_TOKEN_FILE_H
#define CLI_TOKEN_FILE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

#define TOKEN_FILE_MAX        4096 /* octets of the file */
#define TOKEN_FILE_ID_MAX     64   /* with the NUL */
#define TOKEN_FILE_SECRET_MAX 256  /* with the NUL */

struct token_file {
    char id[TOKEN_FILE_ID_MAX];
    char secret[TOKEN_FILE_SECRET_MAX];
};

/* Read the file at path: `ID.SECRET` on one line, or one JSON object with "credential" and "secret" (as credential
 * create --json prints it) or "username" and "password" (--as acme-dns). A pipe is fine (/dev/fd/3). On error *why
 * has a sentence without a full stop, which never has anything out of the file in it: ERR_IO; ERR_SYNTAX (something
 * else is in it, or it is too long; or others than its owner and group may read it, or others than its owner write
 * it). *out is then wiped. */
MUST_USE enum err token_file_load(struct token_file *out, const char *path, struct text *why);
void token_file_wipe(struct token_file *t);

#endif
