/* core/text_fault.h -- what is wrong with a text that came from outside, for the person who wrote it: which part,
 * what, where, and what is accepted instead. Plain data, any thread.
 *
 * A function that takes a struct text_fault * writes it when, and only when, it returns ERR_SYNTAX or ERR_RANGE. */
#ifndef CORE_TEXT_FAULT_H
#define CORE_TEXT_FAULT_H

#include <stddef.h>

struct text_fault {
    const char *part;     /* "accounturi"; like all texts here in static storage and never NULL */
    const char *what;     /* "a blank" */
    const char *accepted; /* "https://..." */
    size_t offset; /* of the octet, from 0, in the text that was passed; its length where something is missing */
};

#define TEXT_FAULT_TEXT_MAX 400
/* "accounturi: a blank at character 27; accepted: ...": characters count from 1. NUL-terminated; returns out. */
const char *text_fault_format(const struct text_fault *f, char out[TEXT_FAULT_TEXT_MAX]);

#endif
