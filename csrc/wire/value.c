/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - reads the values of settings. */
#include "wire/value.h"

#include <string.h>

#include "divak/status.h"

typedef struct slice {
    const char *text;
    size_t length;
} slice;

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

void divak_value_trim(const char **text, size_t *length) {
    while (*length > 0 && is_space(**text)) {
        ++*text;
        --*length;
    }
    while (*length > 0 && is_space((*text)[*length - 1])) --*length;
}

static slice trim(const char *text, size_t length) {
    slice trimmed = {text, text == NULL ? 0 : length};
    divak_value_trim(&trimmed.text, &trimmed.length);
    return trimmed;
}

static void skip(slice *text, size_t count) {
    text->text += count;
    text->length -= count;
}

static bool is_digit_next(slice text) {
    return text.length > 0 && text.text[0] >= '0' && text.text[0] <= '9';
}

/* Case does not matter in `text`; `word` is lower-case. */
static bool equals(slice text, const char *word) {
    if (text.length != strlen(word)) return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.text[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        if (c != word[i]) return false;
    }
    return true;
}

/* Takes digits from the front: at least one, and no overflow. */
static bool take_number(slice *text, uint64_t *out_number) {
    if (!is_digit_next(*text)) return false;
    uint64_t number = 0;
    for (; is_digit_next(*text); skip(text, 1)) {
        uint64_t digit = (uint64_t)(text->text[0] - '0');
        if (number > (UINT64_MAX - digit) / 10) return false;
        number = number * 10 + digit;
    }
    *out_number = number;
    return true;
}

typedef struct unit {
    const char *name;
    uint64_t factor;
} unit;

static const unit *find_unit(const unit *units, size_t count, slice name) {
    for (size_t i = 0; i < count; i++) {
        if (equals(name, units[i].name)) return &units[i];
    }
    return NULL;
}

int divak_value_bool(const char *text, size_t length, bool *out) {
    slice value = trim(text, length);
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true", true},   {"false", false}, {"1", true},   {"0", false},
        {"yes", true},    {"no", false},    {"on", true},  {"off", false},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!equals(value, words[i].word)) continue;
        *out = words[i].value;
        return DIVAK_OK;
    }
    return DIVAK_ERROR_INVALID;
}

int divak_value_unsigned(const char *text, size_t length, uint64_t least, uint64_t most,
                         uint64_t *out) {
    slice value = trim(text, length);
    uint64_t number;
    if (!take_number(&value, &number) || value.length != 0) return DIVAK_ERROR_INVALID;
    if (number < least || number > most) return DIVAK_ERROR_INVALID;
    *out = number;
    return DIVAK_OK;
}

int divak_value_size(const char *text, size_t length, uint64_t *out_bytes) {
    static const unit units[] = {
        {"", 1},
        {"b", 1},
        {"kb", 1000},
        {"mb", 1000 * 1000},
        {"gb", 1000 * 1000 * 1000},
        {"kib", UINT64_C(1) << 10},
        {"mib", UINT64_C(1) << 20},
        {"gib", UINT64_C(1) << 30},
    };
    slice value = trim(text, length);
    uint64_t number;
    if (!take_number(&value, &number)) return DIVAK_ERROR_INVALID;
    const unit *found = find_unit(units, sizeof units / sizeof units[0], value);
    if (found == NULL || number > UINT64_MAX / found->factor) return DIVAK_ERROR_INVALID;
    *out_bytes = number * found->factor;
    return DIVAK_OK;
}

int divak_value_duration(const char *text, size_t length, uint64_t *out_nanoseconds) {
    static const unit units[] = {
        {"ns", 1},
        {"us", 1000},
        {"ms", 1000 * 1000},
        {"s", 1000 * 1000 * 1000},
        {"m", UINT64_C(60) * 1000 * 1000 * 1000},
        {"h", UINT64_C(3600) * 1000 * 1000 * 1000},
    };
    slice value = trim(text, length);
    if (equals(value, "0")) { /* nothing is nothing in every unit; 5 could be anything */
        *out_nanoseconds = 0;
        return DIVAK_OK;
    }
    uint64_t whole;
    if (!take_number(&value, &whole)) return DIVAK_ERROR_INVALID;
    slice fraction = {NULL, 0};
    if (value.length > 0 && value.text[0] == '.') {
        skip(&value, 1);
        fraction.text = value.text;
        while (is_digit_next(value)) skip(&value, 1);
        fraction.length = (size_t)(value.text - fraction.text);
        if (fraction.length == 0) return DIVAK_ERROR_INVALID;
    }
    const unit *found = find_unit(units, sizeof units / sizeof units[0], value);
    if (found == NULL || whole > INT64_MAX / found->factor) return DIVAK_ERROR_INVALID;
    uint64_t total = whole * found->factor; /* a unit's fraction on top can't overflow 64 bits */
    uint64_t place = found->factor;
    for (size_t i = 0; i < fraction.length; i++) {
        uint64_t digit = (uint64_t)(fraction.text[i] - '0');
        if (digit != 0 && place % 10 != 0) return DIVAK_ERROR_INVALID; /* below a nanosecond */
        /* Once the place is no multiple of ten, only zeros may follow, and stay zero. */
        if (place % 10 == 0) place /= 10;
        total += digit * place;
    }
    if (total > INT64_MAX) return DIVAK_ERROR_INVALID;
    *out_nanoseconds = total;
    return DIVAK_OK;
}

