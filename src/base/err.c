#include "base/err.h"

#include <stddef.h>

static const char *const err_texts[] = {
    [ERR_OK] = "no error",
    [ERR_SYNTAX] = "malformed",
    [ERR_SHORT] = "cut short",
    [ERR_RANGE] = "out of range",
    [ERR_FULL] = "no room",
    [ERR_MEMORY] = "out of memory",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "exists already",
    [ERR_IO] = "input or output failed",
    [ERR_BUSY] = "busy",
    [ERR_STALE] = "overtaken by newer changes",
    [ERR_CORRUPT] = "stored data is damaged",
    [ERR_VERSION] = "stored data is of an unknown version",
    [ERR_UNKNOWN] = "outcome unknown",
    [ERR_CLOSED] = "closed",
    [ERR_CRYPTO] = "the cryptographic library failed",
};

const char *err_text(enum err e)
{
    if ((size_t)e >= ARRAY_LEN(err_texts) || err_texts[e] == NULL)
        return "unknown error";
    return err_texts[e];
}
