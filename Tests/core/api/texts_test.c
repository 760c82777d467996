/* SPDX-License-Identifier: Apache-2.0 */
/* texts_test.c - numbers in words: the names of reasons are part of what others build on. */
#include "check.h"
#include "divak/divak.h"

TEST(the_reasons_have_exactly_these_names_in_this_order) {
    static const char *const names[] = {
        "ring_full",     "no_slot",     "too_big",        "budget",       "encode",
        "rejected",      "retry_expired", "redirect",     "tls",          "after_shutdown",
        "reentrant",     "contended",   "filtered",       "tail_forgotten", "tail_evicted",
        "spool_full",    "flusher_stuck", "crashed",      "abandoned"};
    CHECK_INT(DIVAK_DROPPED_COUNT, sizeof names / sizeof *names);
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) {
        const char *text = divak_dropped_text(i);
        CHECK_TEXT(names[i], text, strlen(text));
    }
    CHECK(strcmp("unknown", divak_dropped_text(DIVAK_DROPPED_COUNT)) == 0);
    CHECK(strcmp("unknown", divak_dropped_text(UINT32_MAX)) == 0);
}

TEST(each_status_has_a_text_of_its_own) {
    for (int i = DIVAK_ERROR_ORDER; i <= DIVAK_ABSENT; i++) {
        CHECK(strcmp("unknown status", divak_status_text(i)) != 0);
        for (int j = DIVAK_ERROR_ORDER; j < i; j++) {
            CHECK(strcmp(divak_status_text(i), divak_status_text(j)) != 0);
        }
    }
    CHECK(strcmp("unknown status", divak_status_text(DIVAK_ERROR_ORDER - 1)) == 0);
    CHECK(strcmp("unknown status", divak_status_text(2)) == 0);
}

TEST(the_library_that_runs_is_that_of_the_headers) {
    CHECK_TEXT(DIVAK_VERSION, divak_version(), strlen(divak_version()));
}

CHECK_MAIN()
