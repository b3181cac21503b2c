/* Checking secrets that acme-dns hashed the slow way (bcrypt), on a thread of its own: the committer never waits
 * for one. A request whose credential has only such a secret is parked here; when what it offers has been compared,
 * it goes back into the queue with the proof and is decided again.
 *
 * Nobody can keep others out by guessing. Requests of the same secret share one computation. Of the different ones
 * that wait, those go first whose client network has failed the least with that credential and has the fewest
 * waiting; who has failed lately gets a few computations a second, whatever there are. When there is no more room,
 * the one that would have come last is refused. What was right is replaced by a fast hash (decide()), and never
 * comes here again. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bcrypt.h"
#include "base/crypto.h"
#include "base/log.h"
#include "db/committer_internal.h"

#define CHECKER_NICE        10 /* behind DNS and changes when the processors are busy */
#define SUSPECT_INTERVAL_MS 200
#define FORGET_INTERVAL_MS  ((int64_t)60 * MS_PER_S)
#define FAILURES_KEPT       10000
#define ERROR_PAUSE_MS      MS_PER_S
#define PARK_RETRY_S        5
#define CLIENT_BITS_V4      32
#define CLIENT_BITS_V6      56

/* One computation. */
struct check_job {
    char hash[SECRET_DATA_MAX + 1];
    size_t len;
    char secret[sizeof((struct caller *)0)->secret];
    unsigned suspect;
};

/* Where the failures of this client network with this credential are counted. */
static unsigned suspect_of(const struct committer *c, const struct caller *caller)
{
    struct addr prefix = addr_prefix(&caller->client, CLIENT_BITS_V4, CLIENT_BITS_V6);
    uint8_t who[1 + sizeof prefix.b + sizeof caller->credential.b];

    who[0] = prefix.family;
    memcpy(who + 1, prefix.b, sizeof prefix.b);
    memcpy(who + 1 + sizeof prefix.b, caller->credential.b, sizeof caller->credential.b);
    return (unsigned)(siphash13(&c->checks.key, who, sizeof who) % SUSPECTS);
}

static void count_waiting(const struct checks *checks, uint16_t waiting[SUSPECTS])
{
    memset(waiting, 0, SUSPECTS * sizeof *waiting);
    for (const struct item *it = checks->first; it != NULL; it = it->next)
        waiting[it->suspect]++;
}

/* Holding lock. */
static void append(struct checks *checks, struct item *it)
{
    it->next = NULL;
    it->state = ITEM_CHECKING;
    if (checks->last != NULL)
        checks->last->next = it;
    else
        checks->first = it;
    checks->last = it;
    checks->n++;
}

/* Holding lock: take down what comes after `before` (NULL: the first). */
static struct item *take_after(struct checks *checks, struct item *before)
{
    struct item **at = before != NULL ? &before->next : &checks->first;
    struct item *it = *at;

    *at = it->next;
    if (checks->last == it)
        checks->last = before;
    it->next = NULL;
    checks->n--;
    return it;
}

/* Holding lock: of those that wait the one that would be checked last goes; it may be the newest. */
static struct item *displace(struct checks *checks)
{
    uint16_t waiting[SUSPECTS];
    unsigned most = 0;
    struct item *before_worst = NULL;
    struct item *before = NULL;

    count_waiting(checks, waiting);
    for (struct item *it = checks->first; it != NULL; before = it, it = it->next) {
        unsigned weight = checks->failures[it->suspect] + waiting[it->suspect];
        if (weight >= most) {
            most = weight;
            before_worst = before;
        }
    }
    return take_after(checks, before_worst);
}

/* Holding lock: take the item at place i of what is running away from there. */
static struct item *take_running(struct committer *c, size_t i)
{
    struct item *it = c->running[i];

    c->n_running--;
    memmove(&c->running[i], &c->running[i + 1], (c->n_running - i) * sizeof c->running[0]);
    return it;
}

