/* SPDX-License-Identifier: Apache-2.0 */
/* copies.c - this copy's note, and the search for those of others. */
#include "base/copies.h"

#include <stddef.h>
#include <string.h>

/* `used`: only the note names it. */
__attribute__((used)) divak_copy divak_own_copy;

uint32_t divak_copies_salt(void) {
    /* Two copies are at two addresses, with and without randomisation; multiplied, so that they are far apart. */
    uint64_t address = (uint64_t)(uintptr_t)&divak_own_copy;
    return (uint32_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

#if defined(__ELF__)

#include <link.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#if UINTPTR_MAX > 0xffffffff
#define NOTE_OFFSET ".quad"
#define NOTE_OFFSET_BYTES "8"
typedef int64_t note_offset;
#else
#define NOTE_OFFSET ".long"
#define NOTE_OFFSET_BYTES "4"
typedef int32_t note_offset;
#endif
/* Lengths of name and description, type, name; then how far it is from here to divak_own_copy. */
__asm__(".pushsection .note.divak, \"a\", %note\n"
        ".balign 4\n"
        ".long 6, " NOTE_OFFSET_BYTES ", " TEXT(DIVAK_COPIES_VERSION) "\n"
        ".asciz \"Divak\"\n"
        ".balign 4\n"
        "0: " NOTE_OFFSET " divak_own_copy - 0b\n"
        ".popsection\n");

typedef struct search {
    bool (*visit)(void *context, divak_copy *copy);
    void *context;
    unsigned strangers;
} search;

typedef struct note_head {
    uint32_t name_length, content_length, type;
} note_head;

static bool is_ours(const note_head *head, const uint8_t *name) {
    return head->name_length == sizeof "Divak" && memcmp(name, "Divak", sizeof "Divak") == 0;
}

/* One note; false: enough. */
static bool look_at(search *looking, const note_head *head, const uint8_t *name, const uint8_t *content) {
    if (!is_ours(head, name)) return true;
    note_offset offset;
    if (head->type != DIVAK_COPIES_VERSION || head->content_length != sizeof offset) {
        looking->strangers++;
        return true;
    }
    memcpy(&offset, content, sizeof offset);
    divak_copy *copy = (divak_copy *)((uintptr_t)content + (uintptr_t)offset);
    return copy == &divak_own_copy || looking->visit(looking->context, copy);
}

/* All notes of a segment; false: enough. */
static bool look_through(search *looking, const uint8_t *at, size_t left, size_t alignment) {
    note_head head;
    while (left >= sizeof head) {
        memcpy(&head, at, sizeof head);
        /* As 64-bit numbers, which no two lengths overflow. */
        const uint64_t content = (sizeof head + (uint64_t)head.name_length + alignment - 1) / alignment * alignment;
        const uint64_t end = content + head.content_length;
        if (end > left) return true;
        if (!look_at(looking, &head, at + sizeof head, at + content)) return false;
        const uint64_t next = (end + alignment - 1) / alignment * alignment;
        if (next > left) return true;
        at += next;
        left -= (size_t)next;
    }
    return true;
}

/* Whether a segment is in memory: inside of one that is loaded from the file and may be read. */
static bool is_loaded(const struct dl_phdr_info *object, const ElfW(Phdr) *segment) {
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *loaded = &object->dlpi_phdr[i];
        if (loaded->p_type != PT_LOAD || (loaded->p_flags & PF_R) == 0 || segment->p_vaddr < loaded->p_vaddr) continue;
        const uint64_t begin = segment->p_vaddr - loaded->p_vaddr;
        if (begin <= loaded->p_filesz && segment->p_memsz <= loaded->p_filesz - begin) return true;
    }
    return false;
}

static int look_into(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_NOTE || !is_loaded(object, segment)) continue;
        const uint8_t *notes = (const uint8_t *)((uintptr_t)object->dlpi_addr + segment->p_vaddr);
        if (!look_through(context, notes, segment->p_memsz, segment->p_align == 8 ? 8 : 4)) return 1;
    }
    return 0;
}

unsigned divak_copies_visit(bool (*visit)(void *context, divak_copy *copy), void *context) {
    search looking = {.visit = visit, .context = context};
    (void)dl_iterate_phdr(look_into, &looking);
    return looking.strangers;
}

#else

unsigned divak_copies_visit(bool (*visit)(void *context, divak_copy *copy), void *context) {
    (void)visit;
    (void)context;
    return 0;
}

#endif
