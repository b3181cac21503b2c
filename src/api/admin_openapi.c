/* GET /v1/openapi.yaml */
#include "api/admin_internal.h"
#include "api/openapi.h"

void admin_openapi(struct http_request *rq)
{
    http_reply(rq, 200, "application/yaml", openapi_yaml, openapi_yaml_len); /* RFC 9512 */
}
