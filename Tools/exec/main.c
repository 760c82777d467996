/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the command `divak`: begins `divak exec` by itself, hands everything else on.
 *
 *     divak exec --name build -- make all
 *
 * What it wraps should start at once, so this is a small C program without libcurl, which takes 3 ms
 * to load; the other commands, which bring a server and a database along, are another program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"

int main(int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], "exec") == 0) return divak_exec(count - 1, arguments + 1);
    exec_other("divak-tools", arguments);
    fprintf(stderr, "divak: divak-tools: %s; alone, this program knows \"divak exec\" only\n",
            strerror(errno));
    return EXEC_NOT_FOUND;
}
