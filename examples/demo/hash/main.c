/* main.c - demo-hash: a small HTTP server on loopback that computes checksums of files, traced.
 *
 *     demo-hash tree=/some/folder other=/another/one
 *
 * Prints "port N" and serves GET /checksum/NAME/PATH until SIGTERM or SIGINT; then sends its last
 * spans and exits with 0 if all of them arrived.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"

enum {
    ROOTS_MAX = 8,
    CONNECTIONS_MAX = 64,
    CLOSE_MILLISECONDS = 5000
};

/* One connection and its thread. */
typedef struct demo_connection {
    const demo_service *service;
    pthread_t thread;
    int socket;
} demo_connection;

static int stop_pipe[2];

static void on_stop(int signal) {
    (void)signal;
    int saved = errno;
    ssize_t ignored = write(stop_pipe[1], "", 1);
    (void)ignored;
    errno = saved;
}

static void *run_connection(void *argument) {
    demo_connection *connection = argument;
    demo_connection_serve(connection->service, connection->socket);
    /* The other side learns it now; the descriptor itself is closed when the thread is joined. */
    shutdown(connection->socket, SHUT_RDWR);
    return NULL;
}

/* A listening socket on a free port of the loopback interface, or -1. */
static int listen_on_loopback(uint16_t *out_port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) return -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        close(listener);
        return -1;
    }
    *out_port = ntohs(address.sin_port);
    return listener;
}

/* Accepts until a signal comes; at most CONNECTIONS_MAX altogether, for a demo has one caller. */
static void serve(const demo_service *service, int listener) {
    static demo_connection connections[CONNECTIONS_MAX];
    size_t count = 0;
    struct pollfd events[2] = {{.fd = stop_pipe[0], .events = POLLIN},
                               {.fd = listener, .events = POLLIN}};
    while (poll(events, count < CONNECTIONS_MAX ? 2 : 1, -1) >= 0 || errno == EINTR) {
        if (events[0].revents != 0) break;
        if (events[1].revents == 0) continue;
        int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (socket < 0) continue;
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        demo_connection *connection = &connections[count];
        connection->service = service;
        connection->socket = socket;
        if (pthread_create(&connection->thread, NULL, run_connection, connection) != 0) {
            close(socket);
            continue;
        }
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        shutdown(connections[i].socket, SHUT_RD); /* the answer under way still leaves */
        pthread_join(connections[i].thread, NULL);
        close(connections[i].socket);
    }
}

/* "name=folder" into a root. */
static bool parse_root(char *argument, demo_root *out_root) {
    char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument) return false;
    *equals = 0;
    out_root->name = argument;
    out_root->folder = realpath(equals + 1, NULL);
    if (out_root->folder == NULL) {
        fprintf(stderr, "demo-hash: %s: %s\n", equals + 1, strerror(errno));
    }
    return out_root->folder != NULL;
}

static divak_tracer *make_tracer(uint16_t port) {
    divak_config *config = divak_config_create();
    if (config == NULL) return NULL;
    char text[8];
    snprintf(text, sizeof text, "%u", (unsigned)port);
    divak_tracer *tracer = NULL;
    if (divak_config_set(config, "service_name", "hash") != DIVAK_OK ||
        divak_config_set(config, "service_ip", "127.0.0.1") != DIVAK_OK ||
        divak_config_set(config, "service_port", text) != DIVAK_OK ||
        divak_tracer_create(config, &tracer) != DIVAK_OK) {
        fprintf(stderr, "demo-hash: %s\n", divak_config_error(config));
    }
    divak_config_destroy(config);
    return tracer;
}

int main(int argc, char **argv) {
    demo_root roots[ROOTS_MAX];
    size_t root_count = 0;
    for (int i = 1; i < argc && root_count < ROOTS_MAX; i++) {
        if (!parse_root(argv[i], &roots[root_count])) return 2;
        root_count++;
    }
    if (root_count == 0 || (size_t)argc != root_count + 1) {
        fprintf(stderr, "usage: demo-hash NAME=FOLDER...\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = on_stop};
    if (pipe(stop_pipe) != 0 || sigaction(SIGTERM, &action, NULL) != 0 ||
        sigaction(SIGINT, &action, NULL) != 0) {
        perror("demo-hash");
        return 1;
    }
    uint16_t port = 0;
    int listener = listen_on_loopback(&port);
    if (listener < 0) {
        perror("demo-hash: listen");
        return 1;
    }
    demo_service service = {.tracer = make_tracer(port), .roots = roots, .root_count = root_count};
    if (service.tracer == NULL) return 1;
    printf("port %u\n", (unsigned)port);
    fflush(stdout);

    serve(&service, listener);
    close(listener);

    uint64_t lost = 0;
    int status = divak_tracer_shutdown(service.tracer, CLOSE_MILLISECONDS, &lost);
    divak_stats stats;
    divak_tracer_stats(service.tracer, 0, &stats);
    printf("hash: %" PRIu64 " of %" PRIu64 " spans delivered\n", stats.delivered,
           stats.started);
    if (status != DIVAK_OK) {
        fprintf(stderr, "demo-hash: %s, %" PRIu64 " spans lost\n", divak_status_text(status), lost);
    }
    for (size_t i = 0; i < root_count; i++) free(roots[i].folder);
    return status == DIVAK_OK ? 0 : 1;
}
