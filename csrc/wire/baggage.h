/* SPDX-License-Identifier: Apache-2.0 */
/* baggage.h - the W3C `baggage` header: read member by member, decoded, and written within limits.
 *
 *     user=alice
 *     user=Am%C3%A9lie, tenant=7;ttl=30;pinned     values are percent-encoded; properties follow
 *     a = 1 ; p = 2 , b=                           white space around every part; empty values
 *
 * A key is a token of RFC 7230; a value holds printable ASCII but no blank, quote, comma, semicolon
 * or backslash. A member that isn't so is left out and counted; the others stand.
 *
 *     divak_baggage_reader reader = divak_baggage_reader_over(text, length);
 *     divak_baggage_member member;
 *     while (divak_baggage_next(&reader, &member)) ...
 *     dropped += reader.dropped;
 *
 * Nobody can make us work by sending more: after 64 members, good or bad or empty, or behind 8,192
 * bytes, the rest is only counted. What was decoded must not be sent as it is (it may hold line
 * ends): divak_baggage_writer encodes it again. */
#ifndef DIVAK_WIRE_BAGGAGE_H
#define DIVAK_WIRE_BAGGAGE_H

#include <stdbool.h>
#include <stddef.h>

enum { DIVAK_BAGGAGE_MEMBERS = 64, DIVAK_BAGGAGE_BYTES = 8192 };

/* Points into the text that was read. The value is still encoded; the properties are the text after
 * the first semicolon, without white space at its ends, and empty if there are none. */
typedef struct divak_baggage_member {
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
    const char *properties;
    size_t properties_length;
} divak_baggage_member;

typedef struct divak_baggage_reader {
    const char *text;
    size_t length;
    size_t offset;
    size_t scanned; /* members looked at, of any quality */
    size_t dropped; /* members that were malformed or beyond the limits; empty ones don't count */
} divak_baggage_reader;

/* A reader at the start of text; NULL is no text. Join several header lines with commas first. */
divak_baggage_reader divak_baggage_reader_over(const char *text, size_t length);

/* The next well-formed member, or false at the end, when reader->dropped is final. */
bool divak_baggage_next(divak_baggage_reader *reader, divak_baggage_member *out);

/* Decodes a value into valid UTF-8, with U+FFFD for what is not. A percent sign that two hex digits
 * don't follow stays as it is. DIVAK_OK, or DIVAK_ERROR_TRUNCATED when out is full: then it holds
 * whole code points. A reader's value never needs more room than its own length. */
int divak_baggage_decode(const char *value, size_t length, char *out, size_t capacity,
                         size_t *out_length);

/* Encodes text; what is not UTF-8 becomes U+FFFD. DIVAK_OK, or DIVAK_ERROR_TRUNCATED when out is
 * full: then it holds whole code points. 9 * length always suffices, 3 * length for UTF-8. */
int divak_baggage_encode(const char *text, size_t length, char *out, size_t capacity,
                         size_t *out_length);

/* Writes members one by one. Set out and capacity, the rest to zero; length is the header's. */
typedef struct divak_baggage_writer {
    char *out;
    size_t capacity; /* DIVAK_BAGGAGE_BYTES holds even if this is more */
    size_t length;
    size_t members;
    size_t dropped; /* members refused, for any reason */
} divak_baggage_writer;

/* Adds a member with a plain value, and properties that are in their encoded form already (NULL for
 * none). All of it or nothing: DIVAK_ERROR_INVALID for a bad key or properties, DIVAK_ERROR_FULL
 * beyond the limits; both are counted as dropped. */
int divak_baggage_add(divak_baggage_writer *writer, const char *key, size_t key_length,
                      const char *value, size_t value_length, const char *properties,
                      size_t properties_length);

/* Adds a member that a reader gave, as it came. */
int divak_baggage_forward(divak_baggage_writer *writer, const divak_baggage_member *member);

#endif
