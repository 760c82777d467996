/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - see console.h. */
#include "export/console.h"

#include <stdbool.h>

void divak_console_format(divak_buffer *out, const char *json, size_t length) {
    int depth = 0;
    bool in_text = false;
    for (size_t i = 1, begin = 1; i + 1 < length; i++) {
        char byte = json[i];
        if (in_text) {
            if (byte == '\\') i++;
            else if (byte == '"') in_text = false;
            continue;
        }
        if (byte == '"') in_text = true;
        else if (byte == '{') depth++;
        else if (byte == '}' && --depth == 0) {
            divak_buffer_append(out, json + begin, i + 1 - begin);
            divak_buffer_append(out, "\n", 1);
            begin = i + 2; /* behind the comma */
            i++;
        }
    }
}
