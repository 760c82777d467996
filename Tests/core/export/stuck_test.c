/* SPDX-License-Identifier: Apache-2.0 */
/* stuck_test.c - a flusher that hangs inside of the transport is given up; what it does when it comes back after all is
 * nobody's harm. Needs libcurl. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sink.h"

enum { GATES = 2 };

/* While armed, the first calls of socket for a connection each wait at a gate of their own: that is how it hangs. */
static struct {
    uint32_t arrived, armed;
    uint32_t is_open[GATES];
} gates;

int socket(int domain, int type, int protocol) {
    static int (*real)(int, int, int);
    if (real == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "socket");
        memcpy(&real, &symbol, sizeof real);
    }
    if (__atomic_load_n(&gates.armed, __ATOMIC_ACQUIRE) != 0 && domain == AF_INET) {
        uint32_t place = __atomic_fetch_add(&gates.arrived, 1, __ATOMIC_ACQ_REL);
        while (place < GATES && __atomic_load_n(&gates.is_open[place], __ATOMIC_ACQUIRE) == 0) tracing_sleep_ms(1);
    }
    return real(domain, type, protocol);
}

static void wait_for(const uint32_t *number, uint32_t least) {
    while (__atomic_load_n(number, __ATOMIC_ACQUIRE) < least) tracing_sleep_ms(1);
}

/* A collector that says 202 to each connection's first request and counts bodies that are none of Divak's. */
typedef struct collector {
    int listener;
    uint32_t answered, garbled;
} collector;

static void serve(collector *c, int connection) {
    char bytes[65536];
    size_t length = 0, wanted = SIZE_MAX;
    while (length < wanted && length + 1 < sizeof bytes) {
        ssize_t got = read(connection, bytes + length, sizeof bytes - 1 - length);
        if (got <= 0) return;
        length += (size_t)got;
        bytes[length] = 0;
        char *end = strstr(bytes, "\r\n\r\n"), *header = strcasestr(bytes, "content-length:");
        if (end == NULL || header == NULL) continue;
        wanted = (size_t)(end + 4 - bytes) + strtoul(header + 15, NULL, 10);
    }
    const char *body = strstr(bytes, "\r\n\r\n") + 4;
    bool is_whole = sink_count(body, length - (size_t)(body - bytes)) != SIZE_MAX;
    if (!is_whole) __atomic_add_fetch(&c->garbled, 1, __ATOMIC_RELAXED);
    static const char answer[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    (void)!write(connection, answer, sizeof answer - 1);
    __atomic_add_fetch(&c->answered, 1, __ATOMIC_RELEASE);
}

static void *collect(void *context) {
    collector *c = context;
    for (;;) {
        int connection = accept(c->listener, NULL, NULL);
        if (connection < 0) return NULL;
        /* That of a flusher given up stays open, and silent. */
        struct timeval patience = {.tv_usec = 300000};
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        serve(c, connection);
        close(connection);
    }
}

static void record_long(tracing *t, int count) {
    char text[1000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < count; i++) {
        divak_span span = tracing_span(t->tracer, "op", &divak_no_parent);
        CHECK_INT(DIVAK_OK, divak_span_tag(&span, "text", 4, text, sizeof text));
        CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    }
}

static int count_flushers(void) {
    FILE *names = popen("cat /proc/$PPID/task/*/comm", "r");
    char name[64];
    int count = 0;
    while (fgets(name, sizeof name, names) != NULL) count += strncmp(name, "divak-flusher", 13) == 0;
    pclose(names);
    return count;
}

TEST(a_flusher_given_up_ends_when_it_comes_back_and_touches_nothing_of_its_successors) {
    alarm(TRACING_HANG_SECONDS);
    collector c = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    CHECK_INT(0, bind(c.listener, (struct sockaddr *)&address, size));
    CHECK_INT(0, listen(c.listener, 16));
    CHECK_INT(0, getsockname(c.listener, (struct sockaddr *)&address, &size));
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, collect, &c));
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", ntohs(address.sin_port));

    tracing t;
    tracing_begin_plain(&t);
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(t.config, endpoint));
    sink other = {.fails_first = 1, .failure = DIVAK_ERROR_SYSTEM};
    CHECK_INT(DIVAK_OK, divak_config_add_callback_reporter(t.config, sink_send, &other));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "timeout", "3s"));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "flush_interval", "10ms"));
    tracing_start(&t);
    __atomic_store_n(&gates.armed, 1, __ATOMIC_RELEASE);
    record_long(&t, 1);
    wait_for(&gates.arrived, 1);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(1, lost);
    CHECK_INT(1, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_FLUSHER_STUCK]);
    CHECK_INT(1, tracing_stats(t.tracer).flusher_restarts);
    /* What another reporter has to try again is none of what hangs. */
    divak_stats others;
    CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, 1, &others));
    CHECK_INT(0, others.dropped[DIVAK_DROPPED_FLUSHER_STUCK]);
    CHECK_INT(1, others.delivered);
    CHECK_INT(1, other.spans);

    /* The next one is in the transport too when the first comes back. */
    record_long(&t, 20);
    wait_for(&gates.arrived, 2);
    __atomic_store_n(&gates.is_open[0], 1, __ATOMIC_RELEASE);
    tracing_sleep_ms(500);
    CHECK_INT(1, count_flushers());
    __atomic_store_n(&gates.is_open[1], 1, __ATOMIC_RELEASE);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(20, tracing_stats(t.tracer).delivered);
    CHECK_INT(0, __atomic_load_n(&c.garbled, __ATOMIC_RELAXED));
    tracing_end(&t);
    shutdown(c.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(c.listener);
    alarm(0);
}

CHECK_MAIN()
