#include "cli/admin_follow.h"

#include <time.h>

/* What is asked for overlaps with what was seen: an item is a little later in the list than its time says. */
#define OVERLAP_S 5
#define PAUSE_S   1

static bool is_among(const json_t *list, const json_t *item)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (json_equal(one, item))
            return true;
    }
    return false;
}

json_t *follow_new_items(const json_t *items, const json_t *seen)
{
    json_t *out = json_array();
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        if (!is_among(seen, item))
            (void)json_array_append(out, item);
    }
    return out;
}

static int64_t newest_time(const json_t *items, int64_t otherwise)
{
    int64_t newest = otherwise;
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        int64_t at = show_parse_time(show_text(item, "time"));

        newest = at > newest ? at : newest;
    }
    return newest;
}

static json_t *items_since(const json_t *items, int64_t since_s)
{
    json_t *out = json_array();
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        if (show_parse_time(show_text(item, "time")) >= since_s)
            (void)json_array_append(out, item);
    }
    return out;
}

static void show_items(const struct follow *f, struct show_table *t, const json_t *items)
{
    size_t n = json_array_size(items);

    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(items, f->newest_first ? n - 1 - i : i);

        if (f->cli->json)
            show_json_line(item);
        else
            f->put(t, item);
    }
    show_table_flush(t);
}

int admin_follow(const struct follow *f, int64_t since_s)
{
    const struct timespec pause = {.tv_sec = PAUSE_S};
    struct show_table t;
    json_t *seen = NULL;
    int result;

    show_table_init(&t, f->headings);
    for (;;) {
        json_t *all = NULL, *items, *fresh;

        result = f->get(f->arg, since_s, &all);
        if (result != EXIT_STATUS_DONE)
            break;
        items = items_since(all, since_s); /* what is older is not among seen any more */
        fresh = follow_new_items(items, seen);
        show_items(f, &t, fresh);
        since_s = newest_time(items, since_s + OVERLAP_S) - OVERLAP_S;
        json_decref(seen);
        seen = items_since(items, since_s);
        json_decref(fresh);
        json_decref(items);
        json_decref(all);
        (void)nanosleep(&pause, NULL);
    }
    json_decref(seen);
    show_table_end(&t, NULL);
    return result;
}
