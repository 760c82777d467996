/* SPDX-License-Identifier: Apache-2.0 */
/* collector.c - the ledger, and starting and stopping the collector: see collector.h. */
#include "collector_serve.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- ledger ---- */

static ledger_entry *entry_of(ledger *book, uint64_t id) {
    uint64_t at = (id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - LEDGER_BITS);
    for (uint64_t tries = 0; tries < 4096; tries++, at = (at + 1) % LEDGER_SLOTS) {
        ledger_entry *entry = &book->entries[at];
        uint64_t found = __atomic_load_n(&entry->id, __ATOMIC_ACQUIRE);
        if (found == 0 && __atomic_compare_exchange_n(&entry->id, &found, id, false,
                                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            return entry;
        }
        if (found == id) return entry;
    }
    __atomic_add_fetch(&book->overflow, 1, __ATOMIC_RELAXED);
    return NULL;
}

void ledger_note_end(ledger *book, uint64_t id) {
    ledger_entry *entry = entry_of(book, id);
    if (entry != NULL) __atomic_add_fetch(&entry->ended, 1, __ATOMIC_RELAXED);
}

ledger_sum ledger_add_up(const ledger *book) {
    ledger_sum sum = {0};
    for (uint64_t i = 0; i < LEDGER_SLOTS; i++) {
        const ledger_entry *entry = &book->entries[i];
        if (__atomic_load_n(&entry->id, __ATOMIC_ACQUIRE) == 0) continue;
        uint32_t accepted = __atomic_load_n(&entry->accepted, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&entry->ended, __ATOMIC_RELAXED) == 0) {
            sum.foreign += accepted != 0;
            continue;
        }
        sum.ended++;
        sum.delivered += accepted != 0;
        sum.repeated += accepted > 1;
        sum.seen += __atomic_load_n(&entry->seen, __ATOMIC_RELAXED) != 0;
    }
    return sum;
}

void ledger_clear(ledger *book) {
    memset(book->entries, 0, sizeof book->entries);
    book->connections = book->requests = book->bodies = book->body_bytes = book->largest_body = 0;
    book->undecodable = book->overflow = 0;
}

uint64_t collector_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- bodies ---- */

static void note_span(ledger *book, uint64_t id, bool is_accepted) {
    ledger_entry *entry = entry_of(book, id);
    if (entry == NULL) return;
    __atomic_add_fetch(is_accepted ? &entry->accepted : &entry->seen, 1, __ATOMIC_RELEASE);
}

static uint64_t read_hex(const char *text) {
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        unsigned char digit = (unsigned char)text[i];
        value = value << 4 | (digit <= '9' ? digit - 48u : digit - 87u);
    }
    return value;
}

static void note_json(ledger *book, const char *body, size_t length, bool is_accepted) {
    static const char key[] = "\"id\":\"";
    const char *end = body + length;
    while ((body = memmem(body, (size_t)(end - body), key, sizeof key - 1)) != NULL) {
        body += sizeof key - 1;
        if (end - body < 17) break;
        note_span(book, read_hex(body), is_accepted);
        body += 17;
    }
}

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

/* A span is field 1 of the list; its id is field 3, eight bytes. */
static bool note_proto3(ledger *book, const uint8_t *at, size_t length, bool is_accepted) {
    const uint8_t *end = at + length;
    while (at < end) {
        uint64_t key, size;
        if (!read_varint(&at, end, &key) || key != 10 || !read_varint(&at, end, &size) ||
            size > (uint64_t)(end - at)) {
            return false;
        }
        const uint8_t *field = at, *span_end = at += size;
        uint64_t id = 0;
        while (field < span_end && id == 0) {
            if (!read_varint(&field, span_end, &key)) return false;
            switch (key & 7) {
            case 0:
                if (!read_varint(&field, span_end, &size)) return false;
                break;
            case 1:
                field += 8;
                break;
            case 2:
                if (!read_varint(&field, span_end, &size) || size > (uint64_t)(span_end - field))
                    return false;
                if (key >> 3 == 3 && size == 8) {
                    for (int i = 0; i < 8; i++) id = id << 8 | field[i];
                }
                field += size;
                break;
            default:
                return false;
            }
        }
        if (id == 0) return false;
        note_span(book, id, is_accepted);
    }
    return true;
}

bool ledger_note_body(ledger *book, const char *body, size_t length, bool is_proto3,
                      bool is_accepted) {
    if (is_proto3) return note_proto3(book, (const uint8_t *)body, length, is_accepted);
    if (length < 2 || body[0] != '[' || body[length - 1] != ']') return false;
    note_json(book, body, length, is_accepted);
    return true;
}

/* ---- from the program ---- */

void collector_use(ledger *book, const char *script) {
    __atomic_add_fetch(&book->version, 1, __ATOMIC_ACQ_REL);
    snprintf(book->script, sizeof book->script, "%s", script);
    __atomic_add_fetch(&book->version, 1, __ATOMIC_ACQ_REL);
}

ledger *collector_start(const char *script, uint64_t seed) {
    ledger *book = mmap(NULL, sizeof *book, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (book == MAP_FAILED) return NULL;
    book->seed = seed;
    collector_use(book, strcmp(script, "down") == 0 ? "202" : script);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(0);
        collector_serve(book);
    }
    book->pid = pid;
    while (__atomic_load_n(&book->port, __ATOMIC_ACQUIRE) == 0) usleep(1000);
    if (strcmp(script, "down") == 0) {
        collector_use(book, script);
        usleep(20000);
    }
    return book;
}

void collector_stop(ledger *book) {
    kill(book->pid, SIGKILL);
    waitpid(book->pid, NULL, 0);
    munmap(book, sizeof *book);
}
