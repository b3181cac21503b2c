#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MUCH  ((size_t)1 << 20) /* more than a pipe takes at a time */
#define LIMIT 4096

static void *read_all(void *arg)
{
    const int *fd = arg;
    char chunk[4096];
    size_t total = 0;
    ssize_t n;

    while ((n = read(*fd, chunk, sizeof chunk)) > 0)
        total += (size_t)n;
    return (void *)total;
}

static void all_of_it_is_written_in_as_many_pieces_as_it_takes(void **state)
{
    char *bytes = calloc(1, MUCH);
    pthread_t reader;
    void *total;
    int ends[2];

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
    assert_true(fd_write_all(ends[1], bytes, MUCH));
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(pthread_join(reader, &total), 0);
    assert_int_equal((size_t)total, MUCH);
    assert_int_equal(close(ends[0]), 0);
    free(bytes);
}

/* What the kernel takes of the first piece is not all: the rest is tried, and told when it cannot be. */
static void a_part_is_not_all(void **state)
{
    static const char bytes[2 * LIMIT];
    char path[] = "/tmp/test-fd-XXXXXX";
    struct rlimit before, limit;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = LIMIT, .rlim_max = before.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_false(fd_write_all(fd, bytes, sizeof bytes));
    assert_int_equal(errno, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), LIMIT);
    assert_int_equal(close(fd), 0);
}

static void nothing_is_written_of_nothing(void **state)
{
    (void)state;
    assert_true(fd_write_all(-1, NULL, 0));
}

static void an_error_is_told_by_errno(void **state)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    assert_false(fd_write_all(fd, "x", 1));
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(close(fd), 0);
    assert_false(fd_write_all(-1, "x", 1));
    assert_int_equal(errno, EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_written_in_as_many_pieces_as_it_takes),
        cmocka_unit_test(a_part_is_not_all),
        cmocka_unit_test(nothing_is_written_of_nothing),
        cmocka_unit_test(an_error_is_told_by_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
