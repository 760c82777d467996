/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines.c - whether flush, shutdown and exit come back in time, whatever the network does.
 *
 *     deadlines RUNS [PLACE]     flush and shutdown, RUNS of each spread over all places
 *     deadlines exit RUNS        exit() of a child, with the collector away or nothing to send
 *
 * Places: TCP that never answers, DNS that never answers (needs root: it mounts a resolv.conf of
 * its own), TLS that never greets, headers without end, a body that is never read, a stopped
 * collector, no answer, and no listener. Prints "PLACE runs N flush p50 N p99 N max N shutdown ..."
 * in microseconds over the deadline, and a last line "runs N worst N" in microseconds.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"

enum { PLACES = 8, RUNS_MAX = 100000 };
static const char *const places[PLACES] = {"dead TCP", "dead DNS", "dead TLS", "drip",
                                           "unread",   "stopped",  "stall",    "down"};
static int64_t over[2][RUNS_MAX];

static int listen_on(int type, uint16_t port, int backlog, uint16_t *out_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int file = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (bind(file, (struct sockaddr *)&address, size) != 0) return -1;
    if (type == SOCK_STREAM) listen(file, backlog);
    getsockname(file, (struct sockaddr *)&address, &size);
    *out_port = ntohs(address.sin_port);
    return file;
}

/* A listener whose queue is full: further connections hear nothing. */
static uint16_t dead_tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    uint16_t port;
    listen_on(SOCK_STREAM, 0, 0, &port);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 8; i++) {
        int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(file, (struct sockaddr *)&address, sizeof address);
    }
    return port;
}

/* This process alone asks a name server that never answers. */
static bool make_dead_dns(void) {
    uint16_t port;
    char path[] = "/tmp/divak-resolv-XXXXXX";
    static const char text[] = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";
    int file = mkstemp(path);
    bool made = file >= 0 && write(file, text, sizeof text - 1) > 0 && unshare(CLONE_NEWNS) == 0 &&
                mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0 &&
                listen_on(SOCK_DGRAM, 53, 0, &port) >= 0;
    if (file >= 0) close(file);
    unlink(path);
    return made;
}

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int64_t print_row(const char *name, int64_t *values, uint64_t count) {
    qsort(values, count, sizeof *values, compare);
    printf(" %s p50 %" PRId64 " p99 %" PRId64 " max %" PRId64, name, values[count / 2] / 1000,
           values[count * 99 / 100] / 1000, values[count - 1] / 1000);
    return values[count - 1];
}

static int64_t run_place(const char *place, const char *endpoint, ledger *book, uint64_t runs,
                         uint64_t *state) {
    for (uint64_t i = 0; i < runs; i++) {
        divak_tracer *tracer =
            driver_tracer(endpoint, "batch_bytes", "4MiB", "buffer_bytes", "64MiB", "timeout",
                          "10s", "flush_interval", driver_below(state, 2) ? "1ms" : "1s", NULL);
        /* Now and then more than the kernel takes without a reader. */
        uint64_t spans = driver_below(state, 8) == 0 ? 20000 : 1 + driver_below(state, 50);
        for (uint64_t j = 0; j < spans; j++) driver_span(tracer, NULL, &divak_no_parent, j);
        if (strcmp(place, "stopped") == 0) kill(book->pid, SIGSTOP);
        uint64_t time = driver_below(state, 50), before = collector_now();
        int result = divak_tracer_flush(tracer, (uint32_t)time, NULL);
        over[0][i] = (int64_t)(collector_now() - before) - (int64_t)time * 1000000;
        if (result == DIVAK_OK) printf("  %s: a flush came through\n", place);
        time = driver_below(state, 50);
        before = collector_now();
        (void)divak_tracer_shutdown(tracer, (uint32_t)time, NULL);
        over[1][i] = (int64_t)(collector_now() - before) - (int64_t)time * 1000000;
        if (strcmp(place, "stopped") == 0) kill(book->pid, SIGCONT);
        divak_stats stats = driver_settled_stats(tracer);
        if (stats.started != driver_accounted(&stats) || stats.pending != 0) {
            printf("  %s: the accounts do not add up after shutdown\n", place);
            driver_print_stats(&stats);
        }
    }
    printf("%s: runs %" PRIu64, place, runs);
    int64_t worst = print_row("flush", over[0], runs),
            other = print_row(" shutdown", over[1], runs);
    printf("\n");
    return worst > other ? worst : other;
}

