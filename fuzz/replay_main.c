/* replay_main.c - gives every file of a corpus to a fuzz target once, with no fuzzer in the program. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     url_fuzz fuzz/corpus/url            every file in that folder
 *     url_fuzz crash-0a1b2c               one file
 *
 * What libFuzzer once found stays found: the corpora run with every test run, under the sanitizers of the build. Each
 * input is copied into a block of exactly its size, so that a sanitizer sees a read past its end by a single byte.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replayed;

/* Runs one file; false when it can't be read. */
static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    struct stat info;
    if (fstat(fileno(file), &info) != 0) {
        fclose(file);
        return 0;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size == 0 ? 1 : size);
    if (data == NULL) {
        fclose(file);
        return 0;
    }
    size_t length = fread(data, 1, size, file);
    fclose(file);
    if (length == size) {
        /* The name goes out first: after a crash it is the last thing on the screen. */
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
        replayed++;
    }
    free(data);
    return length == size;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Runs every file of a folder, in the order of their names. */
static int replay_folder(const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) return 0;
    int all_read = 1;
    for (int i = 0; i < count; i++) {
        char name[4096];
        int length = snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (length < 0 || (size_t)length >= sizeof name || !replay_file(name)) all_read = 0;
        free(entries[i]);
    }
    free(entries);
    return all_read;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct stat info;
        int is_read = 0;
        if (stat(argv[i], &info) == 0) {
            is_read = S_ISDIR(info.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
        }
        if (!is_read) {
            fprintf(stderr, "replay: can't read all of %s: %s\n", argv[i], strerror(errno));
            return EXIT_FAILURE;
        }
    }
    if (replayed == 0) {
        fprintf(stderr, "replay: no input; say files or folders\n");
        return EXIT_FAILURE;
    }
    printf("%d inputs replayed\n", replayed);
    return EXIT_SUCCESS;
}
