#include "cli/client_storage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ACCOUNT(label)                                                                                             \
    "{\"fulldomain\": \"" label ".auth.example.org\", \"subdomain\": \"" label "\", \"username\": \"user-" label   \
    "\", \"password\": \"secret-" label "\"}"

struct place {
    char folder[64];
    char path[128];
    struct text why;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return -1;
    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/riposte-storage-XXXXXX");
    if (mkdtemp(p->folder) == NULL)
        return -1;
    (void)snprintf(p->path, sizeof(p->path), "%s/client.json", p->folder);
    text_init(&p->why, 4096);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf %s", p->folder);
    text_fini(&p->why);
    assert_int_equal(system(command), 0);
    free(p);
    return 0;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static json_t *read_json(const char *path)
{
    json_t *j = json_load_file(path, 0, NULL);

    assert_non_null(j);
    return j;
}

static json_t *account(const char *label)
{
    return json_pack("{s:s+, s:s, s:s, s:s, s:s, s:[]}", "fulldomain", label, ".auth.example.org", "subdomain",
                     label, "username", "u", "password", "p", "server_url", "https://auth.example.org",
                     "allowfrom");
}

static enum err put(struct place *p, const char *domain, const char *label)
{
    struct client_storage *s = NULL;
    enum err e = client_storage_edit(&s, p->path, &p->why);

