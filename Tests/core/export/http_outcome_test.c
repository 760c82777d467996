/* http_outcome_test.c - every status with every failure, and the memory of gzip. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "export/http_outcome.h"

#define SECONDS(n) ((n)*UINT64_C(1000000000))

static divak_outcome outcome(int status, bool whole, divak_http_failure failure) {
    const divak_http_result result = {status, whole, failure};
    return divak_http_outcome(&result);
}

TEST(each_status_has_its_outcome_whatever_broke_after_it) {
    for (int failure = DIVAK_HTTP_FAILURE_NONE; failure <= DIVAK_HTTP_FAILURE_TLS; failure++) {
        for (int whole = 0; whole <= 1; whole++) {
            for (int status = 100; status <= 599; status++) {
                divak_outcome expected = DIVAK_OUTCOME_REJECTED;
                if (status / 100 == 2)
                    expected = whole ? DIVAK_OUTCOME_DELIVERED : DIVAK_OUTCOME_RETRY;
                if (status / 100 == 3) expected = DIVAK_OUTCOME_REDIRECT;
                if (status / 100 == 5) expected = DIVAK_OUTCOME_RETRY;
                if (status == 400 || status == 413) expected = DIVAK_OUTCOME_SPLIT;
                if (status == 408 || status == 425 || status == 429) expected = DIVAK_OUTCOME_RETRY;
                CHECK_INT(expected, outcome(status, whole, (divak_http_failure)failure));
            }
        }
    }
}

TEST(without_a_status_only_tls_and_refused_addresses_are_final) {
    static const int nothing[] = {-1, 0, 99, 600, 999};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        for (int whole = 0; whole <= 1; whole++) {
            CHECK_INT(DIVAK_OUTCOME_RETRY, outcome(nothing[i], whole, DIVAK_HTTP_FAILURE_NONE));
            CHECK_INT(DIVAK_OUTCOME_RETRY, outcome(nothing[i], whole, DIVAK_HTTP_FAILURE_NETWORK));
            CHECK_INT(DIVAK_OUTCOME_RETRY, outcome(nothing[i], whole, DIVAK_HTTP_FAILURE_GARBLED));
            CHECK_INT(DIVAK_OUTCOME_REJECTED,
                      outcome(nothing[i], whole, DIVAK_HTTP_FAILURE_ADDRESS));
            CHECK_INT(DIVAK_OUTCOME_TLS, outcome(nothing[i], whole, DIVAK_HTTP_FAILURE_TLS));
        }
    }
}

TEST(only_a_whole_body_without_an_answer_may_have_been_delivered) {
    CHECK(divak_http_maybe_delivered(&(divak_http_result){0, true, DIVAK_HTTP_FAILURE_NETWORK}));
    CHECK(!divak_http_maybe_delivered(&(divak_http_result){0, false, DIVAK_HTTP_FAILURE_NETWORK}));
    CHECK(!divak_http_maybe_delivered(&(divak_http_result){503, true, DIVAK_HTTP_FAILURE_NETWORK}));
}

TEST(retry_after_is_capped_and_never_negative) {
    CHECK_INT(0, divak_http_retry_after(-5));
    CHECK_INT(0, divak_http_retry_after(INT64_MIN));
    CHECK_INT(0, divak_http_retry_after(0));
    CHECK_INT(SECONDS(1), divak_http_retry_after(1));
    CHECK_INT(SECONDS(300), divak_http_retry_after(300));
    CHECK_INT(SECONDS(300), divak_http_retry_after(301));
    CHECK_INT(SECONDS(300), divak_http_retry_after(INT64_MAX));
}

TEST(a_handshake_cut_by_the_network_is_no_verdict_about_the_peer) {
    CHECK(
        divak_http_handshake_was_cut("OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to x"));
    CHECK(divak_http_handshake_was_cut("OpenSSL SSL_connect: Connection reset by peer in ..."));
    CHECK(
        divak_http_handshake_was_cut("error:0A000126:SSL routines::unexpected eof while reading"));
    CHECK(!divak_http_handshake_was_cut("error:0A00010B:SSL routines::wrong version number"));
    CHECK(!divak_http_handshake_was_cut("SSL certificate problem: certificate has expired"));
    CHECK(!divak_http_handshake_was_cut(""));
    CHECK(!divak_http_handshake_was_cut(NULL));
}

TEST(texts_are_printable_ended_and_cut) {
    char text[24];
    divak_http_text_write(text, sizeof text, "http://h:1", "a\nb\x1b[31m\xc3\xa9");
    CHECK_TEXT("http://h:1: a?b?[31m??", text, strlen(text));
    divak_http_text_write(text, 8, "http://h:1", "what");
    CHECK_TEXT("http://", text, strlen(text));
    divak_http_text_write(text, 1, "http://h:1", "what");
    CHECK_TEXT("", text, strlen(text));
    divak_http_text_write(text, sizeof text, NULL, NULL);
    CHECK_TEXT("collector: failed", text, strlen(text));
    text[0] = 'x';
    divak_http_text_write(text, 0, "a", "b");
    CHECK(text[0] == 'x');
}

TEST(gzip_is_left_for_five_minutes_when_the_plain_body_is_accepted_instead) {
    static const int refusals[] = {400, 415};
    for (int i = 0; i < 2; i++) {
        divak_http_encoding encoding = {.gzip_wanted = true};
        uint64_t now = SECONDS(1000);
        CHECK(divak_http_encoding_is_gzip(&encoding, now));
        CHECK(divak_http_encoding_wants_plain(&encoding, refusals[i], now));
        divak_http_encoding_learn(&encoding, refusals[i], 202, now);
        CHECK(!divak_http_encoding_is_gzip(&encoding, now));
        CHECK(!divak_http_encoding_is_gzip(&encoding, now + SECONDS(300) - 1));
        CHECK(divak_http_encoding_is_gzip(&encoding, now + SECONDS(300)));
    }
}

TEST(a_body_refused_either_way_does_not_cost_gzip_and_is_not_probed_again_at_once) {
    divak_http_encoding encoding = {.gzip_wanted = true};
    uint64_t now = SECONDS(1000);
    divak_http_encoding_learn(&encoding, 400, 400, now);
    CHECK(divak_http_encoding_is_gzip(&encoding, now));
    CHECK(!divak_http_encoding_wants_plain(&encoding, 400, now + SECONDS(4)));
    CHECK(divak_http_encoding_wants_plain(&encoding, 400, now + SECONDS(5)));
    CHECK(divak_http_encoding_wants_plain(&encoding, 415, now + SECONDS(4)));
}

TEST(nothing_is_learnt_from_a_plain_attempt_without_a_clear_answer) {
    static const int answers[] = {0, 503, 429};
    for (int i = 0; i < 3; i++) {
        divak_http_encoding encoding = {.gzip_wanted = true};
        divak_http_encoding_learn(&encoding, 400, answers[i], SECONDS(1000));
        CHECK(divak_http_encoding_is_gzip(&encoding, SECONDS(1000)));
        CHECK(divak_http_encoding_wants_plain(&encoding, 400, SECONDS(1000)));
    }
    divak_http_encoding encoding = {.gzip_wanted = true};
    CHECK(!divak_http_encoding_wants_plain(&encoding, 202, SECONDS(1)));
    CHECK(!divak_http_encoding_wants_plain(&encoding, 413, SECONDS(1)));
    CHECK(!divak_http_encoding_wants_plain(&encoding, 0, SECONDS(1)));
}

TEST(gzip_is_never_used_unasked) {
    divak_http_encoding encoding = {0};
    CHECK(!divak_http_encoding_is_gzip(&encoding, SECONDS(1000)));
}

CHECK_MAIN()
