/* What every fuzz target has: the entry that libFuzzer and runner.c call. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Unlike assert(), in every build. */
#define FUZZ_CHECK(expr)                                                                                           \
    ((expr) ? (void)0 : (fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #expr), abort()))

#endif
