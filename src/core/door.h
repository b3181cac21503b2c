/* core/door.h -- the protocols by which changes arrive. */
#ifndef CORE_DOOR_H
#define CORE_DOOR_H

enum door { DOOR_NONE, DOOR_ACMEDNS, DOOR_V1, DOOR_HTTPREQ, DOOR_UPDATE, DOOR_ADMIN, DOOR_SERVER, DOOR_COUNT };

/* "acme-dns", "v1", "httpreq", "update", "admin", "server" (the program itself: expiry, configuration). */
const char *door_word(enum door d);

#endif
