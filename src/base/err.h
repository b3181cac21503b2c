/* base/err.h -- the one error type of all layers. Plain data, any thread.
 *
 * An enum err says what went wrong to a caller that has to decide something; what a person reads (which file, which
 * key, what to do) is said where the error is handled. ERR_OK is 0 and the only success. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

enum err {
    ERR_OK = 0,
    ERR_SYNTAX,    /* the input is not of the form that is accepted */
    ERR_SHORT,     /* the input ends inside of something */
    ERR_RANGE,     /* well formed, but outside of the accepted range */
    ERR_FULL,      /* the caller's buffer, or a bounded table, has no room */
    ERR_MEMORY,    /* an allocation failed */
    ERR_NOT_FOUND, /* no such thing */
    ERR_EXISTS,    /* there is one already */
    ERR_IO,        /* a system call on a file or socket failed; errno has been logged or reported */
    ERR_BUSY,      /* somebody else holds it; trying again may help */
    ERR_STALE,     /* the journal has gone on: read what is missing and compute anew */
    ERR_CORRUPT,   /* stored data contradicts itself */
    ERR_VERSION,   /* stored data is of a version that this program does not know */
    ERR_UNKNOWN,   /* the operation failed in the middle: it may or may not have happened */
    ERR_CLOSED,    /* the other side, or this object, is shutting down */
    ERR_CRYPTO,    /* the cryptographic library refused */
};

/* A short lower-case English phrase, such as "no room"; never NULL, static storage. */
const char *err_text(enum err e);

#endif
