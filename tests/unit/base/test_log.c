#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_TIME_LEN 21 /* "2026-11-21T02:58:41Z " */
#define JSON_TIME_LEN 36 /* `{"time":"2026-11-21T02:58:41.120Z",` */
#define CAPTURED_MAX  65536

/* Standard error as a pipe, between capture_start() and capture_end(). */
struct capture {
    int saved_stderr;
    int pipe[2];
    char text[CAPTURED_MAX];
    size_t len;
};

static struct capture capture;

static void capture_start(enum log_level level, enum log_format format)
{
    assert_int_equal(pipe(capture.pipe), 0);
    capture.saved_stderr = dup(STDERR_FILENO);
    assert_true(capture.saved_stderr >= 0);
    assert_true(dup2(capture.pipe[1], STDERR_FILENO) >= 0);
    log_configure(level, format);
}

/* What was logged, with a NUL behind it. */
static const char *capture_end(void)
{
    ssize_t got;

    assert_true(dup2(capture.saved_stderr, STDERR_FILENO) >= 0);
    close(capture.saved_stderr);
    close(capture.pipe[1]);
    capture.len = 0;
    while ((got = read(capture.pipe[0], capture.text + capture.len, sizeof capture.text - 1 - capture.len)) > 0)
        capture.len += (size_t)got;
    close(capture.pipe[0]);
    capture.text[capture.len] = '\0';
    return capture.text;
}

/* True when text begins as pattern says, in which 0 stands for any digit. */
static bool looks_like(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    return true;
}

static const char *text_of(struct log_field field)
{
    const char *line;

    capture_start(LOG_INFO, LOG_FORMAT_TEXT);
    log_event(LOG_INFO, "e", field);
    line = capture_end();
    assert_true(strlen(line) > TEXT_TIME_LEN + 7);
    assert_memory_equal(line + TEXT_TIME_LEN, "info e ", 7);
    return line + TEXT_TIME_LEN + 7;
}

static const char *json_of(struct log_field field)
{
    static const char head[] = "\"level\":\"info\",\"event\":\"e\",";
    const char *line;

    capture_start(LOG_INFO, LOG_FORMAT_JSON);
    log_event(LOG_INFO, "e", field);
    line = capture_end();
    assert_true(strlen(line) > JSON_TIME_LEN + sizeof head);
    assert_memory_equal(line + JSON_TIME_LEN - 1, head, sizeof head - 1);
    return line + JSON_TIME_LEN - 1 + sizeof head - 1;
}

static void a_text_line_has_time_level_event_and_fields(void **state)
{
    const char *line;

    (void)state;
    capture_start(LOG_INFO, LOG_FORMAT_TEXT);
    log_event(LOG_WARN, "store-failed", log_str("path", "/x/y"), log_err("reason", ERR_FULL));
    line = capture_end();
    assert_true(looks_like(line, "0000-00-00T00:00:00Z "));
    assert_string_equal(line + TEXT_TIME_LEN, "warning store-failed path=/x/y reason=\"no room\"\n");
}

static void a_json_line_has_milliseconds_and_is_one_object(void **state)
{
    const char *line;

    (void)state;
    capture_start(LOG_INFO, LOG_FORMAT_JSON);
    log_event(LOG_WARN, "store-failed", log_str("path", "/x/y"), log_err("reason", ERR_FULL));
    line = capture_end();
    assert_true(looks_like(line, "{\"time\":\"0000-00-00T00:00:00.000Z\",\"level\""));
    assert_string_equal(line + JSON_TIME_LEN - 1,
                        "\"level\":\"warning\",\"event\":\"store-failed\",\"path\":\"/x/y\","
                        "\"reason\":\"no room\"}\n");
}

static void an_event_needs_no_fields(void **state)
{
    (void)state;
    capture_start(LOG_INFO, LOG_FORMAT_TEXT);
    log_event(LOG_INFO, "ready");
    log_write(LOG_INFO, "again", NULL, 0);
    assert_non_null(strstr(capture_end(), "Z info ready\n"));
    assert_non_null(strstr(capture.text, "Z info again\n"));
    capture_start(LOG_INFO, LOG_FORMAT_JSON);
    log_event(LOG_INFO, "ready");
    assert_non_null(strstr(capture_end(), "\"level\":\"info\",\"event\":\"ready\"}\n"));
}

