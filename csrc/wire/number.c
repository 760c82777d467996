/* SPDX-License-Identifier: Apache-2.0 */
/* number.c - the shortest decimal of a double, without tables, locale or printf.
 *
 * Most doubles that people tag (ratios, prices, seconds) have 15 digits or fewer: those are found
 * with one multiplication and one division for each digit behind the point. The others go through
 * exact arithmetic on large integers, after Steele and White: the interval of all decimals that
 * read as this double is known exactly, and digits are produced until the rest of the interval
 * holds only one candidate. That takes about a microsecond.
 */
#include "wire/number.h"

#include <stdbool.h>

char *divak_number_write_long(char *out, uint64_t value) {
    if (value < DIVAK_NUMBER_EIGHT) return divak_number_write_short(out, (uint32_t)value);
    uint64_t upper = value / DIVAK_NUMBER_EIGHT;
    if (upper < DIVAK_NUMBER_EIGHT) {
        out = divak_number_write_short(out, (uint32_t)upper);
    } else {
        out = divak_number_write_short(out, (uint32_t)(upper / DIVAK_NUMBER_EIGHT));
        out = divak_number_write_eight(out, (uint32_t)(upper % DIVAK_NUMBER_EIGHT));
    }
    return divak_number_write_eight(out, (uint32_t)(value % DIVAK_NUMBER_EIGHT));
}

/* ---- integers of up to 1,280 bits ---- */

enum { WORDS = 40 }; /* the largest here: 2^1075 or 10^309, times at most 2^54 and 10 */

typedef struct large {
    uint32_t words[WORDS]; /* least significant first; those from count up are 0 */
    int count;
} large;

static large large_from(uint64_t value) {
    large number = {.words = {(uint32_t)value, (uint32_t)(value >> 32)}};
    number.count = value >> 32 != 0 ? 2 : value != 0 ? 1 : 0;
    return number;
}

static void large_multiply(large *number, uint32_t factor) {
    uint64_t carry = 0;
    for (int i = 0; i < number->count; i++) {
        carry += (uint64_t)number->words[i] * factor;
        number->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0 && number->count < WORDS) number->words[number->count++] = (uint32_t)carry;
}

static void large_multiply_power_of_ten(large *number, int exponent) {
    for (; exponent >= 9; exponent -= 9) large_multiply(number, 1000000000);
    for (; exponent > 0; exponent--) large_multiply(number, 10);
}

static void large_shift(large *number, int bits) {
    for (; bits >= 31; bits -= 31) large_multiply(number, UINT32_C(1) << 31);
    large_multiply(number, UINT32_C(1) << bits);
}

static int large_compare(const large *a, const large *b) {
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (int i = a->count; i-- > 0;) {
        if (a->words[i] != b->words[i]) return a->words[i] < b->words[i] ? -1 : 1;
    }
    return 0;
}

static large large_add(const large *a, const large *b) {
    large sum = {.count = a->count > b->count ? a->count : b->count};
    uint64_t carry = 0;
    for (int i = 0; i < sum.count; i++) {
        carry += (uint64_t)a->words[i] + b->words[i];
        sum.words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0 && sum.count < WORDS) sum.words[sum.count++] = (uint32_t)carry;
    return sum;
}

