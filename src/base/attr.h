/* base/attr.h -- what the compiler is told about functions. No code. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define MUST_USE                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define ARRAY_LEN(a)            (sizeof(a) / sizeof((a)[0]))

#endif
