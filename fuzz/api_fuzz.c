/* SPDX-License-Identifier: Apache-2.0 */
/* api_fuzz.c - the public interface as a sequence of calls in any order, with any texts, live, ended
 * and forged handles: nothing crashes, every status is a documented one, what is reported is valid
 * JSON, and the accounts add up.
 *
 * The first byte chooses a tracer: one as most programs have it, or one with small limits, all
 * formats, a rules sampler and handlers. Then each call takes a byte for itself and what it needs
 * beyond. At the end every span that is still open is ended.
 */
#include <divak/divak.h>

#include "exact.h"
#include "wire/span_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SPANS = 8, SCOPES = 4, TRACERS = 2, RUNS_A_FLUSH = 64 };

static const uint8_t *input;
static size_t input_left;

static uint8_t next_byte(void) {
    if (input_left == 0) return 0;
    input_left--;
    return *input++;
}

static uint64_t next_number(void) {
    uint64_t number = 0;
    unsigned bytes = next_byte() % 9;
    while (bytes-- > 0) number = number << 8 | next_byte();
    return number;
}

/* Each text in a block of its own. Lengths are mostly short, and now and then all that is left. */
static exact_text next_text(void) {
    size_t length = next_byte();
    if (length == 254) return (exact_text){NULL, 0};
    if (length == 255 || length > input_left) length = input_left;
    exact_text text = exact_copy(input, length);
    input += length;
    input_left -= length;
    return text;
}

/* ---- the tracers ------------------------------------------------------------------------------ */

static divak_tracer *tracers[TRACERS];
static divak_memory_reporter *memories[TRACERS];
static divak_key keys[3];

static void tag_at_begin(void *context, const divak_span *span, const divak_span *parent) {
    (void)context;
    (void)divak_span_tag_bool(span, "root", 4, parent == NULL);
}

/* Drops, redacts and renames by what the input happens to hold. */
static bool change_at_end(void *context, divak_ended_span *span) {
    (void)context;
    size_t length, key_length;
    const char *name = divak_ended_span_name(span, &length), *key, *value;
    if (length == 1 && name[0] == 'd') return false;
    for (size_t i = 0; divak_ended_span_tag_at(span, i, &key, &key_length, &value, &length); i++) {
        MUST(key_length > 0 && (value != NULL || length == 0));
    }
    (void)divak_ended_span_set_tag(span, "handled", 7, "yes", 3);
    (void)divak_ended_span_remove_tag(span, "password", 8);
    (void)divak_ended_span_remove_annotation(span, 1);
    if (divak_ended_span_duration(span) % 3 == 0) (void)divak_ended_span_set_name(span, "x", 1);
    return true;
}

static void set_all(divak_config *config, const char *const (*settings)[2], size_t count) {
    for (size_t i = 0; i < count; i++) {
        MUST(divak_config_set(config, settings[i][0], settings[i][1]) == DIVAK_OK);
    }
}

static void make_tracers(void) {
    static const char *const usual[][2] = {
        {"log", "off"}, {"buffer_bytes", "8MiB"}, {"ring_bytes", "128KiB"}};
    static const char *const strange[][2] = {
        {"span_bytes", "512"},     {"name_bytes", "5"},   {"key_bytes", "3"},
        {"value_bytes", "7"},      {"tags_max", "3"},     {"annotations_max", "2"},
        {"propagation", "b3,b3multi,tracecontext,baggage,request-id"},
        {"baggage_fields", "a,b=x-b|x-c,-l"},
        {"request_id", "generate"}, {"trust", "limited"}, {"extract_failure", "tag"},
        {"resample", "true"},      {"tags", "env=test"},  {"trace_id_bits", "64"}};
    divak_sampler *half, *rules;
    MUST(divak_sampler_create_probability(0.5, &half) == DIVAK_OK);
    MUST(divak_sampler_create_rules(half, &rules) == DIVAK_OK);
    const divak_rule always = {.name = "a", .may_override = true};
    MUST(divak_sampler_add_rule(rules, &always, divak_sampler_always()) == DIVAK_OK);
    for (int i = 0; i < TRACERS; i++) {
        divak_config *config = divak_config_create_without_environment();
        set_all(config, usual, sizeof usual / sizeof *usual);
        if (i == 1) {
            set_all(config, strange, sizeof strange / sizeof *strange);
            const divak_handler handler = {
                .begin = tag_at_begin, .end = change_at_end, .wants_unsampled = true};
            MUST(divak_config_add_handler(config, &handler) == DIVAK_OK);
            MUST(divak_config_set_sampler(config, rules) == DIVAK_OK);
        }
        MUST(divak_config_add_memory_reporter(config, &memories[i]) == DIVAK_OK);
        MUST(divak_tracer_create(config, &tracers[i]) == DIVAK_OK);
        divak_config_destroy(config);
    }
    keys[0] = divak_key_register("registered", 10);
    keys[1] = divak_key_register("error", 5);
    keys[2] = 77777;
}

