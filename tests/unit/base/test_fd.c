#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define MUCH ((size_t)1 << 20) /* more than a pipe takes at a time */

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
        cmocka_unit_test(nothing_is_written_of_nothing),
        cmocka_unit_test(an_error_is_told_by_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