    if (e == ERR_OK)
        e = client_storage_put(s, domain, account(label), &p->why);
    client_storage_close(s);
    return e;
}

/* No file but these is in the folder. */
static size_t files_in(const char *folder)
{
    char command[128];
    unsigned n = 0;
    FILE *f;

    (void)snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
    f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%u", &n), 1);
    assert_int_equal(pclose(f), 0);
    return n;
}

static void a_missing_file_is_not_found_and_named(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;

    assert_int_equal(client_storage_open(&s, p->path, &p->why), ERR_NOT_FOUND);
    assert_null(s);
    assert_non_null(strstr(p->why.bytes, p->path));
}

static void a_first_account_makes_the_file_for_its_owner_alone(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;
    struct client_account a;
    struct stat st;

    assert_int_equal(put(p, "shop.example.com", "shop"), ERR_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(files_in(p->folder), 2); /* it and the lock: no left-overs */
    assert_int_equal(client_storage_open(&s, p->path, &p->why), ERR_OK);
    assert_string_equal(p->why.bytes, "");
    assert_false(client_storage_is_open_to_others(s));
    assert_int_equal(client_storage_count(s), 1);
    client_storage_at(s, 0, &a);
    assert_string_equal(a.domain, "shop.example.com");
    assert_string_equal(a.fulldomain, "shop.auth.example.org");
    assert_string_equal(a.subdomain, "shop");
    assert_string_equal(a.username, "u");
    assert_string_equal(a.password, "p");
    assert_string_equal(a.server_url, "https://auth.example.org");
    client_storage_close(s);
}

static void the_folder_is_made_but_only_one_level(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;

    (void)snprintf(p->path, sizeof(p->path), "%s/a/client.json", p->folder);
    assert_int_equal(put(p, "shop.example.com", "shop"), ERR_OK);
    (void)snprintf(p->path, sizeof(p->path), "%s/b/c/client.json", p->folder);
    assert_int_equal(client_storage_edit(&s, p->path, &p->why), ERR_IO);
    assert_null(s);
    assert_non_null(strstr(p->why.bytes, "/b/c"));
}

static void what_is_not_known_in_the_file_is_kept_and_so_is_the_order(void **state)
{
    struct place *p = *state;
    json_t *before, *after;

    write_file(
        p->path,
        "{\"z.example.com\": {\"fulldomain\": \"z.auth.example.org\", \"subdomain\": \"z\", \"username\": \"u\","
        " \"password\": \"p\", \"note\": {\"deep\": [1, 2.5, null, true, \"\\u00e4\"]}, \"server_url\": null},"
        " \"A.example.com\": " ACCOUNT("a") ", \"no domain at all\": " ACCOUNT("n") "}",
        0600);
    before = read_json(p->path);
    assert_int_equal(put(p, "shop.example.com", "shop"), ERR_OK);
    after = read_json(p->path);
    assert_int_equal(json_object_size(after), 4);
    assert_string_equal(json_object_iter_key(json_object_iter(after)), "z.example.com");
    assert_int_equal(json_object_del(after, "shop.example.com"), 0);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

static void an_account_that_is_there_is_not_replaced(void **state)
{
    struct place *p = *state;
    json_t *before, *after;

    write_file(p->path, "{\"Shop.example.com\": " ACCOUNT("a") "}", 0600);
    before = read_json(p->path);
    assert_int_equal(put(p, "shop.example.com", "other"), ERR_EXISTS);
    after = read_json(p->path);
    assert_true(json_equal(before, after));
    assert_int_equal(files_in(p->folder), 2);
    json_decref(before);
    json_decref(after);
}

static void what_another_program_wrote_meanwhile_is_kept(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;
    json_t *after;

    write_file(p->path, "{\"a.example.com\": " ACCOUNT("a") "}", 0600);
    assert_int_equal(client_storage_edit(&s, p->path, &p->why), ERR_OK);
    write_file(p->path, "{\"a.example.com\": " ACCOUNT("a") ", \"b.example.com\": " ACCOUNT("b") "}", 0600);
    assert_int_equal(client_storage_put(s, "c.example.com", account("c"), &p->why), ERR_OK);
    client_storage_close(s);
    after = read_json(p->path);
    assert_int_equal(json_object_size(after), 3);
    json_decref(after);
}

static void a_file_that_was_damaged_meanwhile_is_not_written(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;
    char text[8] = "";
    FILE *f;

    assert_int_equal(client_storage_edit(&s, p->path, &p->why), ERR_OK);
    write_file(p->path, "{\"a", 0600);
    assert_int_equal(client_storage_put(s, "c.example.com", account("c"), &p->why), ERR_SYNTAX);
    client_storage_close(s);
    f = fopen(p->path, "r");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 3);
    assert_string_equal(text, "{\"a");
    assert_int_equal(fclose(f), 0);
    assert_int_equal(files_in(p->folder), 2);
}

static void what_is_no_account_is_not_put(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;
    json_t *bad = account("c");

    assert_int_equal(json_object_del(bad, "password"), 0);
    assert_int_equal(client_storage_edit(&s, p->path, &p->why), ERR_OK);
    assert_int_equal(client_storage_put(s, "c.example.com", bad, &p->why), ERR_SYNTAX);
    assert_non_null(strstr(p->why.bytes, "\"password\""));
    client_storage_close(s);
    assert_int_equal(access(p->path, F_OK), -1);
}

static void a_link_goes_on_being_one(void **state)
{
    struct place *p = *state;
    char real[128];
    struct stat st;
    json_t *after;

    (void)snprintf(real, sizeof(real), "%s/real.json", p->folder);
    write_file(real, "{}", 0600);
    assert_int_equal(symlink("real.json", p->path), 0);
    assert_int_equal(put(p, "shop.example.com", "shop"), ERR_OK);
    assert_int_equal(lstat(p->path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    after = read_json(real);
    assert_int_equal(json_object_size(after), 1);
    json_decref(after);
}

static void others_who_can_read_it_are_noticed_and_shut_out_when_it_is_written(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;
    struct stat st;

    write_file(p->path, "{}", 0644);
    assert_int_equal(client_storage_open(&s, p->path, &p->why), ERR_OK);
    assert_true(client_storage_is_open_to_others(s));
    client_storage_close(s);
    assert_int_equal(put(p, "shop.example.com", "shop"), ERR_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void an_empty_file_has_no_accounts(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;

    write_file(p->path, "", 0600);
    assert_int_equal(client_storage_open(&s, p->path, &p->why), ERR_OK);
    assert_int_equal(client_storage_count(s), 0);
    client_storage_close(s);
}

/* Two processes: the second waits for the first, so that neither's account is lost. */
static void two_runs_at_once_come_one_after_the_other(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;
    json_t *after;
    FILE *child;
    char command[512];
    int fd;

    assert_int_equal(client_storage_edit(&s, p->path, &p->why), ERR_OK);
    (void)snprintf(command, sizeof(command), "%s.lock", p->path);
    fd = open(command, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1); /* held */
    assert_int_equal(client_storage_put(s, "a.example.com", account("a"), &p->why), ERR_OK);
    client_storage_close(s);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* given back */
    (void)snprintf(command, sizeof(command), "(sleep 0.3; echo) | cat");
    child = popen(command, "r"); /* gives it back a little later, as another run does */
    assert_non_null(child);
    if (fork() == 0) {
        (void)fgetc(child);
        _exit(0); /* its copy of the lock's descriptor ends with it */
    }
    assert_int_equal(close(fd), 0);
    assert_int_equal(put(p, "b.example.com", "b"), ERR_OK);
    (void)pclose(child);
    after = read_json(p->path);
    assert_int_equal(json_object_size(after), 2);
    json_decref(after);
}

static void domains_are_found_in_any_case_then_above_and_by_where_they_point(void **state)
{
    static const char map[] = "{\"Shop.Example.com\": " ACCOUNT("s") ", \"example.com\": " ACCOUNT("e") "}";
    struct place *p = *state;
    struct client_storage *s = NULL;
    struct client_account a;
    struct name name;

    write_file(p->path, map, 0600);
    assert_int_equal(client_storage_open(&s, p->path, &p->why), ERR_OK);
    assert_true(client_storage_find(s, "shop.example.com", &a));
    assert_string_equal(a.subdomain, "s");
    assert_string_equal(a.server_url, "");
    assert_false(client_storage_find(s, "www.example.com", &a));
    assert_true(client_storage_find_nearest(s, "www.example.com", &a));
    assert_string_equal(a.subdomain, "e");
    assert_true(client_storage_find_nearest(s, "a.b.shop.example.com", &a));
    assert_string_equal(a.subdomain, "s");
    assert_false(client_storage_find_nearest(s, "example.org", &a));
    assert_int_equal(name_parse(&name, "E.auth.example.ORG.", 19), ERR_OK);
    assert_true(client_storage_find_target(s, &name, &a));
    assert_string_equal(a.domain, "example.com");
    assert_int_equal(name_parse(&name, "x.auth.example.org", 18), ERR_OK);
    assert_false(client_storage_find_target(s, &name, &a));
    client_storage_close(s);
}

static void only_such_maps_are_read(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[]", "not a map"},
        {"{\"a\": 1}", "\"a\" is not an account"},
        {"{\"a\": " ACCOUNT("a") ", \"a\": " ACCOUNT("b") "}", "each member once"},
        {"{\"a\": {}}", "\"fulldomain\""},
        {"{", "line 1"},
        {"{} {}", "line 1"},
        {"{\"a\": {\"fulldomain\": 1}}", "\"fulldomain\""},
        {"{\"a\": {\"fulldomain\": \"a..b\", \"subdomain\": \"s\", \"username\": \"u\", \"password\": \"p\"}}",
         "\"fulldomain\""},
        {"{\"a\": {\"fulldomain\": \"a.b\", \"subdomain\": \"s\", \"username\": \"u:v\", \"password\": \"p\"}}",
         "\"username\""},
        {"{\"a\": {\"fulldomain\": \"a.b\", \"subdomain\": \"s\", \"username\": \"u\", \"password\": \"p\\n\"}}",
         "\"password\""},
        {"{\"a\": {\"fulldomain\": \"a.b\", \"subdomain\": \"\", \"username\": \"u\", \"password\": \"p\"}}",
         "\"subdomain\""},
        {"{\"a\": {\"fulldomain\": \"a.b\", \"subdomain\": \"s\", \"username\": \"u\", \"password\": \"p\","
         " \"server_url\": 5}}",
         "\"server_url\""},
        {"{\"a\": {\"fulldomain\": \"a.b\", \"subdomain\": \"s\", \"username\": \"u\", \"password\": \"p\","
         " \"allowfrom\": \"10.0.0.0/8\"}}",
         "\"allowfrom\""},
        {"{\"\\u0001\": 1}", "\"?\""},
    };
    struct place *p = *state;
    json_t *map = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        text_fini(&p->why);
        assert_int_equal(client_storage_parse(&map, rows[i].text, strlen(rows[i].text), &p->why), ERR_SYNTAX);
        assert_null(map);
        if (strstr(p->why.bytes, rows[i].says) == NULL)
            print_error("%s\n -> %s\n", rows[i].text, p->why.bytes);
        assert_non_null(strstr(p->why.bytes, rows[i].says));
    }
    assert_int_equal(client_storage_parse(&map, "{}", 2, &p->why), ERR_OK);
    json_decref(map);
}

static void what_is_nested_or_large_without_end_is_not_read(void **state)
{
    struct place *p = *state;
    static const char brackets[] = "{\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[\": 1}";
    size_t len = CLIENT_STORAGE_MAX + 1;
    char *text = malloc(len + 1);
    json_t *map = NULL;

    assert_non_null(text);
    memset(text, '[', len);
    assert_int_equal(client_storage_parse(&map, text, 100, &p->why), ERR_SYNTAX);
    assert_non_null(strstr(p->why.bytes, "nested"));
    memset(text, ' ', len);
    text[0] = '{';
    text[len - 1] = '}';
    text[len] = '\0';
    assert_int_equal(client_storage_parse(&map, text, len, &p->why), ERR_SYNTAX);
    write_file(p->path, text, 0600);
    {
        struct client_storage *s = NULL;

        assert_int_equal(client_storage_open(&s, p->path, &p->why), ERR_SYNTAX);
        assert_null(s);
    }
    text[len - 1] = ' ';
    text[len - 2] = '}';
    assert_int_equal(client_storage_parse(&map, text, len - 1, &p->why), ERR_OK); /* exactly full */
    json_decref(map);
    text_fini(&p->why);
    assert_int_equal(client_storage_parse(&map, brackets, strlen(brackets), &p->why), ERR_SYNTAX);
    assert_non_null(strstr(p->why.bytes, "is not an account")); /* brackets in a text are no nesting */
    assert_int_equal(client_storage_parse(&map, "\"\\", 2, &p->why), ERR_SYNTAX); /* nor is there an end */
    free(text);
}

static void a_folder_or_another_thing_is_no_file(void **state)
{
    struct place *p = *state;
    struct client_storage *s = NULL;

    assert_int_equal(client_storage_open(&s, p->folder, &p->why), ERR_IO);
    assert_int_equal(client_storage_open(&s, "/dev/null", &p->why), ERR_IO);
    assert_int_equal(mkfifo(p->path, 0600), 0);
    assert_int_equal(client_storage_open(&s, p->path, &p->why), ERR_IO); /* and nobody waits for a writer */
    assert_null(s);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_missing_file_is_not_found_and_named),
        CASE(a_first_account_makes_the_file_for_its_owner_alone),
        CASE(the_folder_is_made_but_only_one_level),
        CASE(what_is_not_known_in_the_file_is_kept_and_so_is_the_order),
        CASE(an_account_that_is_there_is_not_replaced),
        CASE(what_another_program_wrote_meanwhile_is_kept),
        CASE(a_file_that_was_damaged_meanwhile_is_not_written),
        CASE(what_is_no_account_is_not_put),
        CASE(a_link_goes_on_being_one),
        CASE(others_who_can_read_it_are_noticed_and_shut_out_when_it_is_written),
        CASE(an_empty_file_has_no_accounts),
        CASE(two_runs_at_once_come_one_after_the_other),
        CASE(domains_are_found_in_any_case_then_above_and_by_where_they_point),
        CASE(only_such_maps_are_read),
        CASE(what_is_nested_or_large_without_end_is_not_read),
        CASE(a_folder_or_another_thing_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
