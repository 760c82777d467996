/* SPDX-License-Identifier: Apache-2.0 */
/* span_test.c - how spans begin: whose children they are, their ids, kinds, names and decisions. */
#include "tracing.h"

TEST(nested_spans_share_a_trace_and_form_a_chain) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_scope outer, middle;
    divak_span root = tracing_span(t.tracer, "root", NULL);
    divak_scope_open(&root, &outer);
    divak_span child = tracing_span(t.tracer, "child", NULL);
    divak_scope_open(&child, &middle);
    divak_span grandchild = tracing_span(t.tracer, "grandchild", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&grandchild));
    divak_scope_close(&middle);
    divak_span_finish(&child);
    divak_scope_close(&outer);
    divak_span_finish(&root);
    tracing_expect(&t, "[{'traceId':'" ID(1) "','parentId':'" ID(3) "','id':'" ID(4) "',"
                       "'name':'grandchild','timestamp':1000000,'duration':1," LOCAL "},"
                       "{'traceId':'" ID(1) "','parentId':'" ID(2) "','id':'" ID(3) "',"
                       "'name':'child','timestamp':1000000,'duration':1," LOCAL "},"
                       ROOT_1 "'name':'root','timestamp':1000000,'duration':1," LOCAL "}]");
    CHECK(grandchild.local_root_id == root.span_id && child.local_root_id == root.span_id);
    tracing_end(&t);
}

/* By the quick way and by the long one, which a clock of its own asks for. */
TEST(a_child_may_be_begun_in_the_variable_of_its_parent) {
    for (int is_quick = 0; is_quick <= 1; is_quick++) {
        tracing t;
        if (is_quick) {
            tracing_begin_plain(&t);
            CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t.config, &t.memory));
        } else {
            tracing_begin(&t);
        }
        tracing_start(&t);
        divak_span root = tracing_span(t.tracer, "root", &divak_no_parent), span = root;
        for (int i = 0; i < 3; i++) {
            divak_span parent = span;
            CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "op", 2, DIVAK_KIND_LOCAL, &span, &span));
            CHECK(span.parent_id == parent.span_id && span.span_id != parent.span_id && span.span_id != 0);
            CHECK(span.trace_id_high == root.trace_id_high && span.trace_id_low == root.trace_id_low);
            CHECK(span.local_root_id == root.span_id && span.anchor == root.anchor);
            CHECK_INT(DIVAK_OK, divak_span_finish(&span));
            char link[64], *json = tracing_take(&t);
            snprintf(link, sizeof link, "\"parentId\":\"%016llx\",\"id\":\"%016llx\"",
                     (unsigned long long)parent.span_id, (unsigned long long)span.span_id);
            CHECK_INT(1, tracing_count(json, link));
            divak_free(json);
        }
        CHECK_INT(DIVAK_OK, divak_span_finish(&root));
        tracing_end(&t);
    }
}

TEST(given_timestamps_are_reported_as_given) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span;
    divak_start_options options = {.name = "op", .name_length = 2, .timestamp = 5};
    CHECK_INT(DIVAK_OK, divak_span_start_with(t.tracer, &options, &span));
    CHECK_INT(DIVAK_OK, divak_span_finish_at(&span, 9));
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':5,'duration':4," LOCAL "}]");
    tracing_end(&t);
}

TEST(a_given_end_meets_a_measured_start_and_the_other_way_round) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "a", NULL);
    divak_span_finish_at(&span, 1000007);
    tracing_expect(&t, "[" ROOT_1 "'name':'a','timestamp':1000000,'duration':7," LOCAL "}]");
    t.last_id = 0;
    span = tracing_span(t.tracer, "b", NULL);
    CHECK_INT(DIVAK_OK, divak_span_set_start(&span, 999990));
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'b','timestamp':999990,'duration':10," LOCAL "}]");
    t.last_id = 0;
    span = tracing_span(t.tracer, "c", NULL);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_start(&span, 0));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_finish_at(&span, 0));
    divak_span_finish_with_duration(&span, 123);
    tracing_expect(&t, "[" ROOT_1 "'name':'c','timestamp':1000000,'duration':123," LOCAL "}]");
    tracing_end(&t);
}