static void check_reported(divak_tracer *tracer, divak_memory_reporter *memory) {
    divak_stats stats;
    MUST(divak_tracer_flush(tracer, 60000, NULL) != DIVAK_ERROR_TIMEOUT);
    MUST(divak_tracer_stats(tracer, 0, &stats) == DIVAK_OK);
    uint64_t sum = stats.delivered + stats.pending + stats.live;
    for (size_t i = 0; i < DIVAK_DROPPED_COUNT; i++) sum += stats.dropped[i];
    MUST(stats.started + stats.recovered == sum && stats.pending == 0);
    size_t length;
    char *json = divak_memory_reporter_take(memory, &length);
    MUST(json != NULL);
    checked_texts texts = {0};
    MUST(check_json_list(json, length, &texts));
    checked_texts_free(&texts);
    divak_free(json);
}

/* ---- calls ------------------------------------------------------------------------------------ */

static divak_span spans[SPANS];
static divak_scope scopes[SCOPES];
static divak_tracer *tracer;

static int check_status(int status) {
    MUST(status <= DIVAK_ABSENT && status >= DIVAK_ERROR_ORDER);
    return status;
}

static divak_span *next_span(void) {
    return &spans[next_byte() % SPANS];
}

/* None, the current one, one of ours, or one of nobody's. */
static const divak_span *next_parent(divak_span *forged) {
    uint8_t choice = next_byte();
    if (choice % 4 == 0) return NULL;
    if (choice % 4 == 1) return &divak_no_parent;
    if (choice % 4 == 2) return next_span();
    uint8_t *bytes = (uint8_t *)forged;
    *forged = spans[0];
    for (unsigned count = next_byte() % 16; count > 0; count--) {
        bytes[next_byte() % sizeof *forged] = next_byte();
    }
    return forged;
}

static void start(void) {
    divak_span forged, *place = next_span(), made;
    const divak_span *parent = next_parent(&forged);
    exact_text name = next_text(), more = next_text();
    divak_kind kind = next_byte();
    uint8_t how = next_byte();
    divak_tracer *with = how == 255 ? NULL : tracer;
    if (how % 3 == 0) {
        check_status(divak_span_start(with, name.text, name.length, kind, parent, &made));
    } else if (how % 3 == 1) {
        check_status(divak_span_start_by_key(with, keys[how % 7 % 3], kind, parent, &made));
    } else {
        divak_start_options options = {
            .name = name.text, .name_length = name.length, .kind = kind, .parent = parent,
            .timestamp = next_number(), .method = more.text, .method_length = more.length,
            .path = name.text, .path_length = name.length, .route = more.text,
            .route_length = more.length, .defer_report = (how & 64) != 0,
            .debug = (how & 128) != 0};
        check_status(divak_span_start_with(with, &options, &made));
    }
    (void)divak_span_abandon(place);
    divak_span_release(place);
    *place = made;
    free(name.text);
    free(more.text);
}

static void tag(void) {
    const divak_span *span = next_span();
    exact_text key = next_text(), value = next_text();
    uint64_t number = next_number();
    double real;
    memcpy(&real, &number, sizeof real);
    divak_key by = keys[number % 3];
    switch (next_byte() % 11) {
    case 0: check_status(divak_span_tag_int(span, key.text, key.length, (int64_t)number)); break;
    case 1: check_status(divak_span_tag_uint(span, key.text, key.length, number)); break;
    case 2: check_status(divak_span_tag_double(span, key.text, key.length, real)); break;
    case 3: check_status(divak_span_tag_bool(span, key.text, key.length, number & 1)); break;
    case 4: check_status(divak_span_tag_by_key(span, by, value.text, value.length)); break;
    case 5: check_status(divak_span_tag_int_by_key(span, by, (int64_t)number)); break;
    case 6: check_status(divak_span_tag_uint_by_key(span, by, number)); break;
    case 7: check_status(divak_span_tag_double_by_key(span, by, real)); break;
    case 8: check_status(divak_span_tag_bool_by_key(span, by, number & 1)); break;
    default:
        check_status(divak_span_tag(span, key.text, key.length, value.text, value.length));
    }
    free(key.text);
    free(value.text);
}

static void say(void) {
    const divak_span *span = next_span();
    exact_text text = next_text();
    divak_endpoint endpoint = {.service = text.text, .service_length = text.length};
    const divak_customizer customizer = divak_span_customizer(span);
    divak_span forged;
    uint8_t choice = next_byte();
    switch (choice < 242 ? choice % 11 : choice) {
    case 0: check_status(divak_span_annotate(span, text.text, text.length)); break;
    case 1: check_status(divak_span_annotate_at(span, next_number(), text.text, text.length)); break;
    case 2: check_status(divak_span_error(span, text.text, text.length)); break;
    case 3: check_status(divak_span_rename(span, text.text, text.length)); break;
    case 4: check_status(divak_span_rename_by_key(span, keys[next_byte() % 3])); break;
    case 5: check_status(divak_span_set_kind(span, next_byte())); break;
    case 6: check_status(divak_span_set_start(span, next_number())); break;
    case 7: check_status(divak_span_set_shared(span, next_byte() & 1)); break;
    case 8: check_status(divak_endpoint_set_address(&endpoint, text.text, text.length)); break;
    case 9: check_status(divak_span_set_remote(span, &endpoint)); break;
    case 242: check_status(divak_span_link(span, next_parent(&forged))); break;
    case 243: check_status(divak_customizer_annotate(&customizer, text.text, text.length)); break;
    case 244: check_status(divak_customizer_rename(&customizer, text.text, text.length)); break;
    default: check_status(divak_span_set_local(span, &endpoint));
    }
    free(text.text);
}

