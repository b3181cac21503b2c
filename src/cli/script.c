/* The two outputs go to files in memory, so that neither can block the other. */
#include "cli/script.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT_PATH_MAX 4096
#define DEBIANS         "/usr/bin/python3"
#define READ_CHUNK      4096

/* Where the script is; RIPOSTE_LIBEXEC is for a program that is not installed. */
static bool find_script(char out[SCRIPT_PATH_MAX], const char *name)
{
    const char *folder = getenv("RIPOSTE_LIBEXEC");

    if (folder == NULL || folder[0] == '\0')
        folder = RIPOSTE_LIBEXECDIR;
    return snprintf(out, SCRIPT_PATH_MAX, "%s/%s", folder, name) < SCRIPT_PATH_MAX && access(out, R_OK) == 0;
}

static int spawn(pid_t *pid, const char *path, const struct script *s, int out, int err)
{
    char *argv[SCRIPT_ARGS_MAX + 3] = {(char *)(uintptr_t) "python3", (char *)(uintptr_t)path};
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < SCRIPT_ARGS_MAX && s->args[i] != NULL; i++)
        argv[2 + i] = (char *)(uintptr_t)s->args[i];
    rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    if (rc == 0)
        rc = access(DEBIANS, X_OK) == 0 ? posix_spawn(pid, DEBIANS, &files, NULL, argv, environ)
                                        : posix_spawnp(pid, "python3", &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

static bool read_all(int fd, struct text *out)
{
    char chunk[READ_CHUNK];
    ssize_t n;

    if (lseek(fd, 0, SEEK_SET) != 0)
        return false;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        text_put_bytes(out, chunk, (size_t)n);
    return n == 0 && out->err == ERR_OK;
}

/* Its exit status; -1: it could not be run, or was ended. */
static int run(const struct script *s, const char *path, int out, int err)
{
    int status = 0;
    pid_t pid;
    int rc = spawn(&pid, path, s, out, err);

    if (rc != 0) {
        fprintf(stderr, "riposte %s: %s: %s\n", s->command, s->needs, strerror(rc));
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool run_with(const struct script *s, const char *path, int out_fd, int err_fd, struct text *out,
                     struct text *report)
{
    int status = run(s, path, out_fd, err_fd);
    bool is_read = read_all(out_fd, out) && read_all(err_fd, report);

    if (status > 0)
        fprintf(stderr, "riposte %s: %s%s", s->command, report->bytes,
                report->len > 0 && report->bytes[report->len - 1] == '\n' ? "" : "\n");
    else if (status == 0 && !is_read)
        fprintf(stderr, "riposte %s: what %s has written cannot be read\n", s->command, s->name);
    return status == 0 && is_read;
}

bool script_run(const struct script *s, struct text *out, struct text *report)
{
    char path[SCRIPT_PATH_MAX];
    int out_fd, err_fd;
    bool is_done = false;

    if (!find_script(path, s->name)) {
        fprintf(stderr, "riposte %s: the script %s is not in %s (the folder is also taken from RIPOSTE_LIBEXEC)\n",
                s->command, s->name, RIPOSTE_LIBEXECDIR);
        return false;
    }
    out_fd = memfd_create("riposte-script", MFD_CLOEXEC);
    err_fd = memfd_create("riposte-script", MFD_CLOEXEC);
    if (out_fd >= 0 && err_fd >= 0)
        is_done = run_with(s, path, out_fd, err_fd, out, report);
    else
        fprintf(stderr, "riposte %s: cannot make a file in memory: %s\n", s->command, strerror(errno));
    if (out_fd >= 0)
        (void)close(out_fd);
    if (err_fd >= 0)
        (void)close(err_fd);
    return is_done;
}
