#include "cli/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER_MAX 4096

static bool is_for_root_only(const char *user)
{
    return user[0] == '\0' || geteuid() != 0;
}

static enum err find_user(const char *user, struct passwd **out, struct text *why)
{
    errno = 0;
    *out = getpwnam(user);
    if (*out != NULL)
        return ERR_OK;
    text_printf(
        why,
        "user: there is no user \"%s\" to run as. Make one with: adduser --system --group --no-create-home %s\n"
        "    or name another in the configuration (user: \"\" stays root, which is not recommended)",
        user, user);
    return ERR_NOT_FOUND;
}

enum err privileges_make_folder(const char *path, unsigned mode, const char *user, struct text *why)
{
    char folder[FOLDER_MAX];
    const char *end = strrchr(path, '/');
    struct passwd *pw = NULL;
    size_t len = end != NULL ? (size_t)(end - path) : 0;

    if (len == 0 || len >= sizeof(folder))
        return ERR_OK; /* the root folder, or the current one: there already */
    memcpy(folder, path, len);
    folder[len] = '\0';
    if (mkdir(folder, (mode_t)mode) != 0) {
        if (errno == EEXIST)
            return ERR_OK;
        text_printf(why, "cannot make the folder %s: %s", folder, strerror(errno));
        return ERR_IO;
    }
    if (is_for_root_only(user))
        return ERR_OK;
    if (find_user(user, &pw, why) != ERR_OK)
        return ERR_NOT_FOUND;
    if (chown(folder, pw->pw_uid, pw->pw_gid) != 0) {
        text_printf(why, "cannot give the folder %s to user %s: %s", folder, user, strerror(errno));
        return ERR_IO;
    }
    return ERR_OK;
}

/* Whoever is not root needs no capability once the sockets are bound (systemd gives CAP_NET_BIND_SERVICE). */
static enum err drop_capabilities(struct text *why)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    memset(none, 0, sizeof(none));
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 && syscall(SYS_capset, &header, none) == 0 &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return ERR_OK;
    text_printf(why, "cannot give up capabilities: %s", strerror(errno));
    return ERR_IO;
}

enum err privileges_drop(const char *user, struct text *why)
{
    struct passwd *pw = NULL;

    if (geteuid() != 0)
        return drop_capabilities(why);
    if (user[0] == '\0')
        return ERR_OK;
    if (find_user(user, &pw, why) != ERR_OK)
        return ERR_NOT_FOUND;
    if (initgroups(user, pw->pw_gid) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0) {
        text_printf(why, "cannot become user %s: %s", user, strerror(errno));
        return ERR_IO;
    }
    return drop_capabilities(why);
}