TEST(every_kind_is_reported_and_local_is_left_out) {
    static const struct {
        divak_kind kind;
        const char *text;
    } kinds[] = {
        {DIVAK_KIND_LOCAL, ""},
        {DIVAK_KIND_CLIENT, "'kind':'CLIENT',"},
        {DIVAK_KIND_SERVER, "'kind':'SERVER',"},
        {DIVAK_KIND_PRODUCER, "'kind':'PRODUCER',"},
        {DIVAK_KIND_CONSUMER, "'kind':'CONSUMER',"},
        {DIVAK_KIND_PERIODIC, "'kind':'SERVER',"},
    };
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (int set_late = 0; set_late < 2; set_late++) {
            divak_span span;
            t.last_id = 0;
            CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "op", 2,
                                                 set_late ? DIVAK_KIND_LOCAL : kinds[i].kind,
                                                 NULL, &span));
            if (set_late) CHECK_INT(DIVAK_OK, divak_span_set_kind(&span, kinds[i].kind));
            divak_span_finish(&span);
            char expected[256];
            snprintf(expected, sizeof expected,
                     "[" ROOT_1 "%s'name':'op','timestamp':1000000,'duration':1," LOCAL "}]",
                     kinds[i].text);
            tracing_expect(&t, expected);
        }
    }
    tracing_end(&t);
}

TEST(an_unknown_kind_is_taken_as_local_and_said_so) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_start(t.tracer, "op", 2, 6, NULL, &span));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_kind(&span, 77));
    CHECK(divak_span_is_recording(&span));
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL "}]");
    tracing_end(&t);
}

TEST(a_periodic_job_is_a_root_of_its_own_whatever_is_current) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span root = tracing_span(t.tracer, "root", NULL);
    divak_span job;
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "job", 3, DIVAK_KIND_PERIODIC, &root, &job));
    CHECK(job.trace_id_low != root.trace_id_low);
    CHECK_INT(0, job.parent_id);
    divak_span_abandon(&job);
    divak_span_abandon(&root);
    tracing_end(&t);
}

TEST(no_parent_asks_for_a_new_trace_inside_of_a_scope) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span root = tracing_span(t.tracer, "root", NULL);
    divak_scope scope;
    divak_scope_open(&root, &scope);
    divak_span other = tracing_span(t.tracer, "other", &divak_no_parent);
    CHECK_INT(3, other.trace_id_low);
    CHECK_INT(0, other.parent_id);
    CHECK_INT((long long)other.span_id, (long long)other.local_root_id);
    divak_scope_close(&scope);
    divak_span_finish(&other);
    divak_span_finish(&root);
    tracing_end(&t);
}

TEST(the_last_name_before_the_end_is_reported) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "first", NULL);
    CHECK_INT(DIVAK_OK, divak_span_rename(&span, "second", 6));
    divak_key third = divak_key_register("Third", 5);
    CHECK_INT(DIVAK_OK, divak_span_rename_by_key(&span, third));
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'third','timestamp':1000000,'duration':1," LOCAL "}]");
    t.last_id = 0;
    CHECK_INT(DIVAK_OK,
              divak_span_start_by_key(t.tracer, third, DIVAK_KIND_LOCAL, NULL, &span));
    CHECK_INT(DIVAK_OK, divak_span_rename(&span, NULL, 0)); /* takes the name away */
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'timestamp':1000000,'duration':1," LOCAL "}]");
    CHECK_INT(DIVAK_ERROR_ENDED == divak_span_rename(&span, "x", 1) ||
                  DIVAK_ERROR_STALE == divak_span_rename(&span, "x", 1),
              1);
    tracing_end(&t);
}

TEST(a_name_that_was_never_registered_is_refused_but_the_span_lives) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span;
    CHECK_INT(DIVAK_ERROR_INVALID,
              divak_span_start_by_key(t.tracer, 2000, DIVAK_KIND_LOCAL, NULL, &span));
    CHECK(divak_span_is_recording(&span));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_rename_by_key(&span, DIVAK_NO_KEY));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_by_key(&span, 2000, "x", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_int_by_key(&span, DIVAK_NO_KEY, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_bool_by_key(&span, DIVAK_NO_KEY, true));
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'timestamp':1000000,'duration':1," LOCAL "}]");
    tracing_end(&t);
}

TEST(a_server_joins_its_remote_client_and_says_shared) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span client = {.trace_id_low = 0xa,
                         .span_id = 0xb,
                         .parent_id = 0xc,
                         .flags = DIVAK_SPAN_REMOTE | DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED};
    divak_span server;
    CHECK_INT(DIVAK_OK,
              divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &client, &server));
    divak_span_finish(&server);
    tracing_expect(&t, "[{'traceId':'" ID(a) "','parentId':'" ID(c) "','id':'" ID(b) "',"
                       "'kind':'SERVER','name':'get','timestamp':1000000,'duration':1," LOCAL ","
                       "'shared':true}]");
    /* Left open by the client: the same id, but we are the one who decides, alone. */
    client.flags = DIVAK_SPAN_REMOTE;
    divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &client, &server);
    CHECK_INT(0xb, server.span_id);
    divak_span_finish(&server);
    char *json = tracing_take(&t);
    CHECK(strstr(json, "shared") == NULL);
    divak_free(json);
    tracing_end(&t);
}

