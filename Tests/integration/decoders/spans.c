/* SPDX-License-Identifier: Apache-2.0 */
/* spans.c - traces every kind of span there is, and writes down in a ledger what a collector must
 * get.
 *
 *     spans ENDPOINT ENCODING COMPRESSION ID_BITS COUNT SEED LEDGER
 *
 * What comes is random by SEED, within what the API allows: kinds, parents, remote parents, names
 * and tags of any bytes, numbers of all types, annotations, endpoints, times that are given and
 * times that are not, spans without an end, renamed, abandoned, unsampled, debug and shared ones.
 * Exit status 0 when all were delivered.
 */
#include <inttypes.h>
#include <math.h>

#include "ledger.h"

enum { TEXT_MAX = 1400, OPEN_MAX = 64 };

static uint64_t state;
static FILE *ledger;
static divak_tracer *tracer;
static divak_span open_spans[OPEN_MAX]; /* as parents; some have ended, which does not matter */
static unsigned open_count;

static uint64_t rnd(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(unsigned limit) {
    return (unsigned)(rnd() >> 33) % limit;
}

static void must(int status, const char *what) {
    if (status == DIVAK_OK) return;
    fprintf(stderr, "%s: %s\n", what, divak_status_text(status));
    exit(EXIT_FAILURE);
}

/* Kept whole, or cut because it is longer than its limit. */
static void must_keep(int status, bool is_long, const char *what) {
    if (!is_long || status != DIVAK_ERROR_TRUNCATED) must(status, what);
}

/* ---- texts ---- */

#define T(text) {text, sizeof text - 1}
static const struct {
    const char *text;
    size_t length;
} strange[] = {
    T("myAnnotations"),
    T("yAnnotations"),
    T("yAnnotations\""),
    T("\"}],\"traceId\":\"0\""),
    T("a\0b\0"),
    T("\\u0000"),
    T("\xff\xfe"),
    T("\xc3"),
    T("\xe2\x82"),
    T("\xf0\x9f\x98"),
    T("\xed\xa0\x80"),
    T("\xc0\x80"),
    T("\xf4\x90\x80\x80"),
    T("\xe2\x80\xa8line\xe2\x80\xa9"),
    T("\x01\x02\x1f\x7f"),
    T("\t\n\r\b\f\\\"/"),
    T("\xef\xbb\xbf"
      "bom"),
    T("</script>&"),
    T("\xf0\x9f\x98\x80 \xe6\xbc\xa2\xe5\xad\x97 \xd0\x96 \xc3\x89"),
    T("ABCÄÖ"),
    T("1e400"),
    T("null"),
    T("[]"),
    T(" "),
};
#undef T

static char text[TEXT_MAX + 8];
static size_t text_length;

static void make_text(unsigned least) {
    unsigned choice = below(16);
    text_length = 0;
    if (choice < 5) {
        unsigned which = below(sizeof strange / sizeof *strange);
        memcpy(text, strange[which].text, text_length = strange[which].length);
    } else if (choice < 7) { /* any bytes */
        text_length = least + below(200);
        for (size_t i = 0; i < text_length; i++) text[i] = (char)rnd();
    } else if (choice <
               8) { /* over any limit, and cut inside of a code point more often than not */
        static const char *const units[] = {"x", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80"};
        const char *unit = units[below(4)];
        text_length = below(3);
        memset(text, 'a', text_length);
        for (size_t size = strlen(unit); text_length + size <= TEXT_MAX; text_length += size) {
            memcpy(text + text_length, unit, size);
        }
    } else {
        text_length = (size_t)snprintf(text, sizeof text, "plain.%u", below(300));
        text_length = text_length < least ? least : text_length - below(2) * (text_length - least);
    }
}

/* ---- parts of a span ---- */

static divak_key keys[8];
static const char *const key_texts[8] = {"http.method",         "error", "KeyÄ",  "a\"b",
                                         "zipkin.yAnnotations", "rows",  "k\x01", "x"};

static void tag_number(noted *line, const divak_span *span, const char *key, size_t length,
                       divak_key id) {
    uint64_t bits = rnd() >> below(64);
    double number;
    memcpy(&number, &bits, sizeof number);
    if (below(3) == 0) number = (double)(int64_t)bits / 1000.0;
    switch (below(4)) {
    case 0:
        must(id ? divak_span_tag_int_by_key(span, id, (int64_t)bits)
                : divak_span_tag_int(span, key, length, (int64_t)bits),
             "int");
        note(line, "\"%" PRId64 "\"", (int64_t)bits);
        break;
    case 1:
        must(id ? divak_span_tag_uint_by_key(span, id, bits)
                : divak_span_tag_uint(span, key, length, bits),
             "uint");
        note(line, "\"%" PRIu64 "\"", bits);
        break;
    case 2:
        must(id ? divak_span_tag_double_by_key(span, id, number)
                : divak_span_tag_double(span, key, length, number),
             "double");
        note(line,
             isnan(number)   ? "\"NaN\""
             : isinf(number) ? "\"%sInfinity\""
                             : "{\"double\":\"%s%a\"}",
             isinf(number) && number < 0 ? "-" : "", number);
        break;
    default:
        must(id ? divak_span_tag_bool_by_key(span, id, bits & 1)
                : divak_span_tag_bool(span, key, length, bits & 1),
             "bool");
        note(line, bits & 1 ? "\"true\"" : "\"false\"");
    }
}

static void add_tag(noted *line, const divak_span *span) {
    char key[TEXT_MAX + 8];
    divak_key id = DIVAK_NO_KEY;
    unsigned which = below(8);
    make_text(1);
    size_t length = text_length;
    memcpy(key, text, length);
    if (below(2) == 0) {
        id = keys[which];
        length = strlen(key_texts[which]);
        memcpy(key, key_texts[which], length);
    }
    note(line, "[");
    note_hex(line, key, length);
    note(line, ",");
    if (below(2) == 0) {
        if (length <= 255)
            tag_number(line, span, key, length, id);
        else
            note(line, "null"); /* an over-long key is met with texts */
    } else {
        make_text(0);
        int status = id ? divak_span_tag_by_key(span, id, text, text_length)
                        : divak_span_tag(span, key, length, text, text_length);
        must_keep(status, length > 255 || text_length > 1024, "tag");
        note(line, "{\"text\":");
        note_hex(line, text, text_length);
        note(line, "}");
    }
    note(line, "],");
}

static void add_annotation(noted *line, const divak_span *span) {
    uint64_t before = now_us(), after = before;
    bool is_given = below(2) == 0;
    int status;
    make_text(0);
    if (is_given) {
        /* Below 2^53: zipkin-go counts nanoseconds. */
        before = after = 1 + (rnd() >> (12 + below(40)));
        status = divak_span_annotate_at(span, before, text, text_length);
    } else {
        status = divak_span_annotate(span, text, text_length);
        after = now_us();
    }
    must_keep(status, text_length > 1024, "annotation");
    note(line, "[%" PRIu64 ",%" PRIu64 ",%d,", before, after, is_given);
    note_hex(line, text, text_length);
    note(line, "],");
}

static void make_endpoint(divak_endpoint *endpoint) {
    static const char *const addresses[] = {"192.0.2.1",        "203.0.113.77:65535",
                                            "2001:db8::c001",   "[2001:db8::1]:8080",
                                            "::ffff:192.0.2.9", "::1",
                                            "10.0.0.1:1"};
    *endpoint = (divak_endpoint){.service = text};
    if (below(5) == 0) return;
    make_text(0);
    endpoint->service_length = text_length > 200 ? 200 : text_length;
    /* Of more than the limit only whole code points are for sure. */
    while (endpoint->service_length != 0 && text_length > 200 &&
           (text[endpoint->service_length] & 0xc0) == 0x80) {
        endpoint->service_length--;
    }
    unsigned which = below(12);
    if (which < 7)
        must(divak_endpoint_set_address(endpoint, addresses[which], strlen(addresses[which])),
             "address");
    if (below(6) == 0) must(divak_endpoint_set_address(endpoint, "2001:db8::2", 11), "address");
    if (which == 8) endpoint->port = (uint16_t)rnd();
}

/* ---- spans ---- */

static void make_headers(divak_span *out_parent, bool sampled) {
    char b3[96];
    int length = snprintf(
        b3, sizeof b3, "%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-%c-%016" PRIx64, rnd() >> 8,
        rnd() | 1, rnd() | 1, sampled ? below(4) == 0 ? 'd' : '1' : '0', rnd() | 1);
    divak_header header = {"b3", 2, b3, (size_t)length};
    must(divak_extract_headers(tracer, &header, 1, out_parent), "extract");
}

static void add_span(void) {
    static const char *const kinds[] = {"", "CLIENT", "SERVER", "PRODUCER", "CONSUMER", "SERVER"};
    noted line;
    note_begin(&line);
    divak_kind kind = below(6);
    divak_span remote = {0}, span;
    const divak_span *parent = &divak_no_parent;
    unsigned choice = below(8);
    bool is_sampled = choice != 7;
    if (choice >= 6) make_headers(&remote, is_sampled);
    if (choice >= 6) parent = &remote;
    if (choice < 4 && open_count != 0) parent = &open_spans[below(open_count)];
    divak_scope scope;
    bool in_scope = choice < 2 && open_count != 0;
    if (in_scope) must(divak_scope_open(parent, &scope), "scope");

    make_text(0);
    size_t name_length = text_length;
    char name[TEXT_MAX + 8];
    memcpy(name, text, name_length);
    uint64_t given = below(3) == 0 ? 1 + (rnd() >> (14 + below(30))) : 0;
    bool is_debug = parent->span_id == 0 && below(8) == 0, is_deferred = below(8) == 0;
    uint64_t before = given, after = given;
    bool plain_start = given == 0 && !is_debug && !is_deferred;
    unsigned by_key = below(8);
    if (!plain_start || by_key > 3) by_key = 8;
    if (given == 0) before = now_us();
    if (by_key < 8) {
        must(divak_span_start_by_key(tracer, keys[by_key], kind, in_scope ? NULL : parent, &span),
             "start by key");
        name_length = strlen(key_texts[by_key]);
        memcpy(name, key_texts[by_key], name_length);
    } else if (plain_start) {
        must_keep(
            divak_span_start(tracer, name, name_length, kind, in_scope ? NULL : parent, &span),
            name_length > 255, "start");
    } else {
        divak_start_options options = {.name = name,
                                       .name_length = name_length,
                                       .kind = kind,
                                       .parent = parent,
                                       .timestamp = given,
                                       .debug = is_debug,
                                       .defer_report = is_deferred};
        must_keep(divak_span_start_with(tracer, &options, &span), name_length > 255, "start with");
    }
    if (given == 0) after = now_us();
    if (in_scope) must(divak_scope_close(&scope), "scope");
    if (choice >= 6) divak_span_release(&remote);
    /* The job by the clock is a root of its own, whatever was decided upstream. */
    is_sampled |= kind == DIVAK_KIND_PERIODIC;
    if (!is_sampled) {
        if (divak_span_is_recording(&span)) must(DIVAK_ERROR_ORDER, "an unsampled span records");
        (void)divak_span_tag(&span, "never", 5, "seen", 4);
        (void)divak_span_finish(&span);
        note_end(&line, NULL);
        return;
    }
    bool is_shared = kind == DIVAK_KIND_SERVER && (choice == 6);
    if (below(12) == 0) {
        is_shared = below(2) == 0;
        must(divak_span_set_shared(&span, is_shared), "shared");
    }
    if (below(10) == 0) {
        kind = below(6);
        must(divak_span_set_kind(&span, kind), "kind");
    }
    if (below(6) == 0) {
        make_text(0);
        memcpy(name, text, name_length = text_length);
        must_keep(divak_span_rename(&span, name, name_length), name_length > 255, "rename");
    }
    if (below(10) == 0) {
        before = after = given = 1 + (rnd() >> (14 + below(30)));
        must(divak_span_set_start(&span, given), "set start");
    }
    note_ids(&line, &span);
    note(&line, "\"kind\":\"%s\",\"name\":", kinds[kind]);
    note_hex(&line, name, name_length);
    note(&line, ",\"start\":[%" PRIu64 ",%" PRIu64 ",%d],\"debug\":%d,\"shared\":%d,", before,
         after, given != 0, (span.flags & DIVAK_SPAN_DEBUG) != 0,
         is_shared && kind != DIVAK_KIND_CLIENT);
    note(&line, "\"tags\":[");
    for (unsigned tags = below(9); tags > 0; tags--) add_tag(&line, &span);
    if (below(6) == 0) {
        make_text(0);
        must_keep(divak_span_error(&span, text, text_length), text_length > 1024, "error");
        note(&line, "[\"6572726f72\",{\"text\":");
        note_hex(&line, text, text_length);
        note(&line, "}],");
    }
    note(&line, "0],\"annotations\":[");
    for (unsigned annotations = below(4); annotations > 0; annotations--)
        add_annotation(&line, &span);
    note(&line, "0],");
    divak_endpoint endpoint;
    if (below(3) == 0) {
        make_endpoint(&endpoint);
        must(divak_span_set_remote(&span, &endpoint), "remote");
        note_endpoint(&line, "remote", &endpoint);
    }
    if (below(8) == 0) {
        make_endpoint(&endpoint);
        must(divak_span_set_local(&span, &endpoint), "local");
        note_endpoint(&line, "local", &endpoint);
    }

    if (open_count < OPEN_MAX)
        open_spans[open_count++] = span;
    else
        open_spans[below(OPEN_MAX)] = span;
    uint64_t duration;
    unsigned way = below(20);
    if (is_deferred) way = 19;
    if (way == 0) {
        must(divak_span_abandon(&span), "abandon");
        note_end(&line, NULL);
        return;
    }
    if (way == 1 || (way == 19 && below(2) == 0)) {
        must(divak_span_flush(&span), "flush");
        note(&line, "\"duration\":null,");
    } else if (way < 8 || way == 19) {
        duration = below(4) == 0 ? 0 : rnd() >> (20 + below(40));
        must(divak_span_finish_with_duration(&span, duration), "finish with duration");
        note(&line, "\"duration\":[%" PRIu64 ",%" PRIu64 ",1],", duration, duration);
        if (way == 19 && is_deferred) must(divak_span_flush(&span), "flush of a deferred one");
    } else if (way < 12 && given != 0) {
        uint64_t end = below(4) == 0 ? given - given / 2 : given + (rnd() >> (20 + below(40)));
        must(divak_span_finish_at(&span, end), "finish at");
        duration = end > given ? end - given : 1;
        note(&line, "\"duration\":[%" PRIu64 ",%" PRIu64 ",1],", duration, duration);
    } else if (given != 0) {
        /* From a given start to now: by the wall clock. */
        uint64_t from = now_us();
        must(divak_span_finish(&span), "finish");
        uint64_t to = now_us();
        note(&line, "\"duration\":[%" PRIu64 ",%" PRIu64 ",0],", from > given ? from - given : 1,
             to > given ? to - given : 1);
    } else {
        uint64_t from = now_us();
        must(divak_span_finish(&span), "finish");
        note(&line, "\"duration\":[%" PRIu64 ",%" PRIu64 ",0],", from - after, now_us() - before);
    }
    note_end(&line, ledger);
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    uint64_t count = strtoull(argv[5], NULL, 10);
    state = strtoull(argv[6], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    ledger = fopen(argv[7], "w");
    if (ledger == NULL) return 2;
    const char *const settings[][2] = {
        {"endpoint", argv[1]},      {"encoding", argv[2]},          {"compression", argv[3]},
        {"trace_id_bits", argv[4]}, {"service_name", "Ledger\"Ä"},  {"service_ip", "192.0.2.200"},
        {"service_port", "9876"},   {"tags", "zone=Eu,error.x=no"}, {"span_bytes", "16384"},
        {"buffer_bytes", "64MiB"},  {"batch_bytes", "100000"},      {"propagation", "b3,b3multi"},
    };
    divak_config *config = divak_config_create_without_environment();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (divak_config_set(config, settings[i][0], settings[i][1]) == DIVAK_OK) continue;
        fprintf(stderr, "%s\n", divak_config_error(config));
        return 1;
    }
    must(divak_tracer_create(config, &tracer), "create");
    divak_config_destroy(config);
    for (int i = 0; i < 8; i++) keys[i] = divak_key_register(key_texts[i], strlen(key_texts[i]));

    for (uint64_t i = 0; i < count; i++) {
        add_span();
        if (i % 500 == 499) must(divak_tracer_flush(tracer, 20000, NULL), "flush in between");
    }
    must(divak_tracer_shutdown(tracer, 20000, NULL), "shutdown");
    fclose(ledger);
    divak_stats stats;
    must(divak_tracer_stats(tracer, 0, &stats), "stats");
    printf("delivered %" PRIu64 " abandoned %" PRIu64 " messages %" PRIu64 " failures %" PRIu64
           "\n",
           stats.delivered, stats.dropped[DIVAK_DROPPED_ABANDONED], stats.messages,
           stats.message_failures);
    return stats.started == stats.delivered + stats.dropped[DIVAK_DROPPED_ABANDONED] ? EXIT_SUCCESS
                                                                                     : EXIT_FAILURE;
}
