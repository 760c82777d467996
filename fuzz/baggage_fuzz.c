/* SPDX-License-Identifier: Apache-2.0 */
/* baggage_fuzz.c - any bytes as a baggage header, and as a value that is put into one. */
#include "divak/status.h"
#include "exact.h"
#include "wire/baggage.h"
#include "wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes into a block as large as the value, which has to suffice. */
static exact_text decode(const char *value, size_t length) {
    exact_text out = exact_copy(value, length);
    size_t size = 0;
    MUST(divak_baggage_decode(value, length, out.text, length, &size) == DIVAK_OK);
    MUST(size <= length && divak_utf8_sanitize(out.text, size) == size);
    out.length = size;
    return out;
}

static void check_member(const divak_baggage_member *member, divak_baggage_writer *writer) {
    MUST(member->key_length > 0);
    for (size_t i = 0; i < member->value_length; i++) {
        MUST(member->value[i] > 0x20 && member->value[i] < 0x7f);
    }
    exact_text plain = decode(member->value, member->value_length);
    /* Encoded again it means the same. */
    exact_text wire = exact_room(3 * plain.length);
    int status =
        divak_baggage_encode(plain.text, plain.length, wire.text, wire.length, &wire.length);
    MUST(status == DIVAK_OK);
    exact_text back = decode(wire.text, wire.length);
    MUST(back.length == plain.length && memcmp(back.text, plain.text, back.length) == 0);
    free(back.text);
    free(wire.text);
    free(plain.text);
    MUST(divak_baggage_forward(writer, member) == DIVAK_OK);
}

/* Any bytes as the value: what is written is one member of legal characters. */
static void check_add(exact_text value) {
    static char out[DIVAK_BAGGAGE_BYTES];
    divak_baggage_writer writer = {.out = out, .capacity = sizeof out};
    int status = divak_baggage_add(&writer, "k", 1, value.text, value.length, NULL, 0);
    MUST(status == DIVAK_OK || status == DIVAK_ERROR_FULL);
    MUST(writer.members + writer.dropped == 1 && (status == DIVAK_OK) == (writer.length > 0));
    for (size_t i = 0; i < writer.length; i++) {
        MUST(out[i] > 0x20 && out[i] < 0x7f && strchr("\",;\\", out[i]) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    exact_text input = exact_copy(data, size);
    static char out[DIVAK_BAGGAGE_BYTES];
    divak_baggage_writer writer = {.out = out, .capacity = sizeof out};
    divak_baggage_reader reader = divak_baggage_reader_over(input.text, input.length);
    size_t members = 0;
    for (divak_baggage_member member; divak_baggage_next(&reader, &member); members++) {
        check_member(&member, &writer);
    }
    MUST(members <= DIVAK_BAGGAGE_MEMBERS && reader.scanned <= DIVAK_BAGGAGE_MEMBERS);
    MUST(writer.length <= size && reader.dropped <= size);

    /* What was forwarded holds the same members. */
    divak_baggage_reader again = divak_baggage_reader_over(out, writer.length);
    size_t members_again = 0;
    for (divak_baggage_member member; divak_baggage_next(&again, &member);) members_again++;
    MUST(members_again == members && again.dropped == 0);

    check_add(input);
    free(input.text);
    return 0;
}
