/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - a collector that does nothing but count: the far end of the delivery benchmarks.
 *
 *     sink [--port 0] [--delay-ms 5]
 *
 * Prints {"port":N} when it listens on 127.0.0.1, and its counts as one line of JSON when
 * SIGTERM or SIGINT ends it; GET /count answers the same line. POSTs, on any number of
 * kept-alive connections, are answered with 202, at once or --delay-ms after their last byte,
 * those of different connections independently.
 *
 * Spans are counted in the bytes that arrive, never taken from a header: in JSON each "traceId",
 * in proto3 each top-level element of field 1. A gzipped body counts as bytes alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bench.h"

enum {
    READ_BYTES = 256 * 1024, /* one buffer for all connections, so that it stays in the cache */
    HEAD_MAX = 16 * 1024,
    NEEDLE = 9               /* "traceId" with its quotes */
};

enum body_format {
    FORMAT_OTHER,
    FORMAT_JSON,
    FORMAT_PROTO3
};

/* Where in a ListOfSpans the last chunk ended. */
struct proto_state {
    uint64_t varint;
    unsigned shift;
    bool in_length; /* a tag was read, its length is next */
    bool is_span;
    bool is_broken;
    uint64_t skip;  /* bytes of the element's content still to come */
};

struct connection {
    int fd;
    bool is_waiting; /* for its delayed answer; reads nothing until then */
    bool is_closing; /* after the answer */
    bool in_body;
    bool is_get;
    enum body_format format;
    uint64_t body_left;
    struct proto_state proto;
    size_t carried;  /* last bytes of the last chunk, which may begin a needle */
    char carry[NEEDLE - 1];
    size_t head_length;
    char head[HEAD_MAX];
    uint64_t due;    /* when to answer, in ns */
    struct connection *next_due;
};

static struct {
    uint64_t requests, spans, bytes, body_bytes, malformed, connections, most_in_flight;
    uint64_t first_ns, last_ns; /* of the first and last byte of a body */
} counts;

static uint64_t delay_ns;
static uint64_t in_flight;
static struct connection *first_due, *last_due;
static int poller;
static volatile sig_atomic_t is_stopping;

/* ---- counting ---- */

/* Looks for the I of traceId, which glibc finds 32 bytes at a time, then at what stands around
 * it. Inside a string a quote is escaped, so that no text can pass for the whole needle followed
 * by its closing quote. */
static uint64_t count_needles(const char *bytes, size_t length) {
    uint64_t found = 0;
    if (length < NEEDLE) return 0;
    const char *at = bytes + 6, *end = bytes + length - 2;
    while (at < end && (at = memchr(at, 'I', (size_t)(end - at))) != NULL) {
        if (memcmp(at - 6, "\"traceId\"", NEEDLE) == 0) found++;
        at++;
    }
    return found;
}

static uint64_t count_json(struct connection *connection, const char *bytes, size_t length) {
    /* A needle that lies across the border lies whole in the last 8 bytes before and the first 8
     * after it. */
    char border[2 * (NEEDLE - 1)];
    size_t after = length < NEEDLE - 1 ? length : NEEDLE - 1;
    memcpy(border, connection->carry, connection->carried);
    memcpy(border + connection->carried, bytes, after);
    uint64_t found = count_needles(border, connection->carried + after);
    found += count_needles(bytes, length);

    size_t seen = connection->carried + after;
    if (length >= NEEDLE - 1) {
        memcpy(connection->carry, bytes + length - (NEEDLE - 1), NEEDLE - 1);
        connection->carried = NEEDLE - 1;
    } else {
        size_t keep = seen < NEEDLE - 1 ? seen : NEEDLE - 1;
        memcpy(connection->carry, border + seen - keep, keep);
        connection->carried = keep;
    }
    return found;
}

static uint64_t count_proto3(struct proto_state *state, const char *bytes, size_t length) {
    uint64_t found = 0;
    size_t at = 0;
    while (at < length && !state->is_broken) {
        if (state->skip > 0) {
            uint64_t step = state->skip < length - at ? state->skip : length - at;
            state->skip -= step;
            at += (size_t)step;
            continue;
        }
        uint8_t byte = (uint8_t)bytes[at++];
        if (state->shift > 63) {
            state->is_broken = true;
            break;
        }
        state->varint |= (uint64_t)(byte & 127) << state->shift;
        state->shift += 7;
        if (byte & 128) continue;
        if (state->in_length) {
            state->skip = state->varint;
            state->in_length = false;
            if (state->is_span) found++;
        } else if ((state->varint & 7) == 2) {
            state->is_span = state->varint >> 3 == 1;
            state->in_length = true;
        } else {
            state->is_broken = true; /* a ListOfSpans has nothing but elements with a length */
        }
        state->varint = 0;
        state->shift = 0;
    }
    return found;
}

