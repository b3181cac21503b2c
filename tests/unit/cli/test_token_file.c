#include "cli/token_file.h"

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

#define ID     "6a3f29a0-8d1c-4a57-9d2b-0c6f7e1b2a34"
#define SECRET "open-sesame_1234567890abcdefghijABCDEFGH"

struct place {
    char folder[64];
    char path[96];
};

static int open_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    assert_non_null(p);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/riposte-token-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/token", p->folder);
    *state = p;
    return 0;
}

static int close_place(void **state)
{
    struct place *p = *state;

    (void)unlink(p->path);
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
    return 0;
}

static void put(const char *path, const char *text, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static enum err load(struct token_file *t, const char *path, const char *says)
{
    struct text why;
    enum err e;

    text_init(&why, 4096);
    e = token_file_load(t, path, &why);
    assert_non_null(strstr(why.bytes, says));
    assert_int_equal(e == ERR_OK, why.len == 0);
    assert_null(strstr(why.bytes, "sesame"));
    if (e != ERR_OK) {
        assert_string_equal(t->id, "");
        assert_string_equal(t->secret, "");
    }
    text_fini(&why);
    return e;
}

static void each_form_is_read(void **state)
{
    static const char *const forms[] = {
        ID "." SECRET,
        ID "." SECRET "\n",
        " \t" ID "." SECRET " \r\n\n",
        "{\"credential\": \"" ID "\", \"label\": \"web1\", \"secret\": \"" SECRET "\", \"names\": []}",
        "{\"username\":\"" ID "\",\"password\":\"" SECRET "\",\"allowfrom\":[]}\n",
    };
    const struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct token_file t;

        put(p->path, forms[i], strlen(forms[i]), 0600);
        assert_int_equal(load(&t, p->path, ""), ERR_OK);
        assert_string_equal(t.id, ID);
        assert_string_equal(t.secret, SECRET);
        token_file_wipe(&t);
        assert_string_equal(t.secret, "");
    }
}

static void what_is_none_is_refused_without_saying_what_is_in_it(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
#define ROW(text) {text, sizeof(text) - 1}
        ROW(""),
        ROW("\n\n"),
        ROW(ID),
        ROW("." SECRET),
        ROW(ID "."),
        ROW(ID "." SECRET "\n" ID "." SECRET),
        ROW(ID ".open sesame"),
        ROW(ID ".open\0sesame"),
        ROW(ID ".\303\266pen-sesame"),
        ROW("{\"credential\": \"" ID "\"}"),
        ROW("{\"credential\": \"" ID "\", \"secret\": 7}"),
        ROW("{\"credential\": \"" ID "\", \"secret\": \"\"}"),
        ROW("{\"credential\": \"" ID "\", \"secret\": \"open-sesame\", \"secret\": \"sesame\"}"),
        ROW("{\"credential\": \"" ID "\", \"secret\": \"open\\r\\nsesame\"}"),
        ROW("{\"credential\": \"" ID "\", \"secret\": \"open-sesame\""),
        ROW("[\"open-sesame\"]"),
    };
    const struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_file t;

        put(p->path, rows[i].text, rows[i].len, 0600);
        assert_int_equal(load(&t, p->path, "holds neither ID.SECRET nor"), ERR_SYNTAX);
    }
}

static void bounds_are_kept(void **state)
{
    const struct place *p = *state;
    char text[TOKEN_FILE_MAX + 64];
    struct token_file t;
    int len;

    memset(text, ' ', sizeof text); /* blanks around it are of no matter, up to the bound */
    memcpy(text, ID "." SECRET, sizeof ID "." SECRET - 1);
    put(p->path, text, TOKEN_FILE_MAX, 0600);
    assert_int_equal(load(&t, p->path, ""), ERR_OK);
    put(p->path, text, TOKEN_FILE_MAX + 1, 0600);
    assert_int_equal(load(&t, p->path, "is larger than 4096 octets"), ERR_SYNTAX);
    len = snprintf(text, sizeof text, "%063d.%0255d", 1, 1);
    put(p->path, text, (size_t)len, 0600);
    assert_int_equal(load(&t, p->path, ""), ERR_OK);
    len = snprintf(text, sizeof text, "%064d.%0255d", 1, 1);
    put(p->path, text, (size_t)len, 0600);
    assert_int_equal(load(&t, p->path, "holds neither"), ERR_SYNTAX);
    len = snprintf(text, sizeof text, "%063d.%0256d", 1, 1);
    put(p->path, text, (size_t)len, 0600);
    assert_int_equal(load(&t, p->path, "holds neither"), ERR_SYNTAX);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        const char *says;
    } rows[] = {{0600, ""},
                {0400, ""},
                {0640, ""}, /* a group that was chosen for it, such as that of a service */
                {0644, "others may read the token file"},
                {0604, "others may read the token file"},
                {0660, "others may write the token file"},
                {0602, "others may write the token file"}};
    const struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_file t;

        put(p->path, ID "." SECRET, strlen(ID "." SECRET), rows[i].mode);
        assert_int_equal(load(&t, p->path, rows[i].says), rows[i].says[0] == '\0' ? ERR_OK : ERR_SYNTAX);
    }
}

static void what_is_no_file_is_said(void **state)
{
    const struct place *p = *state;
    struct token_file t;
    char path[64];
    int ends[2];

    assert_int_equal(load(&t, p->path, "cannot open the token file"), ERR_IO);
    assert_int_equal(load(&t, p->folder, "is no file"), ERR_SYNTAX);
    assert_int_equal(load(&t, "/dev/null", "is no file"), ERR_SYNTAX);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], ID "." SECRET, strlen(ID "." SECRET)), (ssize_t)strlen(ID "." SECRET));
    close(ends[1]);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(load(&t, path, ""), ERR_OK);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_form_is_read, open_place, close_place),
        cmocka_unit_test_setup_teardown(what_is_none_is_refused_without_saying_what_is_in_it, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(bounds_are_kept, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_file_that_others_may_read_is_refused, open_place, close_place),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_said, open_place, close_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