/* `b` is not larger than `a`. */
static void large_subtract(large *a, const large *b) {
    uint64_t borrow = 0;
    for (int i = 0; i < a->count; i++) {
        uint64_t difference = (uint64_t)a->words[i] - b->words[i] - borrow;
        a->words[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    while (a->count > 0 && a->words[a->count - 1] == 0) a->count--;
}

/* ---- digits ---- */

enum { DIGITS_MAX = 20 };

/* The number 0.d1d2d3... times 10^point. */
typedef struct decimal {
    char digits[DIGITS_MAX];
    int count;
    int point;
} decimal;

/* Exact, for any double above 0 made of `fraction` * 2^`exponent`. The value is rest / unit; below
 * and above are half the way to its neighbours, in the same unit. A double with an even fraction
 * owns the ends of its interval, since reading rounds halves to even. */
static decimal digits_exactly(uint64_t fraction, int exponent) {
    bool is_even = fraction % 2 == 0;
    /* At a power of two the neighbour below is only half as far away as the one above. */
    bool is_lopsided = fraction == UINT64_C(1) << 52 && exponent > -1074;
    int spare = is_lopsided ? 2 : 1;
    large rest = large_from(fraction), unit = large_from(1), below = large_from(1);
    large_shift(&rest, spare + (exponent > 0 ? exponent : 0));
    large_shift(&unit, spare + (exponent < 0 ? -exponent : 0));
    large_shift(&below, exponent > 0 ? exponent : 0);
    large above = below;
    if (is_lopsided) large_shift(&above, 1);

    /* A power of ten from the power of two (0.30103 is log10 of 2): never too large, and the loop
     * below raises it. */
    int top_bit = exponent + 63 - __builtin_clzll(fraction);
    int power = (int)(top_bit * 0.30103) - (top_bit < 0 ? 1 : 0);
    if (power >= 0) {
        large_multiply_power_of_ten(&unit, power);
    } else {
        large_multiply_power_of_ten(&rest, -power);
        large_multiply_power_of_ten(&below, -power);
        large_multiply_power_of_ten(&above, -power);
    }
    for (;;) { /* until rest / unit, or what rounds to it, is below 1 */
        large sum = large_add(&rest, &above);
        int order = large_compare(&sum, &unit);
        if (order < 0 || (order == 0 && !is_even)) break;
        large_multiply(&unit, 10);
        power++;
    }

    decimal result = {.point = power};
    for (;;) {
        large_multiply(&rest, 10);
        large_multiply(&below, 10);
        large_multiply(&above, 10);
        int digit = 0;
        while (large_compare(&rest, &unit) >= 0) {
            large_subtract(&rest, &unit);
            digit++;
        }
        large sum = large_add(&rest, &above);
        int to_below = large_compare(&rest, &below), to_above = large_compare(&sum, &unit);
        bool can_end = to_below < 0 || (to_below == 0 && is_even);
        bool can_round_up = to_above > 0 || (to_above == 0 && is_even);
        if (!can_end && !can_round_up && result.count < DIGITS_MAX - 1) {
            result.digits[result.count++] = (char)('0' + digit);
            continue;
        }
        if (can_end && can_round_up) {
            large doubled = large_add(&rest, &rest);
            can_end = large_compare(&doubled, &unit) < 0;
        }
        /* Rounding up never gives 10: the digit before would have ended the loop. */
        result.digits[result.count++] = (char)('0' + digit + (can_end ? 0 : 1));
        return result;
    }
}

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Finds the integer m < 10^15 and the least k with m / 10^k == value. Both m and 10^k (k <= 22) are
 * exact doubles and division rounds correctly, so equality proves that the text m * 10^-k reads as
 * `value`. No m is missed: with 15 digits the error of value * 10^k stays below a quarter. False
 * when more digits are needed. */
static bool digits_quickly(double value, decimal *out) {
    for (int k = 0; k <= 22; k++) {
        double scaled = value * powers_of_ten[k];
        if (scaled >= 1e15 - 1) return false;
        uint64_t rounded = (uint64_t)(scaled + 0.5);
        if ((double)rounded / powers_of_ten[k] != value) continue;
        char text[DIVAK_NUMBER_SIZE];
        int count = (int)(divak_number_write_uint(text, rounded) - text);
        out->point = count - k;
        while (count > 1 && text[count - 1] == '0') count--;
        memcpy(out->digits, text, (size_t)count);
        out->count = count;
        return true;
    }
    return false;
}

/* ---- text ---- */

static char *put_text(char *out, const char *text) {
    size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

static char *put_zeros(char *out, int count) {
    if (count > 0) memset(out, '0', (size_t)count);
    return out + (count > 0 ? count : 0);
}

static char *put_digits(char *out, const char *digits, int count) {
    memcpy(out, digits, (size_t)count);
    return out + count;
}

static char *put_decimal(char *out, const decimal *number) {
    const char *digits = number->digits;
    int count = number->count, point = number->point;
    if (point > 21 || point < -5) {
        *out++ = digits[0];
        if (count > 1) {
            *out++ = '.';
            out = put_digits(out, digits + 1, count - 1);
        }
        *out++ = 'e';
        return divak_number_write_int(out, point - 1);
    }
    if (point <= 0) {
        out = put_text(out, "0.");
        return put_digits(put_zeros(out, -point), digits, count);
    }
    if (count <= point) return put_zeros(put_digits(out, digits, count), point - count);
    out = put_digits(out, digits, point);
    *out++ = '.';
    return put_digits(out, digits + point, count - point);
}

char *divak_number_write_double(char *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7ff);
    if (exponent == 0x7ff && fraction != 0) return put_text(out, "NaN");
    if (bits >> 63 != 0) {
        *out++ = '-';
        value = -value;
    }
    if (exponent == 0x7ff) return put_text(out, "Infinity");
    if (exponent == 0 && fraction == 0) return put_text(out, "0");

    decimal number;
    if (!digits_quickly(value, &number)) {
        number = exponent == 0 ? digits_exactly(fraction, -1074)
                               : digits_exactly(fraction | UINT64_C(1) << 52, exponent - 1075);
    }
    return put_decimal(out, &number);
}
