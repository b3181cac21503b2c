/* Its two outputs go to files in memory, so that neither can block the other. */
#include "cli/import_config.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT          "acme-dns-config"
#define SCRIPT_PATH_MAX 4096
#define DEBIANS         "/usr/bin/python3"
#define READ_CHUNK      4096

/* Where the script is; RIPOSTE_LIBEXEC is for a program that is not installed. */
static bool find_script(char out[SCRIPT_PATH_MAX])
{
    const char *folder = getenv("RIPOSTE_LIBEXEC");

    if (folder == NULL || folder[0] == '\0')
        folder = RIPOSTE_LIBEXECDIR;
    return snprintf(out, SCRIPT_PATH_MAX, "%s/%s", folder, SCRIPT) < SCRIPT_PATH_MAX && access(out, R_OK) == 0;
}

static int spawn(pid_t *pid, const char *script, const char *path, int out, int err)
{
    char *const argv[] = {(char *)(uintptr_t) "python3", (char *)(uintptr_t)script, (char *)(uintptr_t)path, NULL};
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc != 0)
        return rc;
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

/* The script's exit status; -1: it could not be run, or was ended. */
static int run(const char *script, const char *path, int out, int err)
{
    int status = 0;
    pid_t pid;
    int rc = spawn(&pid, script, path, out, err);

    if (rc != 0) {
        fprintf(stderr, "riposte import: --config needs python3 >= 3.11: %s\n", strerror(rc));
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool import_config_convert(const char *path, struct text *yaml, struct text *report)
{
    char script[SCRIPT_PATH_MAX];
    int out, err;
    bool is_done = false;

    if (!find_script(script)) {
        fprintf(stderr,
                "riposte import: the script %s is not in %s (the folder is also taken from RIPOSTE_LIBEXEC)\n",
                SCRIPT, RIPOSTE_LIBEXECDIR);
        return false;
    }
    out = memfd_create("riposte-import", MFD_CLOEXEC);
    err = memfd_create("riposte-import", MFD_CLOEXEC);
    if (out >= 0 && err >= 0) {
        int status = run(script, path, out, err);
        bool is_read = read_all(out, yaml) && read_all(err, report);

        is_done = status == 0 && is_read;
        if (status > 0)
            fprintf(stderr, "riposte import: %s%s", report->bytes,
                    report->len > 0 && report->bytes[report->len - 1] == '\n' ? "" : "\n");
        else if (status == 0 && !is_read)
            fputs("riposte import: the converted configuration cannot be read\n", stderr);
    } else {
        fprintf(stderr, "riposte import: cannot make a file in memory: %s\n", strerror(errno));
    }
    if (out >= 0)
        (void)close(out);
    if (err >= 0)
        (void)close(err);
    return is_done;
}
