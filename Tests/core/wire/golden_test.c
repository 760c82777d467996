/* SPDX-License-Identifier: Apache-2.0 */
/* golden_test.c - what a Zipkin codec wrote for a payload, we write too, byte for byte. */
#include <stdbool.h>

#include "check.h"
#include "divak/status.h"
#include "wire/json.h"
#include "wire/proto3.h"
#include "wire/record_build.h"

/* ---- a reader of payloads ---- */

static const char *at;      /* in the payload */
static char text_read[256]; /* the last string */
static size_t text_length;

static void skip_space(void) {
    while (*at == ' ' || *at == '\n') at++;
}

/* Steps over a character if it comes next. */
static bool take(char wanted) {
    skip_space();
    if (*at != wanted) return false;
    at++;
    return true;
}

static void need(char wanted) {
    if (take(wanted)) return;
    printf("payload: no %c at %s\n", wanted, at);
    exit(EXIT_FAILURE);
}

static void put_utf8(uint32_t code) {
    char *out = text_read + text_length;
    if (code < 0x80) {
        *out = (char)code;
        text_length += 1;
    } else if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        text_length += 2;
    } else if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        text_length += 3;
    } else {
        out[0] = (char)(0xf0 | code >> 18);
        out[1] = (char)(0x80 | (code >> 12 & 63));
        out[2] = (char)(0x80 | (code >> 6 & 63));
        out[3] = (char)(0x80 | (code & 63));
        text_length += 4;
    }
}

static uint32_t read_four_hex(void) {
    char digits[5] = {0};
    memcpy(digits, at, 4);
    at += 4;
    return (uint32_t)strtoul(digits, NULL, 16);
}

static const char *read_text(void) {
    need('"');
    text_length = 0;
    while (*at != '"') {
        if (*at != '\\') {
            text_read[text_length++] = *at++;
            continue;
        }
        char escape = at[1];
        at += 2;
        uint32_t code = (unsigned char)escape;
        if (escape == 'n') code = '\n';
        if (escape == 't') code = '\t';
        if (escape == 'u') {
            code = read_four_hex();
            if (code >= 0xd800 && code < 0xdc00) {
                at += 2;
                code = 0x10000 + ((code - 0xd800) << 10) + (read_four_hex() - 0xdc00);
            }
        }
        put_utf8(code);
    }
    need('"');
    text_read[text_length] = 0;
    return text_read;
}

static uint64_t read_number(void) {
    skip_space();
    char *end;
    uint64_t value = strtoull(at, &end, 10);
    at = end;
    return value;
}

static uint64_t read_hex_text(uint64_t *out_high) {
    read_text();
    size_t low_digits = text_length > 16 ? 16 : text_length;
    uint64_t low = strtoull(text_read + text_length - low_digits, NULL, 16);
    text_read[text_length - low_digits] = 0;
    if (out_high != NULL) *out_high = strtoull(text_read, NULL, 16);
    return low;
}

static bool is_key(const char *key) {
    return strcmp(text_read, key) == 0;
}

/* The forms that occur: full IPv4, ::ffff:IPv4, and groups around one "::". */
static void read_ip(divak_record_address *address, bool is_ipv6) {
    read_text();
    unsigned a, b, c, d;
    const char *ipv4 = text_read;
    if (is_ipv6) address->has_ipv6 = 1;
    if (is_ipv6 && strncmp(text_read, "::ffff:", 7) == 0) {
        ipv4 = text_read + 7;
        address->ipv6[10] = address->ipv6[11] = 0xff;
    }
    if (sscanf(ipv4, "%u.%u.%u.%u", &a, &b, &c, &d) == 4) {
        uint8_t bytes[4] = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d};
        memcpy(is_ipv6 ? address->ipv6 + 12 : address->ipv4, bytes, 4);
        address->has_ipv4 |= !is_ipv6;
        return;
    }
    CHECK_INT(3, sscanf(text_read, "%x:%x::%x", &a, &b, &c));
    uint8_t groups[16] = {(uint8_t)(a >> 8),        (uint8_t)a,       (uint8_t)(b >> 8), (uint8_t)b,
                          [14] = (uint8_t)(c >> 8), [15] = (uint8_t)c};
    memcpy(address->ipv6, groups, 16);
}