TEST(a_debug_trace_is_sampled_and_says_so_on_every_span) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "sample_rate", "0");
    tracing_start(&t);
    divak_span root;
    divak_start_options options = {.name = "a", .name_length = 1, .debug = true};
    CHECK_INT(DIVAK_OK, divak_span_start_with(t.tracer, &options, &root));
    divak_span child = tracing_span(t.tracer, "b", &root);
    divak_span_finish(&child);
    divak_span_finish(&root);
    char *json = tracing_take(&t);
    CHECK_INT(2, tracing_count(json, "\"debug\":true"));
    divak_free(json);
    tracing_end(&t);
}

static uint64_t count_recorded(const char *rate) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "sample_rate", rate));
    tracing_start(&t);
    for (int i = 0; i < 10000; i++) {
        divak_span span = tracing_span(t.tracer, "op", &divak_no_parent);
        divak_span_finish(&span);
        if (i % 500 == 0) divak_tracer_flush(t.tracer, 20000, NULL);
    }
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    size_t count = divak_memory_reporter_count(t.memory);
    CHECK_INT(count, tracing_stats(t.tracer).started);
    tracing_end(&t);
    return count;
}

TEST(always_takes_ten_thousand_of_ten_thousand_and_never_takes_none) {
    CHECK_INT(10000, count_recorded("1"));
    CHECK_INT(0, count_recorded("0"));
}

TEST(an_unsampled_child_has_the_ids_of_its_unsampled_parent) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "sample_rate", "0");
    tracing_start(&t);
    divak_span root = tracing_span(t.tracer, "root", NULL);
    CHECK(root.trace_id_low != 0 && root.span_id != 0);
    CHECK(!divak_span_is_sampled(&root) && !divak_span_is_recording(&root));
    divak_span child = tracing_span(t.tracer, "child", &root);
    CHECK(memcmp(&child, &root, sizeof child) == 0);
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, tracing_tag(&child, "k", "v"));
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_finish(&child));
    CHECK_INT(0, tracing_stats(t.tracer).started);
    tracing_end(&t);
}

TEST(tracing_that_is_off_is_safe_to_call) {
    divak_span span, child;
    CHECK_INT(DIVAK_OK, divak_span_start(NULL, "a", 1, DIVAK_KIND_CLIENT, NULL, &span));
    CHECK_INT(0, span.span_id | span.trace_id_low | span.flags);
    divak_span parent = {.trace_id_low = 1, .span_id = 2, .slot = 77, .flags = DIVAK_SPAN_SAMPLED};
    CHECK_INT(DIVAK_OK, divak_span_start(NULL, "a", 1, DIVAK_KIND_CLIENT, &parent, &child));
    CHECK(child.trace_id_low == 1 && child.span_id == 2 && child.slot == 0);
    divak_start_options options = {.kind = DIVAK_KIND_SERVER};
    CHECK_INT(DIVAK_OK, divak_span_start_with(NULL, &options, &span));
    CHECK_INT(DIVAK_OK, divak_span_start_by_key(NULL, 1, DIVAK_KIND_LOCAL, NULL, &span));
    const divak_span *spans[] = {NULL, &span, &child};
    for (size_t i = 0; i < 3; i++) {
        const divak_span *s = spans[i];
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag(s, "k", 1, "v", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_int(s, "k", 1, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_uint(s, "k", 1, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_double(s, "k", 1, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_bool(s, "k", 1, true));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_by_key(s, 1, "v", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_int_by_key(s, 1, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_uint_by_key(s, 1, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_double_by_key(s, 1, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag_bool_by_key(s, 1, true));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_annotate(s, "a", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_annotate_at(s, 1, "a", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_error(s, NULL, 0));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_rename(s, "a", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_rename_by_key(s, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_set_kind(s, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_set_start(s, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_set_shared(s, true));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_set_remote(s, NULL));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_set_local(s, NULL));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_finish(s));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_finish_at(s, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_finish_with_duration(s, 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_flush(s));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_abandon(s));
    }
}

CHECK_MAIN()
