/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - what `divak exec` was asked for. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"

static const char usage[] =
    "usage: divak exec [--name NAME] [--service NAME] [--tag KEY=VALUE]... [--] COMMAND [ARGUMENT]...\n";

static const char help[] =
    "\n"
    "Runs a command as a span. What it starts in turn finds the span in its environment\n"
    "(TRACEPARENT, TRACESTATE, BAGGAGE, B3), so that programs and nested calls of divak exec\n"
    "become one trace. Exit status, signals and terminal are the command's own.\n"
    "\n"
    "  --name NAME        the name of the span; the command's if there is none\n"
    "  --service NAME     who runs it; DIVAK_SERVICE_NAME, or \"shell\"\n"
    "  --tag KEY=VALUE    a tag; up to 64\n"
    "\n"
    "The collector and the rest come from the environment (DIVAK_ENDPOINT, ...). When the command\n"
    "has ended, DIVAK_CLOSE_TIMEOUT (1s) is how long it may take to deliver the span; where nobody\n"
    "listens it is given up at once.\n"
    "\n"
    "  divak exec --name build -- make all\n";

static bool refuse(exec_options *options, const char *what, const char *value, const char *accepted) {
    fprintf(stderr, "divak exec: %s \"%s\" is not accepted: %s\n%s", what, value, accepted, usage);
    options->exit_status = EXEC_USAGE;
    return false;
}

static bool add_tag(exec_options *options, const char *text) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) return refuse(options, "--tag", text, "KEY=VALUE");
    if (options->tag_count == EXEC_TAGS_MAX) return refuse(options, "--tag", text, "64 tags at most");
    options->tags[options->tag_count++] =
        (exec_tag){.key = text, .key_length = (size_t)(equals - text), .value = equals + 1};
    return true;
}

static bool finish_reading(exec_options *options, char **rest) {
    if (*rest == NULL) {
        fprintf(stderr, "divak exec: there is no command to run\n%s", usage);
        options->exit_status = EXEC_USAGE;
        return false;
    }
    options->command = rest;
    return true;
}

/* An option as it was typed; of letters behind one dash getopt tells only which it was. */
static const char *unknown(const char *argument, char letter[3]) {
    if (optopt == 0 || strchr("nsth", optopt) != NULL) return argument;
    letter[1] = (char)optopt;
    return letter;
}

bool exec_options_read(int count, char **arguments, exec_options *out_options) {
    static const struct option long_options[] = {
        {"name", required_argument, NULL, 'n'},
        {"service", required_argument, NULL, 's'},
        {"tag", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    exec_options *options = out_options;
    char letter[3] = "-";
    *options = (exec_options){.exit_status = 0};
    opterr = 0;
    /* "+": options behind the command are the command's. ":" a missing value is told apart. */
    for (int option; (option = getopt_long(count, arguments, "+:n:s:t:h", long_options, NULL)) != -1;) {
        switch (option) {
        case 'n': options->name = optarg; break;
        case 's':
            if (*optarg == '\0') return refuse(options, "--service", optarg, "a name");
            options->service = optarg;
            break;
        case 't':
            if (!add_tag(options, optarg)) return false;
            break;
        case 'h':
            printf("%s%s", usage, help);
            return false;
        case ':': return refuse(options, "option", arguments[optind - 1], "it wants a value");
        default:
            return refuse(options, "option", unknown(arguments[optind - 1], letter),
                          "--name, --service, --tag, --help; -- ends the options");
        }
    }
    return finish_reading(options, arguments + optind);
}
