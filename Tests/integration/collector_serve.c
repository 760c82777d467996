/* SPDX-License-Identifier: Apache-2.0 */
/* collector_serve.c - the collector's own process: one thread, epoll, a buffer a connection. */
#include "collector_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 512, BUFFER = 20 << 20, READ_STEP = 256 << 10 };

/* ---- scripts ---- */

typedef struct step {
    char name[24];
    long number; /* behind @; -1: none */
} step;

typedef struct running_script {
    uint32_t version;
    bool is_random, is_down;
    unsigned count, next, total;
    step steps[48];
    unsigned weights[48];
    bool last_stays;
    uint64_t state;
} running_script;

static void parse_script(running_script *out, const ledger *book) {
    char text[LEDGER_SCRIPT];
    uint32_t version;
    do {
        version = __atomic_load_n(&book->version, __ATOMIC_ACQUIRE);
        memcpy(text, book->script, sizeof text);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) != 0 || version != __atomic_load_n(&book->version, __ATOMIC_RELAXED));
    uint64_t state = out->state != 0 ? out->state : book->seed | 1;
    *out = (running_script){.version = version, .state = state};
    char *at = text, *rest;
    out->is_random = *at == '~';
    at += out->is_random;
    size_t length = strlen(at);
    if (length != 0 && at[length - 1] == '!') {
        out->last_stays = true;
        at[length - 1] = 0;
    }
    for (char *word = strtok_r(at, ",", &rest); word != NULL && out->count < 48;
         word = strtok_r(NULL, ",", &rest)) {
        step *one = &out->steps[out->count];
        char *weight = strchr(word, '=');
        out->weights[out->count] = weight == NULL ? 1 : (unsigned)atoi(weight + 1);
        if (weight != NULL) *weight = 0;
        char *number = strchr(word, '@');
        one->number = number == NULL ? -1 : atol(number + 1);
        if (number != NULL) *number = 0;
        snprintf(one->name, sizeof one->name, "%s", word);
        out->total += out->weights[out->count++];
    }
    out->is_down = strcmp(out->steps[0].name, "down") == 0;
}

static step next_step(running_script *script) {
    if (!script->is_random) {
        step one = script->steps[script->next];
        if (script->next + 1 < script->count)
            script->next++;
        else if (!script->last_stays)
            script->next = 0;
        return one;
    }
    script->state ^= script->state << 13;
    script->state ^= script->state >> 7;
    script->state ^= script->state << 17;
    unsigned draw = (unsigned)(script->state >> 20) % script->total, at = 0;
    while (draw >= script->weights[at]) draw -= script->weights[at++];
    return script->steps[at];
}

/* ---- connections ---- */

typedef struct connection {
    int file; /* -1: free */
    char *buffer;
    size_t length; /* bytes of the request so far */
    size_t head;   /* of them the head; 0: not yet complete */
    size_t body;   /* length of the body */
    bool is_proto3, is_stalled, answered_early, is_dripping;
    step act;
    uint64_t due; /* monotonic time of a delayed answer or read; 0: none */
} connection;

static connection connections[CONNECTIONS];
static int poller, listener = -1;

