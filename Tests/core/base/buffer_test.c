/* SPDX-License-Identifier: Apache-2.0 */
/* buffer_test.c - a buffer that grows, remembers its first failure, and keeps what it had. */
#include "base/buffer.h"

#include "base/memory.h"
#include "check.h"

TEST(what_is_appended_is_there_in_order) {
    divak_buffer buffer = {0};
    char expected[40000];
    size_t length = 0;
    for (int i = 0; i < 4000; i++) {
        char text[16];
        int size = snprintf(text, sizeof text, "%d,", i);
        divak_buffer_append(&buffer, text, (size_t)size);
        memcpy(expected + length, text, (size_t)size);
        length += (size_t)size;
    }
    CHECK(!buffer.failed && buffer.length == length && memcmp(buffer.bytes, expected, length) == 0);
    CHECK(buffer.capacity >= length && buffer.capacity < 4 * length);
    divak_buffer_deinit(&buffer);
    CHECK(buffer.bytes == NULL && buffer.length == 0 && buffer.capacity == 0);
}

TEST(room_that_was_reserved_needs_no_more_memory) {
    divak_buffer buffer = {0};
    char *first = divak_buffer_reserve(&buffer, 5000);
    CHECK(first != NULL && buffer.length == 0 && buffer.capacity >= 5000);
    memset(first, 'x', 5000);
    buffer.length = 5000;
    CHECK(divak_buffer_reserve(&buffer, 0) == buffer.bytes + 5000);
    divak_buffer_deinit(&buffer);
}

static void *no_memory(void *memory, size_t size) {
    (void)memory;
    (void)size;
    return NULL;
}

TEST(a_failure_is_remembered_and_the_contents_stay) {
    divak_buffer buffer = {0};
    divak_buffer_append(&buffer, "kept", 4);
    void *(*resize)(void *, size_t) = divak_system.resize;
    divak_system.resize = no_memory;
    CHECK(divak_buffer_reserve(&buffer, 100000) == NULL);
    CHECK(buffer.failed);
    divak_system.resize = resize;
    divak_buffer_append(&buffer, "no", 2); /* even though it would fit */
    CHECK(divak_buffer_reserve(&buffer, 1) == NULL);
    CHECK_TEXT("kept", buffer.bytes, buffer.length);
    divak_buffer_clear(&buffer);
    divak_buffer_append(&buffer, "again", 5);
    CHECK_TEXT("again", buffer.bytes, buffer.length);
    CHECK(!buffer.failed);
    divak_buffer_deinit(&buffer);
}

TEST(a_size_that_can_not_be_is_refused) {
    divak_buffer buffer = {0};
    divak_buffer_append(&buffer, "x", 1);
    CHECK(divak_buffer_reserve(&buffer, SIZE_MAX) == NULL);
    CHECK(buffer.failed && buffer.length == 1);
    divak_buffer_clear(&buffer);
    void *(*resize)(void *, size_t) = divak_system.resize;
    divak_system.resize = no_memory; /* what is left of the address space is the system's to refuse */
    CHECK(divak_buffer_reserve(&buffer, SIZE_MAX / 2) == NULL);
    divak_system.resize = resize;
    divak_buffer_clear(&buffer);
    divak_buffer_append(&buffer, NULL, 0);
    divak_buffer_deinit(&buffer);
    divak_buffer empty = {0};
    divak_buffer_deinit(&empty);
}

TEST(zeroed_memory_is_zeroed_and_an_overflow_is_refused) {
    unsigned char *memory = divak_memory_allocate_zeroed(100, 10);
    int any = 0;
    for (int i = 0; i < 1000; i++) any |= memory[i];
    CHECK_INT(0, any);
    divak_memory_release(memory);
    CHECK(divak_memory_allocate_zeroed(SIZE_MAX / 2, 3) == NULL);
    divak_memory_release(NULL);
}

CHECK_MAIN()