/* The significant digits of a decimal number: 0.DIGITS times ten to the power of point. */
typedef struct decimal {
    uint64_t digits; /* the first 19 of them, which fit */
    int kept;        /* how many those are */
    int point;
    bool is_over_one;
} decimal;

enum { MAX_KEPT = 19, LONGEST_DECIMAL = 256, EXPONENT_LIMIT = 1000 };

/* Takes "e-3" from the front, and nothing if there is nothing. Larger exponents than the limit move
 * the point of no number that is this short back to where it matters. */
static bool take_exponent(slice *text, int *point) {
    if (text->length == 0 || (text->text[0] != 'e' && text->text[0] != 'E')) return true;
    skip(text, 1);
    bool is_negative = text->length > 0 && text->text[0] == '-';
    if (is_negative || (text->length > 0 && text->text[0] == '+')) skip(text, 1);
    if (!is_digit_next(*text)) return false;
    int exponent = 0;
    for (; is_digit_next(*text); skip(text, 1)) {
        if (exponent < EXPONENT_LIMIT) exponent = exponent * 10 + (text->text[0] - '0');
    }
    *point += is_negative ? -exponent : exponent;
    return true;
}

/* Reads "12.5e-3" up to its end. The comparison with 1 sees all digits, before any are given up:
 * 1.00000000000000000000001 is more than one. */
static bool read_decimal(slice text, decimal *out) {
    if (text.length > LONGEST_DECIMAL) return false;
    decimal number = {.digits = 0};
    bool is_fraction = false, has_digits = false;
    int first = 0;
    bool has_later = false; /* a digit after the first one that is not zero */
    for (; text.length > 0; skip(&text, 1)) {
        if (text.text[0] == '.' && !is_fraction) {
            is_fraction = true;
            continue;
        }
        if (!is_digit_next(text)) break;
        has_digits = true;
        int digit = text.text[0] - '0';
        if (first == 0 && digit == 0) { /* a leading zero */
            if (is_fraction) number.point--;
            continue;
        }
        if (!is_fraction) number.point++;
        has_later = has_later || (first != 0 && digit != 0);
        if (first == 0) first = digit;
        if (number.kept == MAX_KEPT) continue;
        number.digits = number.digits * 10 + (uint64_t)digit;
        number.kept++;
    }
    if (!has_digits || !take_exponent(&text, &number.point) || text.length > 0) return false;
    bool is_one = number.point == 1 && first == 1 && !has_later;
    number.is_over_one = first != 0 && number.point > 0 && !is_one;
    *out = number;
    return true;
}

int divak_value_probability(const char *text, size_t length, double *out) {
    /* Powers of ten up to 22 are exact in a double; so is a number below 2^53; and one division of
     * two exact numbers is rounded once, correctly. */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { EXACT = 22, SMALLEST = 400 };
    decimal number;
    if (!read_decimal(trim(text, length), &number) || number.is_over_one) {
        return DIVAK_ERROR_INVALID;
    }
    while (number.kept > 1 && number.digits % 10 == 0) {
        number.digits /= 10;
        number.kept--;
    }
    double result = (double)number.digits;
    int down = number.kept - number.point; /* not negative: the number is 1 or less */
    if (number.digits == 0 || down > SMALLEST) {
        down = 0;
        result = 0;
    }
    for (; down > EXACT; down -= EXACT) result /= powers[EXACT];
    *out = result / powers[down];
    return DIVAK_OK;
}

bool divak_value_next(divak_value_list *list, const char **out_item, size_t *out_length) {
    size_t length = list->text == NULL ? 0 : list->length;
    while (list->offset < length) {
        const char *text = list->text + list->offset;
        size_t left = length - list->offset;
        const char *comma = memchr(text, ',', left);
        size_t size = comma == NULL ? left : (size_t)(comma - text);
        list->offset += size + (comma != NULL);
        slice item = trim(text, size);
        if (item.length == 0) continue;
        *out_item = item.text;
        *out_length = item.length;
        return true;
    }
    return false;
}

int divak_value_next_pair(divak_value_list *list, divak_value_pair *out) {
    slice item;
    if (!divak_value_next(list, &item.text, &item.length)) return DIVAK_ABSENT;
    for (size_t i = 0; i < item.length; i++) {
        unsigned char c = (unsigned char)item.text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return DIVAK_ERROR_INVALID;
    }
    const char *sign = memchr(item.text, '=', item.length);
    if (sign == NULL) return DIVAK_ERROR_INVALID;
    size_t before = (size_t)(sign - item.text);
    slice name = trim(item.text, before);
    slice value = trim(sign + 1, item.length - before - 1);
    if (name.length == 0) return DIVAK_ERROR_INVALID;
    *out = (divak_value_pair){
        .name = name.text,
        .name_length = name.length,
        .value = value.text,
        .value_length = value.length,
    };
    return DIVAK_OK;
}