static void drop(connection *one, bool with_reset) {
    struct linger hard = {1, 0};
    if (with_reset) setsockopt(one->file, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(one->file);
    one->file = -1;
}

static bool say(connection *one, const char *text) {
    size_t length = strlen(text);
    if (send(one->file, text, length, MSG_NOSIGNAL) == (ssize_t)length) return true;
    drop(one, false);
    return false;
}

static bool answer(connection *one, long status, const char *more) {
    char text[256];
    snprintf(text, sizeof text, "HTTP/1.1 %ld X\r\nContent-Length: 0\r\n%s\r\n", status, more);
    return say(one, text);
}

/* All spans of the body: seen, or accepted. */
static void note_body(ledger *book, const connection *one, bool is_accepted) {
    if (ledger_note_body(book, one->buffer + one->head, one->body, one->is_proto3, is_accepted))
        return;
    __atomic_add_fetch(&book->undecodable, 1, __ATOMIC_RELAXED);
}

/* The head is there: true when the body is wanted. */
static bool begin(ledger *book, connection *one, running_script *script) {
    one->buffer[one->length] = 0;
    const char *length = strcasestr(one->buffer, "content-length:");
    one->body =
        length == NULL || length > one->buffer + one->head ? 0 : strtoul(length + 15, NULL, 10);
    const char *type = strcasestr(one->buffer, "x-protobuf");
    one->is_proto3 = type != NULL && type < one->buffer + one->head;
    one->answered_early = false;
    one->act = next_step(script);
    __atomic_add_fetch(&book->requests, 1, __ATOMIC_RELAXED);
    if (one->head + one->body + 1 > BUFFER) {
        drop(one, true);
        return false;
    }
    if (strcmp(one->act.name, "noread") == 0) {
        one->is_stalled = true;
        return false;
    }
    if (strcmp(one->act.name, "early") == 0) {
        one->answered_early = true;
        return answer(one, one->act.number, "");
    }
    return true;
}

/* The whole body is there. */
static void finish(ledger *book, connection *one) {
    const char *act = one->act.name;
    long status = strtol(act, NULL, 10), number = one->act.number;
    bool closes = false, resets = false;
    const char *more = "";
    char retry[64];
    if (one->due == 0) {
        __atomic_add_fetch(&book->bodies, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&book->body_bytes, one->body, __ATOMIC_RELAXED);
        if (one->body > book->largest_body) book->largest_body = one->body;
        note_body(book, one, false);
        collector_keep(one->buffer, one->head, one->buffer + one->head, one->body);
        if (strcmp(act, "delay") == 0 && number > 0) {
            one->due = collector_now() + (uint64_t)number * 1000000u;
            return;
        }
    }
    one->due = 0;
    if (strcmp(act, "drip") == 0) {
        one->is_dripping = say(one, "HTTP/1.1 202 X\r\n");
        one->due = collector_now();
        one->head = 0; /* from here on what has been said of the line */
        return;
    }
    if (strcmp(act, "stall") == 0) {
        one->is_stalled = true;
        return;
    }
    if (strcmp(act, "rst") == 0 || strcmp(act, "close") == 0) {
        drop(one, *act == 'r');
        return;
    }
    if (strcmp(act, "partial") == 0 || strcmp(act, "garbage") == 0) {
        if (say(one, *act == 'p' ? "HTTP/1.1 20" : "220 mail.example.com ESMTP ready\r\n\r\n"))
            drop(one, false);
        return;
    }
    if (status == 0) status = 202; /* delay, slow, reply-... and the conditions below */
    if (strcmp(act, "early") == 0) status = 0;
    if (strcmp(act, "retry") == 0) {
        status = 503;
        snprintf(retry, sizeof retry, "Retry-After: %ld\r\n", number);
        more = retry;
    }
    if (strcmp(act, "limit") == 0 && one->body > (size_t)number) status = 413;
    if (strcmp(act, "poison") == 0 &&
        memmem(one->buffer + one->head, one->body, "poison", 6) != NULL)
        status = number;
    if (strcmp(act, "reply-close") == 0) closes = true;
    if (strcmp(act, "reply-rst") == 0) closes = resets = true;
    if (status >= 300 && status < 400) more = "Location: http://127.0.0.1:1/elsewhere\r\n";
    bool is_accepted = status >= 200 && status < 300;
    if (one->answered_early) is_accepted = number >= 200 && number < 300;
    if (is_accepted) note_body(book, one, true);
    size_t used = one->head + one->body;
    memmove(one->buffer, one->buffer + used, one->length - used);
    one->length -= used;
    one->head = 0;
    if (status != 0 && !answer(one, status, more)) return;
    if (resets) usleep(500); /* a reset at once would take the answer back */
    if (closes) drop(one, resets);
}

static void proceed(ledger *book, connection *one, running_script *script) {
    while (one->file >= 0 && !one->is_stalled && one->due == 0) {
        if (one->head == 0) {
            char *end = memmem(one->buffer, one->length, "\r\n\r\n", 4);
            if (end == NULL) return;
            one->head = (size_t)(end + 4 - one->buffer);
            if (!begin(book, one, script)) return;
        }
        size_t have = one->length - one->head;
        const char *act = one->act.name;
        bool is_cut =
            one->act.number >= 0 && (strcmp(act, "rst") == 0 || strcmp(act, "close") == 0);
        if (is_cut && have >= (size_t)one->act.number) {
            drop(one, *act == 'r');
            return;
        }
        if (have < one->body) return;
        finish(book, one);
    }
}

static void read_more(ledger *book, connection *one, running_script *script) {
    size_t room = BUFFER - 1 - one->length, step_size = READ_STEP;
    if (one->head != 0 && strcmp(one->act.name, "slow") == 0) {
        step_size = (size_t)one->act.number << 10;
        usleep(1000);
    }
    if (one->is_stalled) return;
    ssize_t count =
        recv(one->file, one->buffer + one->length, room < step_size ? room : step_size, 0);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) drop(one, false);
        return;
    }
    one->length += (size_t)count;
    proceed(book, one, script);
}

