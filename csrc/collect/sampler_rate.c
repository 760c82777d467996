/* sampler_rate.c - samples up to so many traces a second, and not all of them at its beginning. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 103 a second, asked without a pause:
 *
 *     tenth        1   2   3   4   5   6   7   8   9  10 | 1 ...
 *     up to       13  23  33  43  53  63  73  83  93 103 | 13 ...
 *
 * Two words, neither locked. `window` says when the current second began; whoever finds it over
 * sets it to now. `used` counts, and names in its high half the window that it counts for: a count
 * of an earlier window is as good as zero, whoever asks first in a new one replaces it. Thus no
 * moment lies between a new window and its count at which the limit would hold twice.
 */
#include "collect/sampler.h"

#include "base/clock.h"

enum {
    TENTHS = 10,       /* also the least rate that is cut into tenths */
    NAME_SHIFT = 20    /* the name of a window is its begin in units of 2^20 ns, about 1 ms */
};

static const uint64_t SECOND = 1000000000;

/* Windows begin at least a second apart, hence the names of two that follow differ. A name comes
 * again after 52 days; whoever asks next exactly then finds the old count, and a second with it. */
static uint64_t name_of(uint64_t window) {
    return window >> NAME_SHIFT << 32;
}

static uint32_t count_of(uint64_t used) {
    return (uint32_t)used;
}

void divak_rate_limit_init(divak_rate_limit *limit, uint32_t per_second) {
    limit->per_second = per_second;
    /* A window that is over, so that the first one begins with the first request. */
    uint64_t over = divak_clock_monotonic_now() - SECOND;
    divak_store_relaxed(&limit->window, over);
    divak_store_relaxed(&limit->used, name_of(over));
}

int divak_sampler_create_rate(uint32_t per_second, divak_sampler **out_sampler) {
    if (out_sampler == NULL || per_second > UINT32_C(1) << 31) return DIVAK_ERROR_INVALID;
    divak_sampler *sampler = divak_sampler_allocate(DIVAK_SAMPLER_RATE);
    if (sampler == NULL) return DIVAK_ERROR_MEMORY;
    divak_rate_limit_init(&sampler->rate, per_second);
    *out_sampler = sampler;
    return DIVAK_OK;
}

/* How many in all may have been sampled when so much of the second is over. */
static uint32_t allowed_after(uint32_t per_second, uint64_t elapsed) {
    if (per_second < TENTHS) return per_second;
    uint32_t tenths = (uint32_t)(elapsed / (SECOND / TENTHS)) + 1;
    return per_second / TENTHS * tenths + per_second % TENTHS;
}

bool divak_rate_limit_take(divak_rate_limit *limit) {
    if (limit->per_second == 0) return false;
    uint64_t now = divak_clock_monotonic_now();
    for (;;) {
        uint64_t window = divak_load_relaxed(&limit->window);
        /* Others may have read the clock after us and begun a window after our now: it is theirs
         * too, with nothing of it elapsed. */
        int64_t age = (int64_t)(now - window);
        uint64_t elapsed = age < 0 ? 0 : (uint64_t)age;
        if (elapsed >= SECOND) {
            /* Relaxed: the value is all that is handed on. Failure: someone else began one. */
            divak_cas_weak_relaxed(&limit->window, &window, now);
            continue;
        }

        /* Pairs with the release below: who sees a count of a window sees that window, or a later
         * one, when it looks at the window again. */
        uint64_t used = divak_load_acquire(&limit->used);
        if (used >> 32 << 32 != name_of(window)) {
            if (divak_load_relaxed(&limit->window) != window) continue;
            /* The window is the last one still, hence the count is of an earlier one. */
            uint64_t first = name_of(window) | 1;
            if (divak_cas_weak_release(&limit->used, &used, first)) return true;
            continue;
        }
        if (count_of(used) >= allowed_after(limit->per_second, elapsed)) return false;
        /* Relaxed: it goes on in the release sequence of the window's first count. */
        if (divak_cas_weak_relaxed(&limit->used, &used, used + 1)) return true;
    }
}
