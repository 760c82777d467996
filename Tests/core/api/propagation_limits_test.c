/* SPDX-License-Identifier: Apache-2.0 */
/* propagation_limits_test.c - propagation where it is hurt: too much, too long, hostile, and
 * without memory. */
#include "propagation_fixture.h"

#include "api/carried.h"
#include "base/memory.h"

TEST(whatever_is_sent_the_limits_hold_and_the_rest_is_counted) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.baggage = true};
    declare(&f, "field");
    divak_span span;
    static char lines[60000];
    char *end = lines;
    for (int i = 0; i < 100; i++) end += sprintf(end, "baggage: a%d=1,\n", i);
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, lines, &span));
    /* 64 places, a member or nothing in each, then a count of one for all lines beyond. */
    CHECK(divak_load_relaxed(&f.propagation.baggage_dropped) >= 1);
    expect_baggage(&f, &span, "a0", "1");
    expect_baggage(&f, &span, "a64", NULL);
    divak_propagation_release(&f.propagation, &span);

    /* Bad ones and empty lines use up places too. */
    end = lines + sprintf(lines, "baggage: ");
    for (int i = 0; i < 64; i++) end += sprintf(end, "bad,");
    strcpy(end, "\nbaggage: a=1");
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, lines, &span));
    CHECK_INT(0, span.baggage);
    lines[0] = '\0';
    for (int i = 0; i < 64; i++) strcat(lines, "baggage: \n");
    strcat(lines, "baggage: a=1");
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, lines, &span));
    CHECK_INT(0, span.baggage);

    end = lines + sprintf(lines, "baggage: a=1,b=");
    memset(end, 'x', 9000);
    strcpy(end + 9000, ",c=1\nfield: ");
    end += strlen(end);
    memset(end, 'y', 9000);
    end[9000] = '\0';
    uint64_t before = divak_load_relaxed(&f.propagation.baggage_dropped);
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, lines, &span));
    CHECK_INT(3, divak_load_relaxed(&f.propagation.baggage_dropped) - before);
    expect_text("baggage: a=1\n", injected(&f, &span));
    static char big[9001];
    memset(big, 'z', 9000);
    CHECK_INT(DIVAK_ERROR_FULL, set(&f, &span, "field", big));
    CHECK_INT(DIVAK_ERROR_FULL, set(&f, &span, "member", big));
    expect_text("baggage: a=1\n", injected(&f, &span));
    divak_propagation_release(&f.propagation, &span);

    strcpy(lines, "field: caf\xc3\xa9");
    before = divak_load_relaxed(&f.propagation.bad_header);
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, lines, &span));
    CHECK_INT(1, divak_load_relaxed(&f.propagation.bad_header) - before);
    CHECK_INT(0, span.baggage);
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "field", "a\r\nb: c"));
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "field", " a"));
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "field", "\xc3\xa9"));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagation_set_baggage(&f.propagation, &slots, &span,
                                                                 "field", 5, NULL, 1));
    CHECK_INT(DIVAK_ERROR_STALE,
              divak_propagation_set_baggage(NULL, &slots, &span, "field", 5, "a", 1));
    fixture_deinit(&f);
}

TEST(all_declared_fields_together_have_one_limit) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.b3 = true};
    declare(&f, "one,two");
    static char lines[12000], value[5001];
    memset(value, 'x', 5000);
    sprintf(lines, "one: %s\ntwo: %s", value, value);
    divak_span span;
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, lines, &span));
    CHECK_INT(1, divak_load_relaxed(&f.propagation.baggage_dropped));
    expect_baggage(&f, &span, "two", NULL);
    CHECK_INT(DIVAK_ERROR_FULL, set(&f, &span, "two", value));
    expect_baggage(&f, &span, "two", NULL);
    CHECK_INT(DIVAK_OK, set(&f, &span, "one", "1"));
    CHECK_INT(DIVAK_OK, set(&f, &span, "two", value));
    divak_propagation_release(&f.propagation, &span);
    fixture_deinit(&f);
}

TEST(sections_that_are_cut_off_anywhere_are_not_read_past_their_end) {
    divak_buffer buffer = {.length = 0};
    divak_carried_add(&buffer, DIVAK_CARRIED_FIELD, 3, "abc", 3);
    size_t at = divak_carried_begin(&buffer, DIVAK_CARRIED_BAGGAGE, 0);
    divak_carried_end(&buffer, at); /* empty: taken back */
    divak_carried_add(&buffer, DIVAK_CARRIED_REQUEST_ID, 0, "de", 2);
    CHECK_INT(4 + 3 + 4 + 2, buffer.length);
    for (size_t length = 0; length <= buffer.length; length++) {
        unsigned char *bytes = malloc(length == 0 ? 1 : length); /* exact, for the sanitizer */
        if (length > 0) memcpy(bytes, buffer.bytes, length);
        divak_carried one;
        size_t count = 0;
        for (size_t from = 0; divak_carried_next(bytes, length, &from, &one);) count++;
        CHECK_INT((length >= 7) + (length >= 13), count);
        free(bytes);
    }
    divak_buffer_deinit(&buffer);
}