static void read_endpoint(int service_field, int address_field) {
    divak_record_address address = {0};
    need('{');
    do {
        read_text();
        need(':');
        if (is_key("serviceName"))
            build_text(service_field, read_text());
        else if (is_key("port"))
            address.port = (uint16_t)read_number();
        else
            read_ip(&address, is_key("ipv6"));
    } while (take(','));
    need('}');
    build_address(address_field, &address);
}

static void read_annotations(void) {
    need('[');
    do {
        need('{');
        read_text();
        need(':');
        uint64_t time = read_number();
        need(',');
        read_text();
        need(':');
        read_text();
        build_annotation(time, text_read, text_length);
        need('}');
    } while (take(','));
    need(']');
}

static void read_tags(void) {
    char key[256];
    need('{');
    do {
        strcpy(key, read_text());
        need(':');
        read_text();
        build_field(DIVAK_FIELD_TAG_TEXT, key, strlen(key), text_read, text_length);
    } while (take(','));
    need('}');
}

static void read_kind(divak_record *header) {
    static const char *const kinds[] = {"", "CLIENT", "SERVER", "PRODUCER", "CONSUMER"};
    read_text();
    for (uint8_t i = 1; i < 5; i++) {
        if (is_key(kinds[i])) header->kind = i;
    }
}

/* Makes a record of the next span of the payload. */
static const divak_record *read_span(void) {
    divak_record *header = build_begin(DIVAK_KIND_LOCAL, 0, 0);
    header->flags |= DIVAK_RECORD_NO_DURATION;
    need('{');
    do {
        read_text();
        need(':');
        if (is_key("traceId"))
            header->trace_id_low = read_hex_text(&header->trace_id_high);
        else if (is_key("id"))
            header->span_id = read_hex_text(NULL);
        else if (is_key("parentId"))
            header->parent_id = read_hex_text(NULL);
        else if (is_key("kind"))
            read_kind(header);
        else if (is_key("timestamp"))
            header->start = read_number();
        else if (is_key("localEndpoint"))
            read_endpoint(DIVAK_FIELD_LOCAL_SERVICE, DIVAK_FIELD_LOCAL_ADDRESS);
        else if (is_key("remoteEndpoint"))
            read_endpoint(DIVAK_FIELD_REMOTE_SERVICE, DIVAK_FIELD_REMOTE_ADDRESS);
        else if (is_key("annotations"))
            read_annotations();
        else if (is_key("tags"))
            read_tags();
        else if (is_key("name")) {
            read_text();
            build_field(DIVAK_FIELD_NAME, NULL, 0, text_read, text_length);
        } else if (is_key("duration")) {
            header->duration = read_number();
            header->flags &= (uint8_t)~DIVAK_RECORD_NO_DURATION;
        } else if (is_key("debug") || is_key("shared")) {
            header->flags |= is_key("debug") ? DIVAK_RECORD_DEBUG : DIVAK_RECORD_SHARED;
            skip_space();
            at += 4; /* true */
        } else {
            printf("payload: unknown member %s\n", text_read);
            exit(EXIT_FAILURE);
        }
    } while (take(','));
    need('}');
    return build_end();
}

/* ---- files ---- */

static char *read_file(const char *name, const char *extension, size_t *out_length) {
    char path[512];
    snprintf(path, sizeof path, "%s/Tests/golden/%s%s", DIVAK_SOURCE_DIR, name, extension);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("can't open %s\n", path);
        exit(EXIT_FAILURE);
    }
    static char contents[3][4096];
    static int next;
    char *buffer = contents[next++ % 3];
    *out_length = fread(buffer, 1, sizeof contents[0] - 1, file);
    buffer[*out_length] = 0;
    fclose(file);
    return buffer;
}

static void check_bytes(const char *what, const char *expected, size_t expected_length,
                        const divak_buffer *actual) {
    bool is_equal =
        expected_length == actual->length && memcmp(expected, actual->bytes, expected_length) == 0;
    CHECK(is_equal);
    if (is_equal) return;
    printf("  %s\n  expected", what);
    for (size_t i = 0; i < expected_length; i++) printf(" %02x", (uint8_t)expected[i]);
    printf("\n  got     ");
    for (size_t i = 0; i < actual->length; i++) printf(" %02x", (uint8_t)actual->bytes[i]);
    printf("\n");
}

