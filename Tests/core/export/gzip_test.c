/* gzip_test.c - what is compressed comes back the same from another decoder, and memory may fail.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/memory.h"
#include "divak/status.h"
#include "export/gzip.h"

#include <unistd.h>

static long allocations;
static long failing =
    -1; /* the number of the allocation that fails; those after it too if all_after */
static bool all_after;

static bool may_allocate(void) {
    long number = allocations++;
    return failing < 0 || (all_after ? number < failing : number != failing);
}

static void *allocate(size_t size) {
    return may_allocate() ? malloc(size) : NULL;
}

static void *resize(void *memory, size_t size) {
    return may_allocate() ? realloc(memory, size) : NULL;
}

/* Decompresses with the gzip program; the result is freed by the caller. */
static char *unzip(const divak_buffer *packed, size_t *out_length) {
    char path[] = "/tmp/divak-gzip-XXXXXX";
    char command[80];
    int file = mkstemp(path);
    CHECK(write(file, packed->bytes, packed->length) == (ssize_t)packed->length);
    close(file);
    snprintf(command, sizeof command, "gzip -dc < %s", path);
    FILE *pipe = popen(command, "r");
    size_t capacity = 64, length = 0;
    char *plain = malloc(capacity);
    for (size_t step; (step = fread(plain + length, 1, capacity - length, pipe)) > 0;) {
        length += step;
        if (length == capacity) plain = realloc(plain, capacity *= 2);
    }
    CHECK_INT(0, pclose(pipe));
    unlink(path);
    *out_length = length;
    return plain;
}

static char *make_text(size_t length, unsigned seed) {
    char *text = malloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = seed & 0x10000 ? (char)(seed >> 24) : "\"traceId\":"[i % 10];
    }
    return text;
}

TEST(bodies_of_any_size_come_back_from_one_compressor_as_they_were) {
    static const size_t sizes[] = {0, 1, 2, 100, 4095, 16384, 65536, 500000, 3000000};
    divak_gzip *gzip;
    CHECK(divak_gzip_available());
    if (divak_gzip_create(1, &gzip) != DIVAK_OK) {
        CHECK(false);
        return;
    }
    divak_buffer packed = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *text = make_text(sizes[i], (unsigned)i);
        size_t length;
        divak_buffer_clear(&packed);
        CHECK_INT(DIVAK_OK,
                  divak_gzip_compress(gzip, sizes[i] == 0 ? NULL : text, sizes[i], &packed));
        char *plain = unzip(&packed, &length);
        CHECK_INT(sizes[i], length);
        CHECK(length == sizes[i] && memcmp(plain, text, length) == 0);
        free(plain);
        free(text);
    }
    divak_buffer_deinit(&packed);
    divak_gzip_destroy(gzip);
}

TEST(compressed_bytes_are_appended_to_what_the_buffer_holds) {
    divak_gzip *gzip;
    CHECK_INT(DIVAK_OK, divak_gzip_create(9, &gzip));
    divak_buffer packed = {0};
    divak_buffer_append(&packed, "head", 4);
    CHECK_INT(DIVAK_OK, divak_gzip_compress(gzip, "abc", 3, &packed));
    CHECK_TEXT("head\x1f\x8b", packed.bytes, 6);
    divak_buffer_deinit(&packed);
    divak_gzip_destroy(gzip);
}

TEST(levels_that_zlib_does_not_have_are_refused) {
    divak_gzip *gzip = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_gzip_create(0, &gzip));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_gzip_create(10, &gzip));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_gzip_create(-1, &gzip));
    CHECK(gzip == NULL);
    divak_gzip_destroy(NULL);
}

TEST(each_allocation_may_fail_once_or_for_ever_and_nothing_is_kept_or_lost) {
    char *text = make_text(200000, 1);
    divak_system.allocate = allocate;
    divak_system.resize = resize;
    int points = 0;
    for (int mode = 0; mode < 2; mode++) {
        all_after = mode == 1;
        for (failing = 0;; failing++) {
            divak_gzip *gzip = NULL;
            divak_buffer packed = {0};
            allocations = 0;
            int status = divak_gzip_create(1, &gzip);
            if (status == DIVAK_OK) status = divak_gzip_compress(gzip, text, 200000, &packed);
            bool was_reached = allocations > failing;
            CHECK_INT(was_reached ? DIVAK_ERROR_MEMORY : DIVAK_OK, status);
            CHECK(!packed.failed);
            if (was_reached) CHECK_INT(0, packed.length);
            if (was_reached && gzip != NULL && !all_after) {
                /* The compressor is usable after. */
                CHECK_INT(DIVAK_OK, divak_gzip_compress(gzip, text, 200000, &packed));
                size_t length;
                char *plain = unzip(&packed, &length);
                CHECK(length == 200000 && memcmp(plain, text, length) == 0);
                free(plain);
            }
            divak_buffer_deinit(&packed);
            divak_gzip_destroy(gzip);
            points++;
            if (!was_reached) break;
        }
    }
    CHECK(points > 10);
    divak_system.allocate = malloc;
    divak_system.resize = realloc;
    free(text);
}

CHECK_MAIN()