TEST(all_formats_and_fields_together_fit_into_a_block) {
    fixture f;
    fixture_init(&f);
    declare(&f, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o");
    const char *lines = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"
                        "tracestate: rojo=1\nx-request-id: 7\nbaggage: m=1\n"
                        "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\nj: 1\nk: 1\nl: 1\n"
                        "m: 1\nn: 1\no: 1";
    divak_span span;
    CHECK_INT(DIVAK_OK, extract_lines(&f, lines, &span));
    span.parent_id = 5;
    static divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_propagation_inject_block(&f.propagation, &span, &block));
    CHECK_INT(DIVAK_HEADERS_MAX, block.count);
    divak_propagation_release(&f.propagation, &span);
    fixture_deinit(&f);
}

TEST(a_block_is_filled_to_its_last_byte_and_not_beyond) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.baggage = true};
    declare(&f, "one");
    static char value[8192];
    static divak_header_block block;
    /* one: 3 + 1 + 4274 + 1, baggage: 7 + 1 + "m=" + 7998 + 1 */
    for (size_t over = 0; over < 2; over++) {
        divak_span span = {.tracer = FIXTURE_TRACER};
        memset(value, 'z', sizeof value);
        value[4274 + over] = '\0';
        CHECK_INT(DIVAK_OK, set(&f, &span, "one", value));
        value[4274 + over] = 'z';
        value[7998] = '\0';
        CHECK_INT(DIVAK_OK, set(&f, &span, "m", value));
        int status = divak_propagation_inject_block(&f.propagation, &span, &block);
        CHECK_INT(over == 0 ? DIVAK_OK : DIVAK_ERROR_TRUNCATED, status);
        CHECK_INT(over == 0 ? 2 : 1, block.count);
        if (over == 0) CHECK_INT(DIVAK_HEADERS_BYTES, block.bytes_used);
        divak_propagation_release(&f.propagation, &span);
    }
    fixture_deinit(&f);
}

TEST(a_block_takes_what_fits_and_counts_the_rest) {
    fixture f;
    fixture_init(&f);
    declare(&f, "one,two");
    divak_span span = {.tracer = FIXTURE_TRACER, .flags = DIVAK_SPAN_DECIDED};
    static char big[8001];
    memset(big, 'z', 8000);
    CHECK_INT(DIVAK_OK, set(&f, &span, "member", big));
    static divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_propagation_inject_block(&f.propagation, &span, &block));
    CHECK_INT(3, block.count);
    for (size_t i = 0; i < block.count; i++) {
        CHECK_INT(0, block.headers[i].name[block.headers[i].name_length]);
        CHECK_INT(0, block.headers[i].value[block.headers[i].value_length]);
    }
    CHECK_TEXT("X-B3-Sampled", block.headers[1].name, block.headers[1].name_length);
    CHECK_TEXT("0", block.headers[1].value, block.headers[1].value_length);
    memset(big + 4300, 0, 1);
    CHECK_INT(DIVAK_OK, set(&f, &span, "one", big));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_propagation_inject_block(&f.propagation, &span, &block));
    CHECK_INT(1, divak_load_relaxed(&f.propagation.truncated));
    CHECK_INT(3, block.count);
    CHECK_TEXT("one", block.headers[2].name, block.headers[2].name_length);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagation_inject_block(&f.propagation, &span, NULL));
    divak_propagation_release(&f.propagation, &span);
    fixture_deinit(&f);
}

/* ---- Whatever comes in, only headers go out -------------------------------------------------- */

