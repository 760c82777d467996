/* SPDX-License-Identifier: Apache-2.0 */
/* value_fuzz.c - any bytes as the value of each kind of setting. */
#include <math.h>

#include "divak/status.h"
#include "exact.h"
#include "wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t untouched = 4242424242424242;

static void check_numbers(exact_text input) {
    uint64_t number = untouched;
    char text[64];
    if (divak_value_unsigned(input.text, input.length, 3, 5000, &number) == DIVAK_OK) {
        MUST(number >= 3 && number <= 5000);
    } else {
        MUST(number == untouched);
    }
    number = untouched;
    if (divak_value_size(input.text, input.length, &number) == DIVAK_OK) {
        uint64_t again;
        int length = snprintf(text, sizeof text, "%lluB", (unsigned long long)number);
        MUST(divak_value_size(text, (size_t)length, &again) == DIVAK_OK && again == number);
    } else {
        MUST(number == untouched);
    }
    number = untouched;
    if (divak_value_duration(input.text, input.length, &number) == DIVAK_OK) {
        MUST(number <= INT64_MAX);
        uint64_t again;
        int length = snprintf(text, sizeof text, "%lluns", (unsigned long long)number);
        MUST(divak_value_duration(text, (size_t)length, &again) == DIVAK_OK && again == number);
        unsigned long long seconds = number / 1000000000, rest = number % 1000000000;
        length = snprintf(text, sizeof text, "%llu.%09llus", seconds, rest);
        MUST(divak_value_duration(text, (size_t)length, &again) == DIVAK_OK && again == number);
    } else {
        MUST(number == untouched);
    }
}

/* The C library reads the same number, wherever ours accepts it. */
static void check_probability(exact_text input) {
    double value = -1;
    if (divak_value_probability(input.text, input.length, &value) != DIVAK_OK) {
        MUST(value == -1);
        return;
    }
    MUST(value >= 0 && value <= 1);
    char copy[512];
    MUST(input.length > 0);
    if (input.length >= sizeof copy) return;
    memcpy(copy, input.text, input.length);
    copy[input.length] = '\0';
    char *end;
    double expected = strtod(copy, &end);
    MUST(strspn(end, " \t") == strlen(end));
    MUST(fabs(value - expected) <= 3 * (nextafter(expected, 2) - expected));
}

static void check_lists(exact_text input) {
    divak_value_list list = {.text = input.text, .length = input.length};
    const char *item, *last = input.text;
    size_t length, items = 0;
    for (; divak_value_next(&list, &item, &length); items++) {
        MUST(length > 0 && item >= last && item + length <= input.text + input.length);
        MUST(memchr(item, ',', length) == NULL);
        MUST(strchr(" \t", item[0]) == NULL || item[0] == '\0');
        MUST(strchr(" \t", item[length - 1]) == NULL || item[length - 1] == '\0');
        last = item + length;
    }
    list.offset = 0;
    divak_value_pair pair;
    for (int status; (status = divak_value_next_pair(&list, &pair)) != DIVAK_ABSENT; items--) {
        if (status != DIVAK_OK) continue;
        MUST(pair.name_length > 0 && memchr(pair.name, '=', pair.name_length) == NULL);
        for (size_t i = 0; i < pair.value_length; i++) {
            unsigned char c = (unsigned char)pair.value[i];
            MUST(c == '\t' || (c >= 0x20 && c != 0x7f));
        }
    }
    MUST(items == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    exact_text input = exact_copy(data, size);
    bool truth = false;
    int is_bool = divak_value_bool(input.text, input.length, &truth);
    MUST(is_bool == DIVAK_OK ? input.length >= 1 : !truth);
    check_numbers(input);
    check_probability(input);
    check_lists(input);
    free(input.text);
    return 0;
}
