#include "core/door.h"

const char *door_word(enum door d)
{
    switch (d) {
    case DOOR_ACMEDNS:
        return "acme-dns";
    case DOOR_V1:
        return "v1";
    case DOOR_HTTPREQ:
        return "httpreq";
    case DOOR_UPDATE:
        return "update";
    case DOOR_ADMIN:
        return "admin";
    case DOOR_SERVER:
        return "server";
    case DOOR_NONE:
    case DOOR_COUNT:
        break;
    }
    return "-";
}