static void fields_print_by_kind(void **state)
{
    const struct addr v6 = {ADDR_V6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    const struct addr none = {.family = ADDR_NONE};
    const struct {
        struct log_field field;
        const char *text, *json;
    } rows[] = {
        {log_str("k", "plain-word_1/2:3"), "k=plain-word_1/2:3\n", "\"k\":\"plain-word_1/2:3\"}\n"},
        {log_str("k", NULL), "k=-\n", "\"k\":\"-\"}\n"},
        {log_strn("k", NULL, 7), "k=-\n", "\"k\":\"-\"}\n"},
        {log_str("k", ""), "k=\"\"\n", "\"k\":\"\"}\n"},
        {log_strn("k", "abcdef", 3), "k=abc\n", "\"k\":\"abc\"}\n"},
        {log_int("k", 0), "k=0\n", "\"k\":0}\n"},
        {log_int("k", INT64_MAX), "k=9223372036854775807\n", "\"k\":9223372036854775807}\n"},
        {log_int("k", INT64_MIN), "k=-9223372036854775808\n", "\"k\":-9223372036854775808}\n"},
        {log_ms("k", 0), "k=0.0\n", "\"k\":0.0}\n"},
        {log_ms("k", 1234), "k=1.2\n", "\"k\":1.2}\n"},
        {log_ms("k", 1250), "k=1.3\n", "\"k\":1.3}\n"},
        {log_ms("k", 49), "k=0.0\n", "\"k\":0.0}\n"},
        {log_ms("k", 999999), "k=1000.0\n", "\"k\":1000.0}\n"},
        {log_ms("k", -1250), "k=-1.3\n", "\"k\":-1.3}\n"},
        {log_ms("k", INT64_MAX), "k=9223372036854775.8\n", "\"k\":9223372036854775.8}\n"},
        {log_ms("k", INT64_MIN), "k=-9223372036854775.8\n", "\"k\":-9223372036854775.8}\n"},
        {log_addr("k", &v6), "k=2001:db8::1\n", "\"k\":\"2001:db8::1\"}\n"},
        {log_addr("k", &none), "k=-\n", "\"k\":\"-\"}\n"},
        {log_addr("k", NULL), "k=-\n", "\"k\":\"-\"}\n"},
        {log_err("k", ERR_BUSY), "k=busy\n", "\"k\":\"busy\"}\n"},
        {log_errno("k", ENOENT), "k=\"No such file or directory\"\n", "\"k\":\"No such file or directory\"}\n"},
        {log_errno("k", 99999), "k=\"unknown error\"\n", "\"k\":\"unknown error\"}\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(text_of(rows[i].field), rows[i].text);
        assert_string_equal(json_of(rows[i].field), rows[i].json);
    }
}

static void what_is_not_printable_ascii_is_escaped(void **state)
{
    static const struct {
        const char *value;
        const char *text, *json;
    } rows[] = {
        {"two words", "k=\"two words\"\n", "\"k\":\"two words\"}\n"},
        {"a=b", "k=\"a=b\"\n", "\"k\":\"a=b\"}\n"},
        {"say \"hi\"", "k=\"say \\\"hi\\\"\"\n", "\"k\":\"say \\\"hi\\\"\"}\n"},
        {"back\\slash", "k=\"back\\\\slash\"\n", "\"k\":\"back\\\\slash\"}\n"},
        {"a\nb\rc\td", "k=\"a\\nb\\rc\\td\"\n", "\"k\":\"a\\nb\\rc\\td\"}\n"},
        {"\x01\x1b[31m\x7f", "k=\"\\x01\\x1b[31m\\x7f\"\n", "\"k\":\"\\u0001\\u001b[31m\\u007f\"}\n"},
        {"\xc3\xbc\xff", "k=\"\\xc3\\xbc\\xff\"\n", "\"k\":\"\\u00c3\\u00bc\\u00ff\"}\n"},
        {"fake\n2026-11-21T02:58:41Z info x", "k=\"fake\\n2026-11-21T02:58:41Z info x\"\n",
         "\"k\":\"fake\\n2026-11-21T02:58:41Z info x\"}\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(text_of(log_str("k", rows[i].value)), rows[i].text);
        assert_string_equal(json_of(log_str("k", rows[i].value)), rows[i].json);
    }
    assert_string_equal(text_of(log_strn("k", "a\0b", 3)), "k=\"a\\x00b\"\n");
    assert_string_equal(json_of(log_strn("k", "a\0b", 3)), "\"k\":\"a\\u0000b\"}\n");
}

/* One line, not too long, printable, and closed as its form asks. */
static void assert_whole_line(const char *line, enum log_format format)
{
    size_t len = strlen(line);
    size_t quotes = 0;

    assert_in_range(len, 2, LOG_LINE_MAX);
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    for (size_t i = 0; i + 1 < len; i++) {
        assert_in_range(line[i], 0x20, 0x7e);
        if (line[i] == '\\')
            i++; /* and what it escapes */
        else if (line[i] == '"')
            quotes++;
    }
    assert_int_equal(quotes % 2, 0);
    if (format == LOG_FORMAT_JSON)
        assert_int_equal(line[len - 2], '}');
}

static void a_line_is_cut_whole_at_every_length(void **state)
{
    static const char bytes[] = {'a', '"', '\x01', ' '}; /* as written: one, two and up to six bytes long */
    static const enum log_format formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_JSON};

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
        for (size_t b = 0; b < ARRAY_LEN(bytes); b++) {
            for (size_t len = 300; len<LOG_LINE_MAX + 20; len += len> LOG_LINE_MAX - 150 ? 1 : 7) {
                char value[LOG_LINE_MAX + 32];
                const char *line;
                memset(value, bytes[b], sizeof value);
                capture_start(LOG_INFO, formats[f]);
                log_event(LOG_INFO, "e", log_strn("value", value, len), log_int("int", INT64_MIN),
                          log_str("last", "end"));
                line = capture_end();
                assert_whole_line(line, formats[f]);
                if (strstr(line, "end") == NULL)
                    assert_non_null(
                        strstr(line, formats[f] == LOG_FORMAT_JSON ? ",\"cut\":true}\n" : " cut=true\n"));
                else
                    assert_null(strstr(line, "cut"));
            }
        }
    }
}

static void a_cut_value_keeps_its_beginning(void **state)
{
    char value[LOG_LINE_MAX * 2];
    const char *line;

    (void)state;
    memset(value, 'v', sizeof value);
    line = text_of(log_strn("k", value, sizeof value));
    assert_memory_equal(line, "k=\"vvvvvvvvvv", 12);
    assert_true(strlen(line) > LOG_LINE_MAX - 100);
    assert_non_null(strstr(line, "vvv\" cut=true\n"));
    line = json_of(log_strn("k", value, sizeof value));
    assert_memory_equal(line, "\"k\":\"vvvvvvvvvv", 14);
    assert_non_null(strstr(line, "vvv\",\"cut\":true}\n"));
}

static void levels_above_the_configured_one_are_silent(void **state)
{
    (void)state;
    for (int configured = LOG_ERROR; configured <= LOG_DEBUG; configured++) {
        capture_start((enum log_level)configured, LOG_FORMAT_TEXT);
        for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
            assert_int_equal(log_is_on((enum log_level)level), level <= configured);
            log_event((enum log_level)level, "e");
        }
        capture_end();
        assert_int_equal(strstr(capture.text, " error e\n") != NULL, configured >= LOG_ERROR);
        assert_int_equal(strstr(capture.text, " warning e\n") != NULL, configured >= LOG_WARN);
        assert_int_equal(strstr(capture.text, " info e\n") != NULL, configured >= LOG_INFO);
        assert_int_equal(strstr(capture.text, " debug e\n") != NULL, configured >= LOG_DEBUG);
    }
}

