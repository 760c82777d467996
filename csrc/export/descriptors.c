/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.c - see descriptors.h. A file is known by its device and its number there, which sockets have as well. */
#include "export/descriptors.h"

#include <sys/stat.h>

typedef struct noted_descriptor {
    int descriptor;
    dev_t device;
    ino_t file;
} noted_descriptor;

static noted_descriptor *list_of(const divak_descriptors *descriptors) {
    return (noted_descriptor *)(void *)descriptors->noted.bytes;
}

static size_t count_of(const divak_descriptors *descriptors) {
    return descriptors->noted.length / sizeof(noted_descriptor);
}

static bool is_ours(const noted_descriptor *noted) {
    struct stat now;
    return fstat(noted->descriptor, &now) == 0 && now.st_dev == noted->device && now.st_ino == noted->file;
}

bool divak_descriptors_note(divak_descriptors *descriptors, int descriptor) {
    struct stat now;
    if (fstat(descriptor, &now) != 0) return false;
    const noted_descriptor noted = {.descriptor = descriptor, .device = now.st_dev, .file = now.st_ino};
    divak_buffer_append(&descriptors->noted, &noted, sizeof noted);
    bool is_noted = !descriptors->noted.failed;
    descriptors->noted.failed = false;
    return is_noted;
}

bool divak_descriptors_are_ours(const divak_descriptors *descriptors) {
    const noted_descriptor *list = list_of(descriptors);
    for (size_t i = 0; i < count_of(descriptors); i++) {
        if (!is_ours(&list[i])) return false;
    }
    return true;
}

bool divak_descriptors_forget(divak_descriptors *descriptors, int descriptor) {
    noted_descriptor *list = list_of(descriptors);
    for (size_t i = 0; i < count_of(descriptors); i++) {
        if (list[i].descriptor != descriptor) continue;
        bool was_ours = is_ours(&list[i]);
        list[i] = list[count_of(descriptors) - 1];
        descriptors->noted.length -= sizeof *list;
        return was_ours;
    }
    return true;
}

void divak_descriptors_deinit(divak_descriptors *descriptors) {
    divak_buffer_deinit(&descriptors->noted);
}
