// divak_web_files.h - the files of the trace view, compiled into the program.
// SPDX-License-Identifier: Apache-2.0
#ifndef DIVAK_WEB_FILES_H
#define DIVAK_WEB_FILES_H

#include <stddef.h>

/* One file: where it is served, what it is, and its bytes, which live as long as the program. */
typedef struct divak_web_file {
    const char *path;         /* such as "/assets/app/main.js" */
    const char *content_type; /* for the header of that name */
    const unsigned char *bytes;
    size_t size;
} divak_web_file;

/* The file at that place in the table, or NULL behind its end. */
const divak_web_file *divak_web_file_at(size_t index);

#endif