static void accept_one(ledger *book) {
    int file = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (file < 0) return;
    uint64_t number = __atomic_fetch_add(&book->connections, 1, __ATOMIC_RELAXED);
    if (number < sizeof book->connected_at / sizeof *book->connected_at)
        book->connected_at[number] = collector_now();
    for (int i = 0; i < CONNECTIONS; i++) {
        connection *one = &connections[i];
        if (one->file >= 0) continue;
        char *buffer = one->buffer;
        if (buffer == NULL) {
            buffer = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (buffer == MAP_FAILED) break;
        }
        *one = (connection){.file = file, .buffer = buffer};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
        epoll_ctl(poller, EPOLL_CTL_ADD, file, &event);
        return;
    }
    close(file);
}

static void listen_again(ledger *book) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)book->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 512) != 0) {
        close(listener);
        listener = -1;
        return;
    }
    socklen_t size = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &size);
    __atomic_store_n(&book->port, ntohs(address.sin_port), __ATOMIC_RELEASE);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
}

static void follow_script(ledger *book, running_script *script) {
    if (script->version == __atomic_load_n(&book->version, __ATOMIC_ACQUIRE)) return;
    bool was_down = script->is_down;
    parse_script(script, book);
    for (int i = 0; i < CONNECTIONS; i++) {
        /* Whoever was stalled by the old script is let go, as a restarted server does. */
        if (connections[i].file >= 0 && (script->is_down || connections[i].is_stalled))
            drop(&connections[i], true);
    }
    if (script->is_down && listener >= 0) {
        close(listener);
        listener = -1;
    }
    if (!script->is_down && (was_down || listener < 0)) listen_again(book);
}

void collector_serve(ledger *book) {
    running_script script = {.version = UINT32_MAX};
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < CONNECTIONS; i++) connections[i].file = -1;
    for (;;) {
        follow_script(book, &script);
        uint64_t now = collector_now(), wait = 5000000;
        for (int i = 0; i < CONNECTIONS; i++) {
            connection *one = &connections[i];
            if (one->file < 0 || one->due == 0) continue;
            if (one->due <= now && one->is_dripping) {
                static const char line[] = "X-Slow: 1\r\n";
                char byte[2] = {line[one->head++ % (sizeof line - 1)], 0};
                one->due = now + (uint64_t)one->act.number * 1000000u;
                (void)say(one, byte);
            } else if (one->due <= now) {
                finish(book, one);
                one->due = 0;
                if (one->file >= 0) proceed(book, one, &script);
            } else if (one->due - now < wait) {
                wait = one->due - now;
            }
        }
        struct epoll_event events[64];
        int count = epoll_wait(poller, events, 64, (int)(wait / 1000000) + (wait % 1000000 != 0));
        for (int i = 0; i < count; i++) {
            connection *one = events[i].data.ptr;
            if (one == NULL)
                accept_one(book);
            else if (one->file >= 0)
                read_more(book, one, &script);
        }
    }
}
