/* Whether somebody may look at all. The caller has been authorized like any other; nothing changes. */
#include "core/authorize.h"
#include "core/decide_internal.h"

enum err decide_look(struct deciding *c)
{
    switch (c->r->u.look) {
    case LOOK_AT_SELF:
    case LOOK_AT_OWN:
        break;
    case LOOK_AT_NAMES:
        if (!caller_manages(c)) /* who manages must see what there is */
            (void)caller_may(c, ACTION_READ);
        break;
    case LOOK_AT_SERVER:
        (void)caller_may(c, ACTION_ADMINISTER);
        break;
    }
    return ERR_OK;
}
