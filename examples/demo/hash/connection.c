/* connection.c - the requests of one connection, one after the other, traced. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "request.h"

/* A literal with its length, as Divak takes text. */
#define TEXT(literal) (literal), (sizeof(literal) - 1)

/* FNV-1a with 64 bits: a checksum against mistakes, not against malice. */
static const uint64_t fnv_start = UINT64_C(0xcbf29ce484222325);
static const uint64_t fnv_prime = UINT64_C(0x100000001b3);

typedef struct demo_answer {
    int status;
    char text[512]; /* "CHECKSUM BYTES\n", or what went wrong */
} demo_answer;

static void set_failure(demo_answer *answer, int status, const char *what) {
    answer->status = status;
    snprintf(answer->text, sizeof answer->text, "%s\n", what);
}

/* The status that tells the caller what the error number tells us. */
static int status_of_errno(int error) {
    if (error == ENOENT || error == ENOTDIR || error == ELOOP) return 404;
    if (error == EACCES || error == EPERM) return 403;
    return 500;
}

/* Adds up the bytes of an open file: 0, or an error number. */
static int sum_file(int file, uint64_t *out_checksum, uint64_t *out_bytes) {
    unsigned char buffer[65536];
    uint64_t checksum = fnv_start;
    uint64_t bytes = 0;
    for (;;) {
        ssize_t count = read(file, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        if (count == 0) break;
        for (ssize_t i = 0; i < count; i++) checksum = (checksum ^ buffer[i]) * fnv_prime;
        bytes += (uint64_t)count;
    }
    *out_checksum = checksum;
    *out_bytes = bytes;
    return 0;
}

/* Opens a regular file below its root; links may not lead out of it. A descriptor, or a negative
 * error number. */
static int open_file(const demo_service *service, const char *path) {
    size_t name_length = strcspn(path, "/");
    for (size_t i = 0; i < service->root_count; i++) {
        const demo_root *root = &service->roots[i];
        if (strlen(root->name) != name_length) continue;
        if (strncmp(root->name, path, name_length) != 0) continue;

        char wanted[PATH_MAX];
        char real[PATH_MAX];
        int length = snprintf(wanted, sizeof wanted, "%s%s", root->folder, path + name_length);
        if (length < 0 || (size_t)length >= sizeof wanted) return -ENAMETOOLONG;
        if (realpath(wanted, real) == NULL) return -errno;
        size_t folder_length = strlen(root->folder);
        if (strncmp(real, root->folder, folder_length) != 0) return -EPERM;
        if (real[folder_length] != '/') return -EPERM;
        /* Without O_NONBLOCK opening a pipe would wait for a writer that may never come. */
        int file = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (file < 0) return -errno;
        struct stat facts;
        if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
            close(file);
            return -EPERM;
        }
        return file;
    }
    return -ENOENT;
}

/* The work proper, in a span of its own: the child of whatever span is current. */
static void checksum_file(const demo_service *service, const char *path, demo_answer *answer) {
    divak_span span;
    divak_span_start(service->tracer, TEXT("read file"), DIVAK_KIND_LOCAL, NULL, &span);
    uint64_t checksum = 0;
    uint64_t bytes = 0;
    int file = open_file(service, path);
    int error = file < 0 ? -file : sum_file(file, &checksum, &bytes);
    if (file >= 0) close(file);
    if (error != 0) {
        const char *what = strerror(error);
        set_failure(answer, status_of_errno(error), what);
        divak_span_error(&span, what, strlen(what));
    } else {
        answer->status = 200;
        snprintf(answer->text, sizeof answer->text, "%016" PRIx64 " %" PRIu64 "\n", checksum,
                 bytes);
        divak_span_tag_uint(&span, TEXT("bytes"), bytes);
        divak_span_tag(&span, TEXT("checksum"), answer->text, 16);
    }
    divak_span_finish(&span);
}

/* Answers one request under a SERVER span that joins the caller's. */
static void answer_request(const demo_service *service, const demo_request *request,
                           const divak_endpoint *peer, demo_answer *answer) {
    divak_span incoming;
    divak_span span;
    divak_extract_headers(service->tracer, request->headers, request->header_count, &incoming);
    divak_span_start(service->tracer, TEXT("get /checksum"), DIVAK_KIND_SERVER, &incoming, &span);
    divak_span_release(&incoming);
    divak_span_set_remote(&span, peer);

    divak_scope scope;
    divak_scope_open(&span, &scope);
    char path[DEMO_PATH_MAX];
    if (demo_request_path(request, path)) {
        divak_span_tag(&span, TEXT("file"), path, strlen(path));
        checksum_file(service, path, answer);
    } else {
        set_failure(answer, 400, "not a path");
    }
    divak_scope_close(&scope);

    divak_span_tag_int(&span, TEXT("http.status_code"), answer->status);
    if (answer->status >= 400) divak_span_error(&span, answer->text, strcspn(answer->text, "\n"));
    divak_span_finish(&span);
}

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 431: return "Request Header Fields Too Large";
    case 505: return "HTTP Version Not Supported";
    default: return "Internal Server Error";
    }
}

static bool send_answer(int socket, const demo_answer *answer, bool keeps_alive) {
    char message[1024];
    int length = snprintf(message, sizeof message,
                          "HTTP/1.1 %d %s\r\n"
                          "Content-Type: text/plain\r\n"
                          "Content-Length: %zu\r\n%s\r\n%s",
                          answer->status, reason(answer->status), strlen(answer->text),
                          keeps_alive ? "" : "Connection: close\r\n", answer->text);
    if (length < 0 || (size_t)length >= sizeof message) return false;
    for (size_t sent = 0; sent < (size_t)length;) {
        ssize_t count = send(socket, message + sent, (size_t)length - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        sent += (size_t)count;
    }
    return true;
}

static void find_peer(int socket, divak_endpoint *out_peer) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    *out_peer = (divak_endpoint){.port = 0};
    if (getpeername(socket, (struct sockaddr *)&address, &size) != 0) return;
    if (address.sin_family != AF_INET) return;
    memcpy(out_peer->ipv4, &address.sin_addr, sizeof out_peer->ipv4);
    out_peer->has_ipv4 = true;
    out_peer->port = ntohs(address.sin_port);
}

void demo_connection_serve(const demo_service *service, int socket) {
    divak_endpoint peer;
    find_peer(socket, &peer);
    char bytes[DEMO_REQUEST_MAX];
    size_t filled = 0;
    for (;;) {
        demo_request request;
        long used = demo_request_parse(bytes, filled, &request);
        if (used < 0) {
            demo_answer refusal;
            set_failure(&refusal, (int)-used, "not a request that is understood here");
            send_answer(socket, &refusal, false);
            return;
        }
        if (used == 0) {
            ssize_t count = recv(socket, bytes + filled, sizeof bytes - filled, 0);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return;
            filled += (size_t)count;
            continue;
        }
        demo_answer answer;
        answer_request(service, &request, &peer, &answer);
        if (!send_answer(socket, &answer, request.keeps_alive) || !request.keeps_alive) return;
        filled -= (size_t)used;
        memmove(bytes, bytes + used, filled);
    }
}