bool checks_park(struct committer *c, size_t i, const struct secret *check)
{
    struct item *it = c->running[i];
    struct proof *proof = &it->request->proof;
    struct item *displaced = NULL;
    bool is_parked = false;

    *proof = (struct proof){.len = check->len};
    memcpy(proof->hash, check->data,
           check->len); /* of at most SECRET_DATA_MAX octets, else it would not be there */
    it->suspect = suspect_of(c, &it->request->caller);
    (void)pthread_mutex_lock(&c->lock);
    if (it->state == ITEM_RUNNING && !c->queue.closing) {
        append(&c->checks, take_running(c, i));
        if (c->checks.n > PARKED_MAX)
            displaced = displace(&c->checks);
        (void)pthread_cond_signal(&c->checks.wake);
        is_parked = true;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (displaced != NULL)
        answer_displaced(c, displaced);
    return is_parked;
}

void checks_answer_all_unavailable(struct committer *c)
{
    struct item *it;

    (void)pthread_mutex_lock(&c->lock);
    it = c->checks.first;
    c->checks.first = c->checks.last = NULL;
    c->checks.n = 0;
    (void)pthread_mutex_unlock(&c->lock);
    while (it != NULL) {
        struct item *next = it->next;
        answer_unchecked(c, it);
        it = next;
    }
}

/* ---- the thread ---- */

/* Holding lock: failures are forgotten by halves. */
static void forget(struct checks *checks, int64_t now_ms)
{
    if (now_ms < checks->forget_ms)
        return;
    checks->forget_ms = now_ms + FORGET_INTERVAL_MS;
    for (size_t i = 0; i < SUSPECTS; i++)
        checks->failures[i] /= 2;
}

/* Holding lock: the next to be checked. NULL: none now; *wait_ms then says when to look again. */
static const struct item *next_to_check(struct checks *checks, int64_t now_ms, int64_t *wait_ms)
{
    uint16_t waiting[SUSPECTS];
    const struct item *best = NULL;
    unsigned least = 0;

    count_waiting(checks, waiting);
    for (const struct item *it = checks->first; it != NULL; it = it->next) {
        unsigned weight = checks->failures[it->suspect] + waiting[it->suspect];
        if (best == NULL || weight < least) {
            best = it;
            least = weight;
        }
    }
    *wait_ms = NEVER_MS;
    if (best == NULL || checks->failures[best->suspect] == 0 || now_ms >= checks->suspects_ms)
        return best;
    *wait_ms = checks->suspects_ms - now_ms;
    return NULL;
}

static void job_of(struct check_job *job, const struct item *it)
{
    const struct proof *proof = &it->request->proof;

    *job = (struct check_job){.len = proof->len, .suspect = it->suspect};
    memcpy(job->hash, proof->hash, proof->len); /* the NUL is there */
    memcpy(job->secret, it->request->caller.secret, sizeof job->secret);
}

static bool is_of_job(const struct item *it, const struct check_job *job)
{
    const struct proof *proof = &it->request->proof;

    return proof->len == job->len && memcmp(proof->hash, job->hash, job->len) == 0 &&
           crypto_equal(it->request->caller.secret, job->secret, sizeof job->secret);
}

/* Holding lock. */
static void count_result(struct checks *checks, const struct check_job *job, bool is_right, int64_t now_ms)
{
    uint16_t *failures = &checks->failures[job->suspect];

    if (is_right)
        *failures = 0;
    else if (*failures < FAILURES_KEPT)
        ++*failures;
    if (*failures > 0)
        checks->suspects_ms = now_ms + SUSPECT_INTERVAL_MS;
    (void)atomic_fetch_add_explicit(&checks->done[is_right ? 1 : 0], 1, memory_order_relaxed);
}

/* Holding lock: all that wait for this go back into the queue. While stopping they stay, for the committer to
 * answer.
 */
static void hand_back(struct committer *c, const struct check_job *job, bool is_right)
{
    struct item *before = NULL;
    struct item *it = c->queue.closing ? NULL : c->checks.first;

    while (it != NULL) {
        struct item *next = it->next;
        if (is_of_job(it, job)) {
            it = take_after(&c->checks, before);
            it->request->proof.is_made = true;
            it->request->proof.is_right = is_right;
            queue_return(c, it);
        } else {
            before = it;
        }
        it = next;
    }
}

/* Holding lock, which is given up while it computes. */
static void run_job(struct committer *c, struct check_job *job)
{
    bool is_right = false;
    enum err e;

    (void)pthread_mutex_unlock(&c->lock);
    e = bcrypt_check(job->secret, job->hash, &is_right);
    if (e != ERR_OK)
        log_event(LOG_ERROR, "secret-check-failed", log_err("reason", e),
                  log_str("effect", "a secret from acme-dns cannot be checked"));
    (void)pthread_mutex_lock(&c->lock);
    if (e == ERR_OK) {
        count_result(&c->checks, job, is_right, clock_mono_ms(c->o.clock));
        hand_back(c, job, is_right);
    } else if (!c->queue.closing) {
        committer_wait(c, &c->checks.wake, ERROR_PAUSE_MS); /* those who wait are answered at their deadlines */
    }
}

void *checker_main(void *arg)
{
    struct committer *c = arg;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(),
                      CHECKER_NICE); /* without it all is right too, but less polite */
    (void)pthread_mutex_lock(&c->lock);
    while (!c->queue.closing) {
        int64_t now_ms = clock_mono_ms(c->o.clock);
        int64_t wait_ms;
        const struct item *it;
        forget(&c->checks, now_ms);
        it = next_to_check(&c->checks, now_ms, &wait_ms);
        if (it != NULL) {
            struct check_job job;
            job_of(&job, it);
            run_job(c, &job);
            crypto_wipe(&job, sizeof job);
        } else {
            committer_wait(c, &c->checks.wake, wait_ms);
        }
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

enum err checks_init(struct committer *c)
{
    return crypto_random(&c->checks.key, sizeof c->checks.key);
}
