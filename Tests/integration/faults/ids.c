/* SPDX-License-Identifier: Apache-2.0 */
/* ids.c - whether ids repeat: in one process, among threads, and among parents and children that
 * share their past.
 *
 *     ids COUNT PROCESSES
 *
 * Half of COUNT span ids are made by four threads of this process, the rest by PROCESSES children,
 * forked while those threads run, and by children of some of them; each calls srand(1) first, as
 * programs do. All are sorted. Prints "ids N duplicates N zeros N processes N". A birthday among
 * 10^8 ids of 64 bits has a chance of 0.0003.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "driver.h"

enum { THREADS = 4 };

static divak_tracer *tracer;

static void fill(uint64_t *ids, uint64_t count) {
    divak_span root, span;
    (void)divak_span_start(tracer, "root", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &root);
    for (uint64_t i = 0; i < count; i++) {
        /* Every 64th is a root: its trace id is made by another way. */
        (void)divak_span_start(tracer, "x", 1, DIVAK_KIND_LOCAL,
                               i % 64 == 0 ? &divak_no_parent : &root, &span);
        (void)divak_span_abandon(&span);
        ids[i] = span.span_id;
    }
    (void)divak_span_abandon(&root);
}

typedef struct share {
    uint64_t *ids, count;
} share;

static void *fill_share(void *context) {
    const share *mine = context;
    fill(mine->ids, mine->count);
    return NULL;
}

static void sort(uint64_t *ids, uint64_t *other, uint64_t count) {
    static uint64_t places[1 << 16];
    for (int shift = 0; shift < 64; shift += 16) {
        memset(places, 0, sizeof places);
        for (uint64_t i = 0; i < count; i++) places[ids[i] >> shift & 0xffff]++;
        uint64_t sum = 0;
        for (int i = 0; i < 1 << 16; i++) {
            uint64_t here = places[i];
            places[i] = sum;
            sum += here;
        }
        for (uint64_t i = 0; i < count; i++) other[places[ids[i] >> shift & 0xffff]++] = ids[i];
        uint64_t *swap = ids;
        ids = other;
        other = swap;
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3) return 2;
    uint64_t count = strtoull(argv[1], NULL, 10), processes = strtoull(argv[2], NULL, 10),
             half = count / 2;
    uint64_t *ids = mmap(NULL, count * 8, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t *other = mmap(NULL, count * 8, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ids == MAP_FAILED || other == MAP_FAILED) return 2;
    srand(1);
    tracer =
        driver_tracer("http://127.0.0.1:9", "buffer_bytes", "4MiB", "ring_bytes", "64KiB", NULL);
    pthread_t threads[THREADS];
    share shares[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        shares[i] = (share){ids + half / THREADS * i,
                            i == THREADS - 1 ? half - half / THREADS * i : half / THREADS};
        pthread_create(&threads[i], NULL, fill_share, &shares[i]);
    }
    uint64_t rest = count - half, each = rest / processes, failures = 0;
    for (uint64_t i = 0; i < processes; i++) {
        uint64_t *mine = ids + half + each * i,
                 length = i == processes - 1 ? rest - each * i : each;
        pid_t child = fork();
        if (child == 0) {
            srand(1);
            uint64_t own = length / 2;
            pid_t grandchild = i % 4 == 0 ? fork() : -1;
            if (i % 4 != 0) own = length;
            if (grandchild == 0) {
                fill(mine + own, length - own);
                _exit(0);
            }
            fill(mine, own);
            int status = 0;
            if (grandchild > 0) waitpid(grandchild, &status, 0);
            _exit(status != 0);
        }
        int status;
        waitpid(child, &status, 0);
        failures += status != 0;
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    sort(ids, other, count);
    uint64_t duplicates = 0, zeros = ids[0] == 0;
    for (uint64_t i = 1; i < count; i++) {
        duplicates += ids[i] == ids[i - 1];
        zeros += ids[i] == 0;
    }
    printf("ids %" PRIu64 " duplicates %" PRIu64 " zeros %" PRIu64 " processes %" PRIu64
           " failures %" PRIu64 "\n",
           count, duplicates, zeros, processes, failures);
    return duplicates + zeros + failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
