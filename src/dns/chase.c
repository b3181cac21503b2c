#include "dns/chase.h"

#include <assert.h>

#include "core/rr.h"

static bool was_seen(const struct node *const *seen, size_t n, const struct node *node)
{
    for (size_t i = 0; i < n; i++)
        if (seen[i] == node)
            return true;
    return false;
}

/* Step to the target of the CNAME whose RDATA begins at message octet rdata_at. */
static void step(struct reply *r, const struct table *t, size_t rdata_at, struct chase_end *end)
{
    size_t len = r->len - rdata_at; /* of the only record of its set, put last; RDATA is a name in full */

    assert(len >= 1 && len <= NAME_MAX_LEN);
    name_set(&end->name, r->msg + rdata_at, len);
    name_fold(&end->name);
    end->hash = table_hash(t, &end->name);
    end->node = table_find(t, &end->name, end->hash);
    end->zone = end->node != NULL ? table_node_zone(t, end->node) : table_find_zone(t, &end->name);
}

void chase_put(struct reply *r, const struct table *t, const struct node *node, struct chase_end *end)
{
    const struct node *seen[CHASE_STEPS] = {NULL};
    size_t owner_at = DNS_HEADER_LEN;
    struct answer_set set;

    end->name = r->q->name;
    end->hash = r->q->hash;
    end->node = node;
    end->zone = table_node_zone(t, node);
    for (size_t n = 0; n < CHASE_STEPS && !was_seen(seen, n, end->node); n++) {
        seen[n] = end->node;
        if (n > 0 && node_find_set(t, end->node, r->q->qtype, &set)) {
            (void)reply_put_set_at(r, &set, owner_at);
            return;
        }
        if (!node_find_set(t, end->node, RR_CNAME, &set)) {
            reply_put_negative(r, end->zone, owner_at + end->name.len);
            return;
        }
        size_t rdata_at = r->len + RR_FIXED;
        if (!reply_put_set_at(r, &set, owner_at))
            return;
        owner_at = rdata_at;
        step(r, t, owner_at, end);
        if (end->zone == NULL)
            return;
        if (end->node == NULL) {
            r->edns.rcode = RCODE_NXDOMAIN;
            reply_put_negative(r, end->zone, owner_at + end->name.len);
            return;
        }
    }
}