static void before_it_is_configured_the_level_is_info(void **state)
{
    (void)state; /* has to be the first test of the program */
    assert_true(log_is_on(LOG_INFO));
    assert_false(log_is_on(LOG_DEBUG));
}

static void name_pipe_as_journal(void)
{
    struct stat st;
    char stream[64];

    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    assert_true(snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino) > 0);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
}

static void in_the_journal_text_has_a_priority_and_no_time(void **state)
{
    static const enum log_format formats[] = {LOG_FORMAT_AUTO, LOG_FORMAT_TEXT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        capture_start(LOG_DEBUG, formats[i]);
        name_pipe_as_journal();
        log_configure(LOG_DEBUG, formats[i]);
        log_event(LOG_ERROR, "e", log_int("n", 1));
        log_event(LOG_WARN, "e", log_int("n", 1));
        log_event(LOG_INFO, "e", log_int("n", 1));
        log_event(LOG_DEBUG, "e", log_int("n", 1));
        assert_string_equal(capture_end(), "<3>error e n=1\n<4>warning e n=1\n<6>info e n=1\n<7>debug e n=1\n");
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    }
}

static void json_in_the_journal_is_json(void **state)
{
    (void)state;
    capture_start(LOG_INFO, LOG_FORMAT_JSON);
    name_pipe_as_journal();
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    log_event(LOG_INFO, "e");
    assert_int_equal(capture_end()[0], '{');
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void auto_is_json_where_nobody_watches(void **state)
{
    (void)state;
    capture_start(LOG_INFO, LOG_FORMAT_AUTO);
    log_event(LOG_INFO, "e");
    assert_int_equal(capture_end()[0], '{');
    assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0); /* inherited, but stderr was redirected since */
    capture_start(LOG_INFO, LOG_FORMAT_AUTO);
    log_event(LOG_INFO, "e");
    assert_int_equal(capture_end()[0], '{');
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void auto_is_text_at_a_terminal(void **state)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    char line[256];
    int other = -1;
    int saved;
    ssize_t got;

    (void)state;
    if (terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0)
        other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    if (other < 0) {
        close(terminal);
        skip(); /* no terminals here */
    }
    saved = dup(STDERR_FILENO);
    assert_true(dup2(other, STDERR_FILENO) >= 0);
    log_configure(LOG_INFO, LOG_FORMAT_AUTO);
    log_event(LOG_INFO, "e");
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    got = read(terminal, line, sizeof line - 1);
    close(saved);
    close(other);
    close(terminal);
    assert_true(got > TEXT_TIME_LEN);
    line[got] = '\0';
    assert_true(looks_like(line, "0000-00-00T00:00:00Z info e"));
}