static void expect_clean(void *context, const char *name, size_t name_length, const char *value,
                         size_t value_length) {
    (void)context;
    CHECK(name_length > 0 && value_length > 0);
    for (size_t i = 0; i < name_length; i++) {
        char c = name[i];
        CHECK((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-');
    }
    for (size_t i = 0; i < value_length; i++) {
        CHECK((value[i] >= 0x20 && value[i] < 0x7f) || value[i] == '\t');
    }
}

/* Values stay where they are until the extract returns, hence the pool. */
static struct {
    uint64_t state;
    size_t used;
    char values[1024][128];
} noise;

static bool get_noise(void *context, const char *name, size_t name_length, size_t index,
                      const char **out_value, size_t *out_length) {
    static const char *const seeds[] = {
        "a=1,b=%0D%0A", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "463ac35c9f6413ad", "463ac35c9f6413ad-48485a3953bb6124-1", "x", ""};
    static const char pool[] = "0123456789abcdef-=,;% \t\r\n\"\\\x01\x7f\xff\xc3\xa9 x";
    (void)context;
    (void)name;
    uint64_t choice = fixture_random(&noise.state);
    if (index > choice % 4 || name_length == 0 || noise.used == 1024) return false;
    char *value = noise.values[noise.used++];
    const char *seed = seeds[(choice >> 8) % 6];
    size_t length = strlen(seed);
    memcpy(value, seed, length);
    if (choice >> 16 & 1) {
        for (size_t extra = choice >> 20 & 63; extra > 0; extra--) {
            value[length++] = pool[fixture_random(&noise.state) % (sizeof pool - 1)];
        }
    }
    if ((choice >> 17 & 3) == 0 && length > 0) {
        value[fixture_random(&noise.state) % length] = pool[choice >> 30 & 31];
    }
    *out_value = (choice >> 40 & 63) == 0 ? NULL : value;
    *out_length = length;
    return true;
}

TEST(nothing_that_came_in_ever_goes_out_as_more_than_a_header) {
    fixture f;
    fixture_init(&f);
    declare(&f, "field,user=x-user|x-uid,-local");
    noise.state = UINT64_C(0x2545f4914f6cdd1d);
    printf("  seed %llu\n", (unsigned long long)noise.state);
    int with_baggage = 0, with_ids = 0;
    for (int i = 0; i < 30000; i++) {
        divak_span span;
        noise.used = 0;
        divak_propagation_extract(&f.propagation, get_noise, NULL, &span);
        with_baggage += span.baggage != 0;
        with_ids += span.span_id != 0;
        char value[24];
        for (size_t k = 0; k < sizeof value; k++) value[k] = (char)fixture_random(&noise.state);
        const char *target = i % 2 ? "field" : "member";
        divak_propagation_set_baggage(&f.propagation, &slots, &span, target, strlen(target), value,
                                      fixture_random(&noise.state) % sizeof value);
        divak_propagation_inject(&f.propagation, &span, i % 3 == 0, expect_clean, NULL);
        divak_propagation_release(&f.propagation, &span);
    }
    CHECK(with_baggage > 1000);
    CHECK(with_ids > 1000);
    fixture_deinit(&f);
}

/* ---- Without memory -------------------------------------------------------------------------- */

static divak_system_calls real_system;
static int allocations_left;

static void *refusing_allocate(size_t size) {
    return allocations_left-- > 0 ? real_system.allocate(size) : NULL;
}

static void *refusing_resize(void *memory, size_t size) {
    return allocations_left-- > 0 ? real_system.resize(memory, size) : NULL;
}

TEST(when_memory_runs_out_ids_still_pass_and_nothing_leaks) {
    real_system = divak_system;
    const char *lines = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"
                        "tracestate: rojo=1\nx-request-id: 7\nfield: 1\nbaggage: a=1\nbaggage: b=2";
    int complete = 0;
    for (int allowed = 0; complete == 0 && allowed < 50; allowed++) {
        fixture f;
        fixture_init(&f);
        declare(&f, "field");
        divak_system.allocate = refusing_allocate;
        divak_system.resize = refusing_resize;
        allocations_left = allowed;
        divak_span span;
        CHECK_INT(DIVAK_OK, extract_lines(&f, lines, &span));
        CHECK_INT(0x00f067aa0ba902b7, span.span_id);
        CHECK_INT(span.baggage == 0, divak_load_relaxed(&f.propagation.baggage_dropped));
        divak_span before = span;
        int status = set(&f, &span, "field", "2");
        CHECK(status == DIVAK_OK || status == DIVAK_ERROR_MEMORY);
        if (status != DIVAK_OK) CHECK_INT(before.baggage, span.baggage);
        int second = set(&f, &span, "a", "2");
        CHECK(second == DIVAK_OK || second == DIVAK_ERROR_MEMORY);
        divak_system = real_system;
        complete = before.baggage != 0 && status == DIVAK_OK && second == DIVAK_OK;
        divak_propagation_release(&f.propagation, &span);
        fixture_deinit(&f);
    }
    CHECK_INT(1, complete);
}

TEST(a_budget_that_is_used_up_is_told_and_counted) {
    fixture f;
    fixture_init(&f);
    declare(&f, "field");
    f.table.budget = 300;
    divak_span first, second;
    CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: 1\nfield: 1", &first));
    CHECK(first.baggage != 0);
    CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: 1\nfield: 1", &second));
    CHECK_INT(0, second.baggage);
    CHECK_INT(1, divak_load_relaxed(&f.propagation.baggage_dropped));
    CHECK_INT(DIVAK_ERROR_FULL, set(&f, &first, "field", "2"));
    expect_baggage(&f, &first, "field", "1");
    divak_propagation_release(&f.propagation, &first);
    fixture_deinit(&f);
}

CHECK_MAIN()
