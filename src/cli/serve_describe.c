/* What the whole server knows about itself and no single layer does: for `riposte status` and /metrics. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/serve.h"

#define LISTENERS_MAX 64

static json_t *describe_dns(const struct serving *s)
{
    struct dns_listener_status at[LISTENERS_MAX];
    size_t n = dns_server_listeners(s->dns, at, LISTENERS_MAX);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        char text[ENDPOINT_TEXT_MAX];

        (void)json_array_append_new(
            list, json_pack("{s:s, s:b, s:b, s:b, s:I, s:I}", "address", endpoint_format(&at[i].at, text), "udp",
                            at[i].udp, "tcp", at[i].tcp, "activated", at[i].activated, "workers",
                            (json_int_t)at[i].workers, "questions", (json_int_t)at[i].questions));
    }
    return list;
}

static json_t *describe_serves(unsigned serves)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {{SERVES_ACMEDNS, "acme-dns"}, {SERVES_HTTPREQ, "httpreq"}, {SERVES_V1, "v1"},
                 {SERVES_HEALTH, "health"},    {SERVES_METRICS, "metrics"}, {SERVES_ADMIN, "admin"}};
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if ((serves & words[i].bit) != 0)
            (void)json_array_append_new(list, json_string(words[i].word));
    }
    return list;
}

static json_t *describe_api(const struct serving *s)
{
    struct api_listener_status at[LISTENERS_MAX];
    size_t n = api_server_listeners(s->api, at, LISTENERS_MAX);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        char text[ENDPOINT_TEXT_MAX];
        char expires[CLOCK_TEXT_MAX] = "";

        if (at[i].certificate_expires_s != 0)
            clock_format_rfc3339(at[i].certificate_expires_s, expires);
        (void)json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:o, s:s, s:s}", "address",
                                                    endpoint_format(&at[i].at, text), "tls", at[i].tls, "open",
                                                    at[i].open, "serves", describe_serves(at[i].serves), "problem",
                                                    at[i].problem, "certificate-expires", expires));
    }
    return list;
}

static const char *registration_word(enum registration_allow allow)
{
    switch (allow) {
    case REGISTRATION_TOKEN:
        return "token";
    case REGISTRATION_NETWORKS:
        return "networks";
    case REGISTRATION_ANYONE:
        return "anyone";
    case REGISTRATION_NONE:
        break;
    }
    return "none";
}

enum err serve_describe(struct serving *s, struct text *json)
{
    char started[CLOCK_TEXT_MAX], from_text[ADDR_TEXT_MAX];
    struct addr from;
    bool is_hidden = dns_server_sources_hidden(s->dns, &from);
    json_t *root;
    char *dump;

    pthread_mutex_lock(&s->reload_lock);
    root = json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:s}", "version", RIPOSTE_VERSION, "started",
                     clock_format_rfc3339(s->started_real_s, started), "uptime-seconds",
                     (json_int_t)((clock_mono_ms(&clock_system) - s->started_mono_ms) / 1000), "config",
                     s->config_path, "registration", registration_word(s->config->settings.registration.allow),
                     "dns", describe_dns(s), "api", describe_api(s), "sources-hidden-behind",
                     is_hidden ? addr_format(&from, from_text) : "");
    pthread_mutex_unlock(&s->reload_lock);
    dump = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (dump == NULL)
        return ERR_MEMORY;
    text_put(json, dump);
    free(dump);
    return json->err;
}

/* Octets of memory in use, from /proc; 0 when it cannot be read. */
static uint64_t resident_octets(void)
{
    unsigned long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    long page = sysconf(_SC_PAGESIZE);

    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    (void)fclose(f);
    return page > 0 ? (uint64_t)resident * (uint64_t)page : 0;
}

static void put_process_metrics(const struct serving *s, struct text *out)
{
    struct rusage used;
    double cpu_s = 0;

    if (getrusage(RUSAGE_SELF, &used) == 0)
        cpu_s = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
                (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    metrics_head(out, "riposte_build_info", METRIC_GAUGE, "Always 1; the labels say what runs.");
    metrics_sample_u64(out, "riposte_build_info", "version=\"" RIPOSTE_VERSION "\"", 1);
    metrics_head(out, "process_start_time_seconds", METRIC_GAUGE, "Start of the process, Unix time.");
    metrics_sample_u64(out, "process_start_time_seconds", "", (uint64_t)s->started_real_s);
    metrics_head(out, "process_cpu_seconds_total", METRIC_COUNTER, "CPU time used, user and system.");
    metrics_sample_f64(out, "process_cpu_seconds_total", "", cpu_s);
    metrics_head(out, "process_resident_memory_bytes", METRIC_GAUGE, "Memory in use.");
    metrics_sample_u64(out, "process_resident_memory_bytes", "", resident_octets());
}

void serve_metrics(struct serving *s, struct text *out)
{
    const struct metrics_source sources[] = {dns_server_metrics(s->dns), api_server_metrics(s->api),
                                             committer_metrics(s->committer), refusals_metrics(s->refusals)};

    put_process_metrics(s, out);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        sources[i].collect(sources[i].self, out);
}
