/* SPDX-License-Identifier: Apache-2.0 */
/* collector_keep.c - keeps bodies as they came, for the decoder that judges them all at the end:
 * the same files as those of bodies.py. */
#include "collector_serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one collector: more than a test of the gate sends, less than a disk has. */
#define KEEP_BYTES (UINT64_C(384) << 20)

/* The name comes last: the collector may be killed at any time. */
static void write_file(const char *name, const char *ending, const char *bytes, size_t length) {
    char path[4096], part[4096];
    int size = snprintf(path, sizeof path, "%s.%s", name, ending);
    int part_size = snprintf(part, sizeof part, "%s.part", name);
    bool fits = size < (int)sizeof path && part_size < (int)sizeof part;
    FILE *file = fits ? fopen(part, "w") : NULL;
    bool is_written = file != NULL && fwrite(bytes, 1, length, file) == length;
    if (file != NULL && fclose(file) != 0) is_written = false;
    if (is_written && rename(part, path) == 0) return;
    fprintf(stderr, "collector: no body is kept at %s: %s\n", path, strerror(errno));
    _exit(1); /* nobody is answered any more, and the test says so */
}

void collector_keep(const char *head, size_t head_length, const char *body, size_t length) {
    static uint64_t number, bytes, skipped;
    const char *folder = getenv("DIVAK_KEEP_BODIES");
    if (folder == NULL || *folder == 0 || length == 0) return;
    bool is_kept = bytes + length <= KEEP_BYTES;
    number += is_kept;
    char name[4096], text[32];
    (void)snprintf(name, sizeof name, "%s/%s-%d-%06" PRIu64, folder, program_invocation_short_name,
                   (int)getpid(), is_kept ? number : 0);
    if (!is_kept) {
        int size = snprintf(text, sizeof text, "%" PRIu64 "\n", ++skipped);
        write_file(name, "skipped", text, (size_t)size);
        return;
    }
    bytes += length;
    write_file(name, "headers", head, head_length);
    write_file(name, "body", body, length);
}
