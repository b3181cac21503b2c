#include "cli/key_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/crypto.h"

struct place {
    char folder[64];
    char path[96];
};

static int open_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    assert_non_null(p);
    assert_int_equal(crypto_init(), ERR_OK);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/riposte-key-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/key", p->folder);
    *state = p;
    return 0;
}

static int close_place(void **state)
{
    struct place *p = *state;

    (void)unlink(p->path);
    assert_int_equal(rmdir(p->folder), 0); /* nothing else was left there */
    free(p);
    return 0;
}

static enum err load(const char *path, struct seal_key *key, const char *reason)
{
    struct text why;
    enum err e;

    text_init(&why, 4096);
    e = key_file_load(key, path, &why);
    if (reason == NULL)
        assert_string_equal(why.bytes, "");
    else
        assert_non_null(strstr(why.bytes, reason));
    text_fini(&why);
    return e;
}

static void put(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void a_missing_key_is_made_and_found_again(void **state)
{
    struct place *p = *state;
    struct seal_key first, second;
    struct stat st;

    assert_int_equal(load(p->path, &first, NULL), ERR_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 65);
    assert_int_equal(load(p->path, &second, NULL), ERR_OK);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(load(p->path, &second, NULL), ERR_OK);
    assert_memory_not_equal(&first, &second, sizeof first);
}

#define DIGITS32 "00112233445566778899aabbccddeeff"

static void only_a_whole_key_is_one(void **state)
{
    static const struct {
        const char *text;
        enum err e;
    } rows[] = {
        {DIGITS32 DIGITS32 "\n", ERR_OK},
        {DIGITS32 DIGITS32, ERR_OK},
        {DIGITS32 DIGITS32 "\n\n", ERR_SYNTAX},
        {DIGITS32 DIGITS32 "0", ERR_SYNTAX},
        {DIGITS32 DIGITS32 "00\n", ERR_SYNTAX},
        {DIGITS32, ERR_SYNTAX},
        {"", ERR_SYNTAX},
        {DIGITS32 "0011223344556677889Gaabbccddeeff\n", ERR_SYNTAX},
        {DIGITS32 "00112233445566778899AABBCCDDEEFF\n", ERR_SYNTAX},
    };
    struct place *p = *state;
    struct seal_key key;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put(p->path, rows[i].text, 0600);
        assert_int_equal(load(p->path, &key, rows[i].e == ERR_OK ? NULL : "64 hexadecimal digits"), rows[i].e);
        if (rows[i].e == ERR_OK)
            assert_int_equal(key.bytes[1], 0x11);
    }
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    struct place *p = *state;
    struct seal_key key;

    put(p->path, DIGITS32 DIGITS32 "\n", 0640);
    assert_int_equal(load(p->path, &key, "chmod 600"), ERR_SYNTAX);
    put(p->path, DIGITS32 DIGITS32 "\n", 0604);
    assert_int_equal(load(p->path, &key, "chmod 600"), ERR_SYNTAX);
    put(p->path, DIGITS32 DIGITS32 "\n", 0400);
    assert_int_equal(load(p->path, &key, NULL), ERR_OK);
    assert_int_equal(load(p->folder, &key, "must be a file"), ERR_SYNTAX);
    assert_int_equal(load("/nowhere/at/all/key", &key, "cannot make /nowhere/at/all/key"), ERR_IO);
}

static void the_default_is_beside_the_database(void **state)
{
    static const struct {
        const char *said, *store, *path;
    } rows[] = {{"", "/var/lib/riposte/riposte.db", "/var/lib/riposte/key"},
                {"", "/r.db", "/key"},
                {"/etc/riposte/key", "/var/lib/riposte/riposte.db", "/etc/riposte/key"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text path;

        text_init(&path, 4096);
        assert_int_equal(key_file_path(&path, rows[i].said, rows[i].store), ERR_OK);
        assert_string_equal(path.bytes, rows[i].path);
        text_fini(&path);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_key_is_made_and_found_again),
        TEST(only_a_whole_key_is_one),
        TEST(a_key_that_others_may_read_is_refused),
        TEST(the_default_is_beside_the_database),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
