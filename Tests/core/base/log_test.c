/* SPDX-License-Identifier: Apache-2.0 */
/* log_test.c - lines on standard error: one write each, cut when too long, and errno as it was. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/system.h"
#include "check.h"

static char text[8192];

/* What `write_it` put on standard error; its length is returned. */
static size_t capture(void (*write_it)(void)) {
    int ends[2], saved = dup(STDERR_FILENO);
    CHECK_INT(0, pipe(ends));
    dup2(ends[1], STDERR_FILENO);
    write_it();
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    close(saved);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], text + length, sizeof text - length - 1)) > 0) length += (size_t)got;
    text[length] = 0;
    close(ends[0]);
    return length;
}

static void short_line(void) {
    divak_log_line("%s is %d", "it", 5);
}

TEST(a_line_begins_with_the_name_and_ends_with_a_line_end) {
    size_t length = capture(short_line);
    CHECK_TEXT("divak: it is 5\n", text, length);
}

static char filler[5000];

static void long_line(void) {
    divak_log_line("%s", filler);
}

TEST(a_line_is_cut_at_512_bytes_with_its_line_end) {
    for (size_t size = 490; size < 520; size++) {
        memset(filler, 'x', size);
        filler[size] = 0;
        size_t length = capture(long_line);
        size_t whole = size + strlen("divak: \n");
        CHECK_INT(whole < 511 ? whole : 511, length);
        CHECK(text[length - 1] == '\n' && text[length - 2] == 'x');
    }
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = 0;
    CHECK_INT(511, capture(long_line));
}

static void empty_line(void) {
    divak_log_line("%s", "");
}

TEST(an_empty_line_is_still_a_line) {
    CHECK_TEXT("divak: \n", text, capture(empty_line));
}

TEST(a_closed_standard_error_is_no_trouble_and_errno_stays) {
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = 1234;
    divak_system_write_error("x", 1);
    CHECK_INT(1234, errno);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

CHECK_MAIN()