static void count_body(struct connection *connection, const char *bytes, size_t length) {
    counts.body_bytes += length;
    if (connection->format == FORMAT_JSON) {
        counts.spans += count_json(connection, bytes, length);
    } else if (connection->format == FORMAT_PROTO3) {
        counts.spans += count_proto3(&connection->proto, bytes, length);
    }
}

static int write_counts(char *out, size_t capacity) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    return snprintf(out, capacity,
                    "{\"spans\":%llu,\"requests\":%llu,\"bytes\":%llu,\"body_bytes\":%llu,"
                    "\"malformed\":%llu,\"connections\":%llu,\"most_in_flight\":%llu,"
                    "\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n",
                    (unsigned long long)counts.spans, (unsigned long long)counts.requests,
                    (unsigned long long)counts.bytes, (unsigned long long)counts.body_bytes,
                    (unsigned long long)counts.malformed, (unsigned long long)counts.connections,
                    (unsigned long long)counts.most_in_flight,
                    (double)(counts.last_ns - counts.first_ns) / 1e9, cpu);
}

/* ---- HTTP ---- */

static void connection_close(struct connection *connection) {
    close(connection->fd);
    free(connection);
}

/* False: the connection is broken. Answers are small: a socket always takes them whole. */
static bool connection_send(struct connection *connection, const char *text, size_t length) {
    return send(connection->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool connection_answer(struct connection *connection) {
    static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    if (!connection->is_get) {
        in_flight--;
        return connection_send(connection, accepted, sizeof accepted - 1);
    }
    char text[512], answer[768];
    int length = write_counts(text, sizeof text);
    length = snprintf(answer, sizeof answer,
                      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                      "Content-Length: %d\r\n\r\n%s",
                      length, text);
    return connection_send(connection, answer, (size_t)length);
}

/* The value of a header in the head, ended by a 0 in `out`; "" when there is none. */
static void find_header(const char *head, const char *name, char *out, size_t capacity) {
    size_t name_length = strlen(name);
    out[0] = '\0';
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_length) != 0 || line[name_length] != ':') continue;
        line += name_length + 1;
        line += strspn(line, " \t");
        size_t length = strcspn(line, "\r\n");
        if (length >= capacity) length = capacity - 1;
        memcpy(out, line, length);
        out[length] = '\0';
        return;
    }
}

/* The head is complete and ended by a 0. False: not HTTP as we know it. */
static bool connection_begin_body(struct connection *connection) {
    char value[256];
    connection->is_get = strncmp(connection->head, "GET ", 4) == 0;
    if (!connection->is_get && strncmp(connection->head, "POST ", 5) != 0) return false;
    find_header(connection->head, "connection", value, sizeof value);
    connection->is_closing = strcasecmp(value, "close") == 0;
    find_header(connection->head, "transfer-encoding", value, sizeof value);
    if (value[0] != '\0') return false;
    find_header(connection->head, "content-length", value, sizeof value);
    connection->body_left = strtoull(value, NULL, 10);
    find_header(connection->head, "content-type", value, sizeof value);
    connection->format = strstr(value, "json") != NULL       ? FORMAT_JSON
                         : strstr(value, "protobuf") != NULL ? FORMAT_PROTO3
                                                             : FORMAT_OTHER;
    find_header(connection->head, "content-encoding", value, sizeof value);
    if (value[0] != '\0') connection->format = FORMAT_OTHER;
    find_header(connection->head, "expect", value, sizeof value);
    if (value[0] != '\0') {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        if (!connection_send(connection, go_on, sizeof go_on - 1)) return false;
    }
    connection->proto = (struct proto_state){.varint = 0};
    connection->carried = 0;
    connection->in_body = true;
    if (!connection->is_get) {
        in_flight++;
        if (in_flight > counts.most_in_flight) counts.most_in_flight = in_flight;
    }
    return true;
}