static void check_golden(const char *name) {
    divak_encode_settings settings = {0};
    static divak_encode_context context;
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, &settings));
    size_t length;
    at = read_file(name, ".in.json", &length);
    divak_buffer json = {0}, proto3 = {0};
    divak_json_begin_list(&json);
    need('[');
    do {
        const divak_record *record = read_span();
        if (json.length > 1) divak_json_separate(&json);
        CHECK_INT(DIVAK_OK, divak_json_append_span(&json, &context, record));
        CHECK_INT(DIVAK_OK, divak_proto3_append_span(&proto3, &context, record));
    } while (take(','));
    divak_json_end_list(&json);

    const char *expected = read_file(name, ".json", &length);
    while (length > 0 && expected[length - 1] == 0)
        length--; /* one file has padding after its list */
    check_bytes(name, expected, length, &json);
    expected = read_file(name, ".pb", &length);
    check_bytes(name, expected, length, &proto3);
    CHECK_INT(0, context.sanitized);
    divak_buffer_deinit(&json);
    divak_buffer_deinit(&proto3);
    divak_encode_context_deinit(&context);
}

TEST(a_minimal_span_equals_the_codecs) {
    check_golden("minimal");
}
TEST(a_client_span_equals_the_codecs) {
    check_golden("client");
}
TEST(a_shared_debug_server_span_equals_the_codecs) {
    check_golden("server-shared-debug");
}
TEST(producer_and_consumer_equal_the_codecs) {
    check_golden("producer-consumer");
}
TEST(the_largest_numbers_equal_the_codecs) {
    check_golden("big");
}
TEST(an_endpoint_with_both_addresses_equals_the_codecs) {
    check_golden("both-ips");
}
TEST(escaped_strings_equal_the_codecs) {
    check_golden("strings");
}

/* The example of the API document with an annotation, debug and shared. */
TEST(the_documented_example_has_the_reference_bytes) {
    static const char reference[] =
        "0a8f010a085af7183fb1d4cf5f12086b221d5bc9e6496c1a08352bff9a74ca9ad220022a08676574202f617069"
        "3199c8bf26b987050038"
        "970b42120a076261636b656e641204c0a8630120ea194a0a1204ac1300022098ca03520c09d8c8bf26b9870500"
        "1201785a120a0b687474"
        "702e6d6574686f6412034745545a110a09687474702e7061746812042f61706960016801";
    char expected[sizeof reference / 2];
    for (size_t i = 0; i < sizeof expected; i++) {
        unsigned byte;
        CHECK_INT(1, sscanf(reference + 2 * i, "%2x", &byte));
        expected[i] = (char)byte;
    }
    divak_record *header = build_begin(DIVAK_KIND_SERVER, 0x5af7183fb1d4cf5f, 0x352bff9a74ca9ad2);
    header->parent_id = 0x6b221d5bc9e6496c;
    header->start = 1556604172355737;
    header->duration = 1431;
    header->flags |= DIVAK_RECORD_DEBUG | DIVAK_RECORD_SHARED;
    build_text(DIVAK_FIELD_NAME, "GET /api");
    build_text_tag("http.method", "GET");
    build_text_tag("http.path", "/api");
    divak_record_address remote = {.has_ipv4 = 1, .port = 58648, .ipv4 = {172, 19, 0, 2}};
    build_address(DIVAK_FIELD_REMOTE_ADDRESS, &remote);
    build_annotation(1556604172355800, "x", 1);
    const divak_record *record = build_end();

    divak_encode_settings settings = {
        .service = "Backend",
        .service_length = 7,
        .address = {.has_ipv4 = 1, .port = 3306, .ipv4 = {192, 168, 99, 1}},
    };
    static divak_encode_context context;
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, &settings));
    divak_buffer proto3 = {0};
    CHECK_INT(DIVAK_OK, divak_proto3_append_span(&proto3, &context, record));
    check_bytes("example", expected, sizeof expected, &proto3);
    divak_buffer_deinit(&proto3);
    divak_encode_context_deinit(&context);
}

CHECK_MAIN()
