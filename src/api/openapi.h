/* api/openapi.h -- docs/openapi.yaml, as it was when the program was built; cmake/embed.cmake makes it. */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include <stddef.h>

extern const char openapi_yaml[];
extern const size_t openapi_yaml_len;

#endif
