/* gzip.c - zlib's deflate behind dlopen, with its memory taken through the base layer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "export/gzip.h"

#include "base/memory.h"
#include "divak/status.h"

#include <dlfcn.h>
#include <string.h>

/* zlib's interface, as it has been since 1.2: its stream structure and the four functions that are
 * called. The size is handed to deflateInit2_, which refuses if it means another layout. */
typedef struct {
    const unsigned char *next_in;
    unsigned avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *message;
    void *state;
    void *(*allocate)(void *context, unsigned items, unsigned size);
    void (*release)(void *context, void *memory);
    void *context;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
} zlib_stream;

enum {
    ZLIB_OK = 0,
    ZLIB_STREAM_END = 1,
    ZLIB_NO_FLUSH = 0,
    ZLIB_FINISH = 4,
    ZLIB_MEMORY_ERROR = -4,
    ZLIB_METHOD_DEFLATED = 8,
    ZLIB_DEFAULT_STRATEGY = 0,
    ZLIB_GZIP_WINDOW = 15 + 16, /* the largest window, and a gzip header instead of zlib's own */
    ZLIB_MEMORY_LEVEL = 8,
    INPUT_STEP = 1 << 30, /* zlib counts with unsigned int */
    OUTPUT_STEP = 16 * 1024
};

struct divak_gzip {
    zlib_stream stream;
    void *library;
    int (*deflate)(zlib_stream *stream, int flush);
    int (*deflate_reset)(zlib_stream *stream);
    int (*deflate_end)(zlib_stream *stream);
    bool is_open;
};

typedef int (*deflate_init_function)(zlib_stream *stream, int level, int method, int window,
                                     int memory, int strategy, const char *version,
                                     int stream_size);

static void *open_library(void) {
#if defined(__APPLE__)
    static const char *const names[] = {"/usr/lib/libz.1.dylib", "libz.dylib"};
#else
    static const char *const names[] = {"libz.so.1", "libz.so"};
#endif
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library != NULL) return library;
    }
    return NULL;
}

/* Objects and functions have pointers of the same shape wherever dlsym exists; the copy says so
 * without a cast that the standard doesn't know. */
static bool find(void *library, const char *name, void *out_function) {
    void *symbol = dlsym(library, name);
    memcpy(out_function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void *allocate(void *context, unsigned items, unsigned size) {
    (void)context;
    return divak_memory_allocate_zeroed(items, size);
}

static void release(void *context, void *memory) {
    (void)context;
    divak_memory_release(memory);
}

bool divak_gzip_available(void) {
    void *library = open_library();
    if (library == NULL) return false;
    void *symbol;
    bool found = find(library, "deflateInit2_", &symbol) && find(library, "deflateReset", &symbol);
    dlclose(library);
    return found;
}

int divak_gzip_create(int level, divak_gzip **out_gzip) {
    if (level < 1 || level > 9) return DIVAK_ERROR_INVALID;
    divak_gzip *gzip = divak_memory_allocate_zeroed(1, sizeof *gzip);
    if (gzip == NULL) return DIVAK_ERROR_MEMORY;

    int status = DIVAK_ERROR_UNSUPPORTED;
    deflate_init_function init;
    gzip->library = open_library();
    if (gzip->library == NULL || !find(gzip->library, "deflateInit2_", &init) ||
        !find(gzip->library, "deflate", &gzip->deflate) ||
        !find(gzip->library, "deflateReset", &gzip->deflate_reset) ||
        !find(gzip->library, "deflateEnd", &gzip->deflate_end)) {
        goto failed;
    }
    gzip->stream.allocate = allocate;
    gzip->stream.release = release;
    /* Of the version only the first digit is compared. */
    int answer = init(&gzip->stream, level, ZLIB_METHOD_DEFLATED, ZLIB_GZIP_WINDOW,
                      ZLIB_MEMORY_LEVEL, ZLIB_DEFAULT_STRATEGY, "1", (int)sizeof gzip->stream);
    if (answer != ZLIB_OK) {
        if (answer == ZLIB_MEMORY_ERROR) status = DIVAK_ERROR_MEMORY;
        goto failed;
    }
    gzip->is_open = true;
    *out_gzip = gzip;
    return DIVAK_OK;

failed:
    divak_gzip_destroy(gzip);
    return status;
}

void divak_gzip_destroy(divak_gzip *gzip) {
    if (gzip == NULL) return;
    if (gzip->is_open) gzip->deflate_end(&gzip->stream);
    if (gzip->library != NULL) dlclose(gzip->library);
    divak_memory_release(gzip);
}

int divak_gzip_compress(divak_gzip *gzip, const void *bytes, size_t length, divak_buffer *out) {
    zlib_stream *stream = &gzip->stream;
    const unsigned char *rest = bytes;
    size_t before = out->length;

    gzip->deflate_reset(stream);
    stream->avail_in = 0;
    for (;;) {
        if (stream->avail_in == 0 && length > 0) {
            size_t step = length < INPUT_STEP ? length : INPUT_STEP;
            stream->next_in = rest;
            stream->avail_in = (unsigned)step;
            rest += step;
            length -= step;
        }
        char *end = divak_buffer_reserve(out, OUTPUT_STEP);
        if (end == NULL) {
            out->length = before;
            out->failed = false;
            return DIVAK_ERROR_MEMORY;
        }
        size_t room = out->capacity - out->length;
        if (room > INPUT_STEP) room = INPUT_STEP;
        stream->next_out = (unsigned char *)end;
        stream->avail_out = (unsigned)room;
        int answer = gzip->deflate(stream, length == 0 ? ZLIB_FINISH : ZLIB_NO_FLUSH);
        out->length += room - stream->avail_out;
        if (answer == ZLIB_STREAM_END) return DIVAK_OK;
        if (answer != ZLIB_OK) {
            out->length = before;
            return DIVAK_ERROR_SYSTEM;
        }
    }
}
