/* base/attr.h -- what the compiler is told about functions. No code. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define MUST_USE                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define ALWAYS_INLINE           __attribute__((always_inline)) inline
/* Not on the usual path of its caller, whose stack frame stays small without it; and COLD: hardly ever called. */
#define APART                   __attribute__((noinline))
#define COLD                    __attribute__((noinline, cold))
#define ARRAY_LEN(a)            (sizeof(a) / sizeof((a)[0]))

#endif
