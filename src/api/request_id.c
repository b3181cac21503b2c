#include "api/request_id.h"

#include "base/crypto.h"

#define ID_BITS   40
#define ID_MASK   ((UINT64_C(1) << ID_BITS) - 1)
#define ID_FACTOR UINT64_C(0x9e3779b97f) /* odd: multiplying by it only reorders the numbers below 2^40 */
#define GROUP_LEN 4

enum err request_ids_init(struct request_ids *ids)
{
    atomic_init(&ids->next, 0);
    return crypto_random(&ids->start, sizeof ids->start);
}

void request_ids_take(struct request_ids *ids, char out[REQUEST_ID_LEN + 1])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* no I, L, O, U */
    uint64_t n = atomic_fetch_add_explicit(&ids->next, 1, memory_order_relaxed);
    uint64_t id = (ids->start + n * ID_FACTOR) & ID_MASK;

    out[REQUEST_ID_LEN] = '\0';
    for (int i = REQUEST_ID_LEN - 1; i >= 0; i--) {
        if (i == GROUP_LEN) {
            out[i] = '-';
            continue;
        }
        out[i] = alphabet[id % 32];
        id /= 32;
    }
}
