/* SPDX-License-Identifier: Apache-2.0 */
/* span_limits_test.c - texts, tags and spans over their limits are cut at code points, counted, and never harm. */
#include "tracing.h"

static uint64_t truncated(const tracing *t) {
    return tracing_stats(t->tracer).truncated;
}

TEST(name_key_and_value_are_cut_at_their_limits_and_counted) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "name_bytes", "4");
    divak_config_set(t.config, "key_bytes", "3");
    divak_config_set(t.config, "value_bytes", "5");
    tracing_start(&t);
    divak_span span;
    CHECK_INT(DIVAK_ERROR_TRUNCATED,
              divak_span_start(t.tracer, "abcdef", 6, DIVAK_KIND_LOCAL, NULL, &span));
    CHECK_INT(1, truncated(&t));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag(&span, "wxyz", 4, "123456", 6));
    CHECK_INT(2, truncated(&t));
    CHECK_INT(DIVAK_OK, divak_span_tag(&span, "abc", 3, "12345", 5));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag_int(&span, "long", 4, 123456));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag_bool(&span, "bool", 4, true));
    CHECK_INT(DIVAK_ERROR_TRUNCATED,
              divak_span_tag_by_key(&span, divak_key_register("key", 3), "vvvvvv", 6));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_annotate_at(&span, 9, "annotate", 8));
    CHECK_INT(6, truncated(&t));
    divak_endpoint remote = {.service = "service", .service_length = 7, .port = 80};
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_set_remote(&span, &remote));
    CHECK_INT(7, truncated(&t));
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'abcd','timestamp':1000000,'duration':1," LOCAL
                       ",'remoteEndpoint':{'serviceName':'serv','port':80},"
                       "'annotations':[{'timestamp':9,'value':'annot'}],"
                       "'tags':{'wxy':'12345','abc':'12345','lon':'123456','boo':'true',"
                       "'key':'vvvvv'}}]");
    tracing_end(&t);
}

TEST(a_cut_falls_before_the_code_point_that_does_not_fit) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "value_bytes", "6");
    tracing_start(&t);
    /* 2, 3 and 4 bytes; and what is no UTF-8 is cut at the limit and mended on its way. */
    static const struct {
        const char *value, *kept;
    } cases[] = {
        {"abcde\xc3\xa9", "abcde"},
        {"abcd\xe2\x82\xac", "abcd"},
        {"abc\xf0\x9f\x98\x80", "abc"},
        {"abcd\xc3\xa9x", "abcd\xc3\xa9"},
        {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xe2\x82\xac\xe2\x82\xac\xe2", "\xe2\x82\xac\xe2\x82\xac"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        t.last_id = 0;
        divak_span span = tracing_span(t.tracer, "op", &divak_no_parent);
        CHECK_INT(DIVAK_ERROR_TRUNCATED, tracing_tag(&span, "k", cases[i].value));
        divak_span_finish(&span);
        char expected[256];
        snprintf(expected, sizeof expected,
                 "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL
                 ",'tags':{'k':'%s'}}]",
                 cases[i].kept);
        tracing_expect(&t, expected);
    }
    CHECK_INT(0, tracing_stats(t.tracer).sanitized);
    divak_span span = tracing_span(t.tracer, "op", &divak_no_parent);
    CHECK_INT(DIVAK_ERROR_TRUNCATED, tracing_tag(&span, "k", "\x80\x80\x80\x80\x80\x80\x80"));
    divak_span_finish(&span);
    divak_free(tracing_take(&t));
    CHECK_INT(1, tracing_stats(t.tracer).sanitized);
    tracing_end(&t);
}

TEST(a_key_of_which_no_code_point_fits_is_left_out_and_counted) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "key_bytes", "3");
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    static const char key[] = "\xf0\x9f\x98\x80";
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag(&span, key, 4, "v", 1));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag_int(&span, key, 4, 7));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag_bool(&span, key, 4, true));
    CHECK_INT(3, truncated(&t));
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL "}]");
    tracing_end(&t);
}

TEST(a_value_of_64_mebibytes_costs_no_more_than_its_limit) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    size_t size = (size_t)64 << 20;
    char *text = malloc(size);
    memset(text, 'a', size);
    divak_span span;
    CHECK_INT(DIVAK_ERROR_TRUNCATED,
              divak_span_start(t.tracer, text, size, DIVAK_KIND_LOCAL, NULL, &span));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag(&span, text, size, "v", 1));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag(&span, "k", 1, text, size));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_annotate(&span, text, size));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_rename(&span, text, size));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_error(&span, text, size));
    CHECK_INT(6, truncated(&t));
    divak_span_finish(&span);
    char *json = tracing_take(&t);
    CHECK(strlen(json) < 4096);
    divak_free(json);
    CHECK_INT(DIVAK_NO_KEY, divak_key_register(text, size));
    free(text);
    tracing_end(&t);
}

