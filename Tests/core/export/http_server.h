/* http_server.h - starts the scripted fault server for a test, asks its ledger, and stops it.
 *
 *     server_start(NULL);                                  // or with further arguments
 *     long requests = server_count("/202", "requests");
 *     server_stop();
 *
 * One server a program. It ends by itself when the test dies, since its standard input then closes.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_TEST_HTTP_SERVER_H
#define DIVAK_TEST_HTTP_SERVER_H

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#ifndef DIVAK_SOURCE_DIR
#define DIVAK_SOURCE_DIR "."
#endif

enum { SERVER_PORTS = 20, SERVER_ARGUMENTS = 80 };

static pid_t server_pid = -1;
static int server_input = -1;
static int server_ports[SERVER_PORTS];

/* `more` ends with NULL; `ports` is how many ports the server will print. */
static inline bool server_start_with(const char *const *more, int ports) {
    static const char script[] = DIVAK_SOURCE_DIR "/Tests/integration/fault_server.py";
    const char *arguments[SERVER_ARGUMENTS] = {"python3", script};
    int count = 2;
    for (; more != NULL && *more != NULL; more++) arguments[count++] = *more;
    int input[2], output[2];
    if (pipe(input) != 0 || pipe(output) != 0) return false;
    server_pid = fork();
    if (server_pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(input[0], 0);
        dup2(output[1], 1);
        for (int descriptor = 3; descriptor < 64; descriptor++) close(descriptor);
        execvp("python3", (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    server_input = input[1];
    fcntl(server_input, F_SETFD, FD_CLOEXEC);
    FILE *lines = fdopen(output[0], "r");
    bool is_complete = lines != NULL;
    for (int i = 0; is_complete && i < ports; i++) {
        is_complete = fscanf(lines, " PORT %d", &server_ports[i]) == 1;
    }
    if (lines != NULL) fclose(lines);
    if (!is_complete) printf("  the fault server did not start: is python3 installed?\n");
    return is_complete;
}

static inline void server_stop(void) {
    if (server_pid < 0) return;
    close(server_input);
    kill(server_pid, SIGTERM);
    waitpid(server_pid, NULL, 0);
    server_pid = -1;
}

/* A program whose tests have the server, with one port. */
#define SERVER_MAIN()                                                                              \
    int main(int argc, char **argv) {                                                              \
        if (!server_start_with(NULL, 1)) return EXIT_FAILURE;                                      \
        int result = check_run_all(argc, argv);                                                    \
        server_stop();                                                                             \
        return result;                                                                             \
    }

/* One plain request on a connection of its own; the whole answer goes to `out`, ended by 0. */
static inline bool server_ask(const char *method, const char *path, char *out, size_t capacity) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_ports[0]),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        close(connection);
        return false;
    }
    char request[512];
    int length = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nConnection: close\r\n\r\n",
                          method, path);
    bool is_sent = write(connection, request, (size_t)length) == length;
    shutdown(connection, SHUT_WR);
    size_t got = 0;
    while (is_sent && got + 1 < capacity) {
        ssize_t step = read(connection, out + got, capacity - 1 - got);
        if (step <= 0) break;
        got += (size_t)step;
    }
    out[got] = '\0';
    close(connection);
    return got > 0;
}

static inline void server_reset(void) {
    char answer[512];
    server_ask("POST", "/reset", answer, sizeof answer);
}

/* A number of the ledger of this path and those that begin with it; -1 if there is no such one. */
static inline long server_count(const char *path, const char *name) {
    char question[256], answer[4096], key[64];
    snprintf(question, sizeof question, "/count%s", path);
    if (!server_ask("GET", question, answer, sizeof answer)) return -1;
    snprintf(key, sizeof key, "\"%s\": ", name);
    const char *found = strstr(answer, key);
    return found == NULL ? -1 : strtol(found + strlen(key), NULL, 10);
}

static inline int open_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    if (folder == NULL) return -1;
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

static inline double milliseconds_since(uint64_t start) {
    return (double)(divak_clock_monotonic_now() - start) / 1e6;
}

/* A list of `spans` spans in JSON of at least `size` bytes, ids counted from `first`. */
static inline char *make_body(unsigned first, unsigned spans, size_t size, size_t *out_length) {
    size_t filler = spans == 0 ? 0 : size / spans;
    char *body = malloc(spans * (filler + 128) + 16);
    size_t length = 0;
    body[length++] = '[';
    for (unsigned i = 0; i < spans; i++) {
        length +=
            (size_t)sprintf(body + length, "%s{\"traceId\":\"%032x\",\"id\":\"%016x\",\"name\":\"",
                            i == 0 ? "" : ",", first + i, first + i);
        memset(body + length, 'n', filler);
        length += filler;
        length += (size_t)sprintf(body + length, "\"}");
    }
    body[length++] = ']';
    body[length] = '\0';
    *out_length = length;
    return body;
}

#endif
