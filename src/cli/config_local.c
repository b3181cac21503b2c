#include "cli/config_local.h"

#include <ifaddrs.h>

enum config_local config_address_is_local(const struct addr *a)
{
    struct ifaddrs *list = NULL;
    enum config_local answer = CONFIG_LOCAL_NO;

    if (addr_is_loopback(a))
        return CONFIG_LOCAL_YES; /* all of 127.0.0.0/8, of which an interface names only one */
    if (getifaddrs(&list) != 0)
        return CONFIG_LOCAL_UNKNOWN;
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        struct addr own;

        if (i->ifa_addr == NULL)
            continue;
        addr_from_sockaddr(&own, NULL, i->ifa_addr);
        if (addr_equal(&own, a))
            answer = CONFIG_LOCAL_YES;
    }
    freeifaddrs(list);
    return answer;
}