static void end(void) {
    const divak_span *span = next_span();
    switch (next_byte() % 5) {
    case 0: check_status(divak_span_finish_at(span, next_number())); break;
    case 1: check_status(divak_span_finish_with_duration(span, next_number())); break;
    case 2: check_status(divak_span_flush(span)); break;
    case 3: check_status(divak_span_abandon(span)); break;
    default: check_status(divak_span_finish(span));
    }
}

static void scope(void) {
    divak_scope *place = &scopes[next_byte() % SCOPES];
    divak_span current;
    uint8_t how = next_byte();
    if (how % 3 == 0) check_status(divak_scope_open(how > 250 ? NULL : next_span(), place));
    if (how % 3 == 1) check_status(divak_scope_close(place));
    if (how % 3 == 2) check_status(divak_current(&current));
}

static void extract(void) {
    static const char *const names[] = {"b3", "X-B3-TraceId", "x-b3-spanid", "X-B3-ParentSpanId",
                                        "X-B3-Sampled", "X-B3-Flags", "traceparent", "tracestate",
                                        "baggage", "x-request-id", "a", "X-C"};
    enum { NAMES = sizeof names / sizeof *names, LINES = 6 };
    divak_header headers[LINES];
    exact_text values[LINES];
    size_t count = next_byte() % (LINES + 1);
    for (size_t i = 0; i < count; i++) {
        const char *name = names[next_byte() % NAMES];
        values[i] = next_text();
        headers[i] = (divak_header){name, strlen(name), values[i].text, values[i].length};
    }
    divak_span *place = next_span();
    (void)divak_span_abandon(place);
    divak_span_release(place);
    check_status(divak_extract_headers(tracer, headers, count, place));
    for (size_t i = 0; i < count; i++) free(values[i].text);
}

static void inject(void) {
    static divak_header_block block;
    check_status(divak_inject_headers(tracer, next_span(), &block));
    for (size_t i = 0; i < block.count; i++) {
        const divak_header *header = &block.headers[i];
        for (size_t k = 0; k < header->value_length; k++) {
            MUST((unsigned char)header->value[k] >= ' ' || header->value[k] == '\t');
        }
    }
}

static void baggage(void) {
    divak_span *span = next_span();
    exact_text name = next_text(), value = next_text();
    char out[16];
    size_t length;
    if ((next_byte() & 1) != 0) {
        check_status(divak_span_set_baggage(span, name.text, name.length, value.text, value.length));
    }
    check_status(divak_span_baggage(span, name.text, name.length, out, sizeof out, &length));
    free(name.text);
    free(value.text);
}

static void ask(void) {
    char trace[33], id[17];
    divak_stats stats;
    switch (next_byte() % 5) {
    case 0: divak_tracer_set_enabled(tracer, next_byte() % 4 != 0); break;
    case 1: check_status(divak_tracer_stats(tracer, next_byte() % 2, &stats)); break;
    case 2: MUST(divak_tracer_current() != NULL); break;
    case 3: divak_reseed(); break;
    default:
        divak_span_trace_id_text(next_span(), trace);
        divak_span_id_text(next_span(), id);
        MUST(strlen(trace) <= 32 && strlen(id) <= 16);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const calls[])(void) = {start, start, tag, say, end, scope, extract, inject,
                                          baggage, ask};
    static unsigned runs;
    if (tracers[0] == NULL) make_tracers();
    input = data;
    input_left = size;
    size_t index = next_byte() % TRACERS;
    tracer = tracers[index];
    while (input_left > 0) calls[next_byte() % (sizeof calls / sizeof *calls)]();

    for (size_t i = SCOPES; i-- > 0;) (void)divak_scope_close(&scopes[i]);
    divak_scope none; /* one that was forgotten leaves its span current; not into the next input */
    (void)divak_scope_open(NULL, &none);
    for (size_t i = 0; i < SPANS; i++) {
        (void)divak_span_finish(&spans[i]);
        (void)divak_span_flush(&spans[i]);
        divak_span_release(&spans[i]);
        spans[i] = (divak_span){.slot = 0};
    }
    divak_tracer_set_enabled(tracer, true);
    if (++runs % RUNS_A_FLUSH == 0 || size % 16 == 0) check_reported(tracer, memories[index]);
    return 0;
}