static void logging_keeps_errno_even_when_it_fails(void **state)
{
    int saved = dup(STDERR_FILENO);

    (void)state;
    close(STDERR_FILENO);
    log_configure(LOG_INFO, LOG_FORMAT_AUTO);
    errno = EDOM;
    log_event(LOG_INFO, "e");
    assert_int_equal(errno, EDOM);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
}

#define THREADS    4
#define LINES_EACH 50

static void *log_many(void *letter)
{
    char value[200];

    memset(value, *(const char *)letter, sizeof value);
    for (int i = 0; i < LINES_EACH; i++)
        log_event(LOG_INFO, "e", log_strn("v", value, sizeof value));
    return NULL;
}

static void lines_of_several_threads_never_mix(void **state)
{
    static char letters[THREADS] = "abcd";
    pthread_t threads[THREADS];
    size_t lines = 0;

    (void)state;
    capture_start(LOG_INFO, LOG_FORMAT_TEXT);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, &letters[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (const char *line = capture_end(); *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *value = line + TEXT_TIME_LEN + sizeof "info e v=" - 1;
        assert_int_equal(strspn(value, (char[]){*value, '\0'}), 200);
        assert_int_equal(value[200], '\n');
        lines++;
    }
    assert_int_equal(lines, THREADS * LINES_EACH);
}

static void a_limit_lets_one_line_pass_an_interval_and_counts_the_rest(void **state)
{
    struct log_limit l = {0};
    uint64_t held_back = 99;

    (void)state;
    assert_true(log_limit_pass(&l, 1000, 500, &held_back));
    assert_true(held_back == 0);
    assert_false(log_limit_pass(&l, 1000, 500, &held_back));
    assert_false(log_limit_pass(&l, 1499, 500, &held_back));
    assert_true(log_limit_pass(&l, 1500, 500, &held_back));
    assert_true(held_back == 2);
    assert_true(log_limit_pass(&l, 9000, 500, &held_back));
    assert_true(held_back == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_it_is_configured_the_level_is_info),
        cmocka_unit_test(a_text_line_has_time_level_event_and_fields),
        cmocka_unit_test(a_json_line_has_milliseconds_and_is_one_object),
        cmocka_unit_test(an_event_needs_no_fields),
        cmocka_unit_test(fields_print_by_kind),
        cmocka_unit_test(what_is_not_printable_ascii_is_escaped),
        cmocka_unit_test(a_line_is_cut_whole_at_every_length),
        cmocka_unit_test(a_cut_value_keeps_its_beginning),
        cmocka_unit_test(levels_above_the_configured_one_are_silent),
        cmocka_unit_test(in_the_journal_text_has_a_priority_and_no_time),
        cmocka_unit_test(json_in_the_journal_is_json),
        cmocka_unit_test(auto_is_json_where_nobody_watches),
        cmocka_unit_test(auto_is_text_at_a_terminal),
        cmocka_unit_test(logging_keeps_errno_even_when_it_fails),
        cmocka_unit_test(lines_of_several_threads_never_mix),
        cmocka_unit_test(a_limit_lets_one_line_pass_an_interval_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
