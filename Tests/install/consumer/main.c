/* main.c - a stranger's C program: traces one span with the installed library, and finds it in what was sent. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <divak/divak.h>

#include <stdio.h>
#include <string.h>

typedef struct sent {
    size_t spans;
    int is_named;
} sent;

/* Takes what would go to the collector: text of a known length, not ended by 0. */
static int take(void *context, const char *body, size_t length, size_t span_count) {
    sent *all = context;
    char text[4096];
    size_t kept = length < sizeof text ? length : sizeof text - 1;
    memcpy(text, body, kept);
    text[kept] = 0;
    all->spans += span_count;
    if (strstr(text, "\"name\":\"buy\"") != NULL && strstr(text, "\"item\":\"tea\"") != NULL) all->is_named = 1;
    return DIVAK_OK;
}

int main(void) {
    sent all = {0, 0};
    divak_config *config = divak_config_create_without_environment();
    divak_tracer *tracer = NULL;
    divak_span span;
    if (divak_config_set(config, "service_name", "stranger") != DIVAK_OK ||
        divak_config_add_callback_reporter(config, take, &all) != DIVAK_OK ||
        divak_tracer_create(config, &tracer) != DIVAK_OK) {
        fprintf(stderr, "%s\n", divak_config_error(config));
        return 1;
    }
    divak_config_destroy(config);

    divak_span_start(tracer, "buy", 3, DIVAK_KIND_CLIENT, NULL, &span);
    divak_span_tag(&span, "item", 4, "tea", 3);
    divak_span_finish(&span);
    int status = divak_tracer_shutdown(tracer, 5000, NULL);

    printf("Divak %s from C, %zu span sent: %s\n", divak_version(), all.spans, divak_status_text(status));
    if (status != DIVAK_OK || all.spans != 1 || !all.is_named) return 1;
    return strcmp(divak_version(), EXPECTED_VERSION) == 0 && strcmp(DIVAK_VERSION, EXPECTED_VERSION) == 0 ? 0 : 1;
}