/* The body is there. False: close the connection. */
static bool connection_end_body(struct connection *connection, uint64_t now) {
    connection->in_body = false;
    connection->head_length = 0;
    if (!connection->is_get) {
        counts.requests++;
        const struct proto_state *proto = &connection->proto;
        if (connection->format == FORMAT_PROTO3 &&
            (proto->is_broken || proto->skip != 0 || proto->in_length || proto->shift != 0)) {
            counts.malformed++;
        }
    }
    if (delay_ns == 0 || connection->is_get) {
        return connection_answer(connection) && !connection->is_closing;
    }
    connection->is_waiting = true;
    connection->due = now + delay_ns;
    connection->next_due = NULL;
    if (last_due != NULL) {
        last_due->next_due = connection;
    } else {
        first_due = connection;
    }
    last_due = connection;
    return true;
}

/* False: close the connection. */
static bool connection_take(struct connection *connection, const char *bytes, size_t length) {
    uint64_t now = bench_now();
    while (length > 0) {
        if (connection->is_waiting) return false; /* pipelining is not for this sink */
        if (!connection->in_body) {
            size_t step = HEAD_MAX - 1 - connection->head_length;
            if (step > length) step = length;
            size_t searched = connection->head_length > 3 ? connection->head_length - 3 : 0;
            memcpy(connection->head + connection->head_length, bytes, step);
            const char *end = memmem(connection->head + searched,
                                     connection->head_length + step - searched, "\r\n\r\n", 4);
            if (end == NULL) {
                connection->head_length += step;
                return step == length;
            }
            size_t head = (size_t)(end - connection->head) + 4;
            step = head - connection->head_length;
            connection->head[head] = '\0';
            connection->head_length = head;
            bytes += step;
            length -= step;
            if (!connection_begin_body(connection)) return false;
        }
        uint64_t step = connection->body_left < length ? connection->body_left : length;
        if (step > 0 && !connection->is_get) {
            if (counts.first_ns == 0) counts.first_ns = now;
            counts.last_ns = now;
            count_body(connection, bytes, (size_t)step);
        }
        connection->body_left -= step;
        bytes += step;
        length -= (size_t)step;
        if (connection->body_left == 0 && !connection_end_body(connection, now)) return false;
    }
    return true;
}

static void connection_read(struct connection *connection) {
    static char buffer[READ_BYTES] __attribute__((aligned(4096)));
    ssize_t got = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) {
        counts.bytes += (uint64_t)got;
        if (connection_take(connection, buffer, (size_t)got)) return;
    }
    if (connection->in_body && !connection->is_get) in_flight--;
    if (!connection->is_waiting) {
        connection_close(connection);
        return;
    }
    /* Its answer is still in the queue, which closes it then. */
    connection->is_closing = true;
    epoll_ctl(poller, EPOLL_CTL_DEL, connection->fd, NULL);
}

/* ---- the loop ---- */

static void stop(int number) {
    (void)number;
    is_stopping = 1;
}

/* Answers what is due; returns how many milliseconds to sleep, -1: for ever. */
static int answer_due(void) {
    while (first_due != NULL) {
        uint64_t now = bench_now();
        if (first_due->due > now) return (int)((first_due->due - now + 999999) / 1000000);
        struct connection *connection = first_due;
        first_due = connection->next_due;
        if (first_due == NULL) last_due = NULL;
        connection->is_waiting = false;
        if (!connection_answer(connection) || connection->is_closing) connection_close(connection);
    }
    return -1;
}

static void accept_connection(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    struct connection *connection = calloc(1, sizeof *connection);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (connection == NULL || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(connection);
        close(fd);
        return;
    }
    connection->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    counts.connections++;
}

static int listen_on(uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("sink");
        exit(1);
    }
    printf("{\"port\":%u}\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'}, {"delay-ms", required_argument, NULL, 'd'}, {0}};
    uint16_t port = 0;
    for (int option; (option = getopt_long(argc, argv, "p:d:", options, NULL)) != -1;) {
        if (option == 'p') {
            port = (uint16_t)strtoul(optarg, NULL, 10);
        } else if (option == 'd') {
            delay_ns = (uint64_t)(strtod(optarg, NULL) * 1e6);
        } else {
            return 2;
        }
    }
    /* Signals come only while it sleeps, so that none is missed between the test and the sleep. */
    sigset_t blocked, sleeping;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &sleeping);
    sigdelset(&sleeping, SIGTERM);
    sigdelset(&sleeping, SIGINT);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0) {
        perror("sink");
        return 1;
    }
    while (!is_stopping) {
        struct epoll_event events[64];
        int count = epoll_pwait(poller, events, 64, answer_due(), &sleeping);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                accept_connection(listener);
            } else {
                connection_read(events[i].data.ptr);
            }
        }
    }
    char text[512];
    write_counts(text, sizeof text);
    fputs(text, stdout);
    return 0;
}
