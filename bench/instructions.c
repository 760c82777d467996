/* SPDX-License-Identifier: Apache-2.0 */
/* instructions.c - made to be run by callgrind, which counts the instructions of one function
 * and all that it calls.
 *
 *     valgrind --tool=callgrind --toggle-collect=bench_span ... instructions copied
 *
 * Makes spans of one sort: copied, keys, unsampled, calls. Prints how many. bench.sh divides.
 */
#include "work.h"

enum {
    WARM = 500,
    SPANS = 2000
};

int main(int argc, char **argv) {
    const char *sort = argc > 1 ? argv[1] : "copied";
    divak_config *config = bench_config();
    bench_check(divak_config_add_null_reporter(config), "null reporter");
    /* All spans fit in a quarter of a lane: no wake, and the flusher, which valgrind lets run in
     * turn only, has time. */
    bench_check(divak_config_set(config, "ring_bytes", "4MiB"), "ring_bytes");
    divak_tracer *tracer = bench_tracer(config);
    bench_register_keys();
    divak_span sampled = bench_parent(tracer, true), unsampled = bench_parent(tracer, false);
    for (int i = 0; i < WARM + SPANS; i++) {
        if (strcmp(sort, "copied") == 0) {
            bench_span(tracer, &sampled);
        } else if (strcmp(sort, "keys") == 0) {
            bench_span_by_key(tracer, &sampled);
        } else if (strcmp(sort, "calls") == 0) {
            bench_span_by_calls(tracer, &unsampled);
        } else {
            bench_span(tracer, &unsampled);
        }
    }
    printf("%d\n", WARM + SPANS);
    return 0;
}
