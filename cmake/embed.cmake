# cmake -D INPUT=docs/openapi.yaml -D OUTPUT=openapi.c -P embed.cmake: the file as an array, for GET /v1/openapi.yaml.
file(READ ${INPUT} octets HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," octets "${octets}")
file(WRITE ${OUTPUT}
  "#include \"api/openapi.h\"\n\n"
  "const char openapi_yaml[] = {${octets}};\n"
  "const size_t openapi_yaml_len = sizeof openapi_yaml;\n")