static int run_all(uint64_t runs, const char *only) {
    uint64_t seed = driver_number("DIVAK_SEED", collector_now()), state = driver_seed(seed),
             done = 0;
    int64_t worst = INT64_MIN;
    printf("seed %" PRIu64 "\n", seed);
    if (runs / PLACES > RUNS_MAX) return 2;
    bool dns_is_dead = make_dead_dns();
    ledger *book = collector_start("202", seed);
    uint16_t silent_port, dead_port = dead_tcp();
    listen_on(SOCK_STREAM, 0, 4096, &silent_port);
    for (int i = 0; i < PLACES; i++) {
        const char *place = places[i];
        char endpoint[64];
        if (only != NULL && strcmp(only, place) != 0) continue;
        if (strcmp(place, "dead DNS") == 0 && !dns_is_dead) {
            printf("dead DNS: left out, it needs root and a free port 53\n");
            continue;
        }
        snprintf(endpoint, sizeof endpoint, "%s", driver_endpoint(book));
        if (strcmp(place, "dead TCP") == 0)
            snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", dead_port);
        if (strcmp(place, "dead TLS") == 0)
            snprintf(endpoint, sizeof endpoint, "https://127.0.0.1:%d", silent_port);
        if (strcmp(place, "dead DNS") == 0)
            snprintf(endpoint, sizeof endpoint, "http://collector.divak-test.example:9411");
        collector_use(book, i == 3   ? "drip@20"
                            : i == 4 ? "noread"
                            : i == 6 ? "stall"
                            : i == 7 ? "down"
                                     : "202");
        usleep(20000);
        uint64_t share = runs / PLACES + 1;
        int64_t one = run_place(place, endpoint, book, share, &state);
        if (one > worst) worst = one;
        done += share;
    }
    collector_stop(book);
    printf("runs %" PRIu64 " worst %" PRId64 "\n", done, worst / 1000);
    return EXIT_SUCCESS;
}

/* Processes that end with spans left, or none: from the call of exit to the death. */
static int run_exits(uint64_t runs) {
    ledger *book = collector_start("stall", 1);
    static const char *const timeouts[] = {"0", "50ms", "200ms"};
    static const uint64_t times[] = {0, 50, 200};
    int64_t worst[2] = {INT64_MIN, INT64_MIN};
    uint64_t *begun = (uint64_t *)book->connected_at; /* shared, and of no other use here */
    for (uint64_t i = 0; i < runs; i++) {
        bool is_idle = i % 2 == 1;
        uint64_t which = i / 2 % 3;
        pid_t child = fork();
        if (child == 0) {
            divak_tracer *tracer = driver_tracer(driver_endpoint(book), "close_timeout",
                                                 timeouts[which], "flush_interval", "1ms", NULL);
            if (!is_idle)
                for (uint64_t j = 0; j < 100; j++) driver_span(tracer, NULL, &divak_no_parent, j);
            usleep(5000);
            begun[4000] = collector_now();
            exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        int64_t late = (int64_t)(collector_now() - begun[4000]) -
                       (is_idle ? 0 : (int64_t)times[which] * 1000000);
        if (late > worst[is_idle]) worst[is_idle] = late;
        if (status != 0) printf("  a child ended with %d\n", status);
    }
    collector_stop(book);
    printf("runs %" PRIu64 " worst %" PRId64 " idle %" PRId64 "\n", runs, worst[0] / 1000,
           worst[1] / 1000);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2) return 2;
    if (strcmp(argv[1], "exit") == 0) return argc < 3 ? 2 : run_exits(strtoull(argv[2], NULL, 10));
    return run_all(strtoull(argv[1], NULL, 10), argc > 2 ? argv[2] : NULL);
}
