/* main() for fuzz targets that are built without libFuzzer: gives every file named, and every file in the
 * directories named, to the target once. */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)
#define PATH_LEN  4096

static bool replay_file(const char *path)
{
    uint8_t *bytes = malloc(INPUT_MAX);
    FILE *f = fopen(path, "rb");
    bool good = bytes != NULL && f != NULL;

    if (good) {
        size_t len = fread(bytes, 1, INPUT_MAX, f);
        /* A block of its own, so that a sanitizer sees the end. */
        uint8_t *exact = malloc(len > 0 ? len : 1);

        good = exact != NULL && ferror(f) == 0;
        if (good) {
            memcpy(exact, bytes, len);
            (void)LLVMFuzzerTestOneInput(exact, len);
        }
        free(exact);
    }
    if (f != NULL)
        fclose(f);
    free(bytes);
    if (!good)
        fprintf(stderr, "cannot read %s\n", path);
    return good;
}

static bool replay_directory(const char *path, size_t *count)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    bool good = dir != NULL;

    if (!good)
        fprintf(stderr, "cannot open %s\n", path);
    while (good && (entry = readdir(dir)) != NULL) {
        char file[PATH_LEN];

        if (entry->d_name[0] == '.')
            continue;
        good = snprintf(file, sizeof file, "%s/%s", path, entry->d_name) < (int)sizeof file && replay_file(file);
        *count += 1;
    }
    if (dir != NULL)
        closedir(dir);
    return good;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool good = stat(argv[i], &st) == 0;

        if (good && S_ISDIR(st.st_mode)) {
            good = replay_directory(argv[i], &count);
        } else {
            good = replay_file(argv[i]);
            count++;
        }
        if (!good)
            return EXIT_FAILURE;
    }
    printf("%zu inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