TEST(tags_and_annotations_over_their_number_are_left_out_and_counted) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "tags_max", "3");
    divak_config_set(t.config, "annotations_max", "2");
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    char key[3] = "ak";
    for (int i = 0; i < 5; i++, key[0]++) {
        CHECK_INT(i < 3 ? DIVAK_OK : DIVAK_ERROR_TRUNCATED, divak_span_tag_int(&span, key, 2, i));
        CHECK_INT(i < 2 ? DIVAK_OK : DIVAK_ERROR_TRUNCATED,
                  divak_span_annotate_at(&span, 7, key, 1));
    }
    CHECK_INT(DIVAK_ERROR_TRUNCATED,
              divak_span_tag_bool_by_key(&span, divak_key_register("bk", 2), true));
    CHECK_INT(6, truncated(&t));
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL
                       ",'annotations':[{'timestamp':7,'value':'a'},{'timestamp':7,'value':'b'}],"
                       "'tags':{'ak':'0','bk':'1','ck':'2'}}]");
    tracing_end(&t);
}

TEST(a_key_of_one_byte_is_counted_like_any_other) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "tags_max", "1");
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK_INT(DIVAK_OK, divak_span_tag_int(&span, "a", 1, 1));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag_int(&span, "b", 1, 2));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag(&span, "c", 1, "", 0));
    CHECK_INT(2, truncated(&t));
    divak_span_finish(&span);
    tracing_end(&t);
}

TEST(a_full_span_takes_no_more_and_is_reported_with_what_it_has) {
    static const char *const sizes[] = {"512", "2048", "65536"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tracing t;
        tracing_begin(&t);
        divak_config_set(t.config, "span_bytes", sizes[i]);
        CHECK_INT(DIVAK_OK, divak_config_set(t.config, "tags_max", "512"));
        CHECK_INT(DIVAK_OK, divak_config_set(t.config, "value_bytes", "65535"));
        divak_config_set(t.config, "ring_bytes", "1MiB");
        tracing_start(&t);
        if (t.tracer == NULL) return;
        divak_span span = tracing_span(t.tracer, "op", &divak_no_parent);
        size_t kept = 0;
        char value[200];
        memset(value, 'v', sizeof value);
        for (int tag = 0; tag < 500; tag++) {
            char key[16];
            snprintf(key, sizeof key, "k%03d", tag);
            int status = divak_span_tag(&span, key, 4, value, sizeof value);
            CHECK(status == DIVAK_OK || status == DIVAK_ERROR_TRUNCATED);
            if (status != DIVAK_OK) break;
            kept++;
        }
        CHECK(kept >= 1 && kept < 400);
        CHECK_INT(1, truncated(&t));
        CHECK_INT(DIVAK_OK, divak_span_finish(&span));
        char *json = tracing_take(&t);
        CHECK_INT(kept, tracing_count(json, "\"k"));
        CHECK(strstr(json, "\"name\":\"op\"") != NULL);
        divak_free(json);
        CHECK_INT(1, tracing_stats(t.tracer).delivered);
        tracing_end(&t);
    }
}

TEST(spans_beyond_the_slots_are_refused_counted_and_still_carry_ids) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "buffer_bytes", "1MiB");
    divak_config_set(t.config, "ring_bytes", "16KiB");
    tracing_start(&t);
    enum { MOST = 4096 };
    static divak_span spans[MOST];
    size_t open = 0;
    divak_span refused;
    int status;
    while ((status = divak_span_start(t.tracer, "op", 2, DIVAK_KIND_LOCAL, &divak_no_parent,
                                      &refused)) == DIVAK_OK &&
           open < MOST) {
        spans[open++] = refused;
    }
    CHECK_INT(DIVAK_ERROR_FULL, status);
    CHECK(open >= 4 && open < MOST);
    CHECK(refused.span_id != 0 && refused.trace_id_low != 0 && !divak_span_is_recording(&refused));
    CHECK_INT(1, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_NO_SLOT]);
    CHECK_INT(open, tracing_stats(t.tracer).live);
    tracing_check_identity(t.tracer);
    for (size_t i = 0; i < open; i++) {
        CHECK_INT(DIVAK_OK, divak_span_finish(&spans[i]));
        if (i % 50 == 0) (void)divak_tracer_flush(t.tracer, 20000, NULL);
    }
    /* And all slots are there again. */
    size_t again = 0;
    while (again < open && divak_span_start(t.tracer, "op", 2, DIVAK_KIND_LOCAL,
                                            &divak_no_parent, &spans[again]) == DIVAK_OK) {
        again++;
    }
    CHECK_INT(open, again);
    for (size_t i = 0; i < again; i++) divak_span_abandon(&spans[i]);
    tracing_end(&t);
}

TEST(a_lane_that_is_full_drops_whole_spans_and_counts_them) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "ring_bytes", "16KiB");
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    uint64_t refused = 0;
    for (int i = 0; i < 100000; i++) {
        divak_span span = tracing_span(t.tracer, "op", &divak_no_parent);
        int status = divak_span_finish(&span);
        CHECK(status == DIVAK_OK || status == DIVAK_ERROR_FULL);
        refused += status == DIVAK_ERROR_FULL;
    }
    uint64_t lost;
    int flushed = divak_tracer_flush(t.tracer, 20000, &lost);
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(refused, stats.dropped[DIVAK_DROPPED_RING_FULL]);
    CHECK_INT(100000, stats.started);
    CHECK_INT(stats.delivered + stats.synthetic, divak_memory_reporter_count(t.memory));
    CHECK_INT(flushed, tracing_dropped(&stats) == 0 ? DIVAK_OK : DIVAK_ERROR_LOST);
    CHECK_INT(tracing_dropped(&stats), lost);
    tracing_end(&t);
}

CHECK_MAIN()
