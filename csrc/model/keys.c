/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - see keys.h. Registration is rare, so finding an equal text is a plain scan. */
#include "model/keys.h"

#include <string.h>

divak_key_table divak_keys;
uint32_t divak_keys_before;

static bool text_is_plain(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') return false;
    }
    return true;
}

uint32_t divak_key_table_add(divak_key_table *table, const char *text, size_t length) {
    if (length == 0 || length > 255 || text == NULL) return DIVAK_KEY_NONE;
    uint32_t count = divak_load_relaxed(&table->count);
    for (uint32_t i = 0; i < count; i++) {
        const divak_key_entry *entry = &table->entries[i];
        if (entry->length == length && memcmp(table->bytes + entry->offset, text, length) == 0) {
            return i + 1;
        }
    }
    if (count == DIVAK_KEYS_MAX || length > DIVAK_KEYS_BYTES - table->bytes_used) {
        return DIVAK_KEY_NONE;
    }
    table->entries[count] = (divak_key_entry){
        .offset = table->bytes_used,
        .length = (uint16_t)length,
        .is_plain = text_is_plain(text, length),
        .is_error = length == 5 && memcmp(text, "error", 5) == 0,
    };
    memcpy(table->bytes + table->bytes_used, text, length);
    table->bytes_used += (uint32_t)length;
    /* Pairs with the acquire in divak_key_table_find: entry and bytes first, then the id becomes valid. */
    divak_store_release(&table->count, count + 1);
    return count + 1;
}
