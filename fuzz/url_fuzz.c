/* SPDX-License-Identifier: Apache-2.0 */
/* url_fuzz.c - any bytes as a collector's address. */
#include "divak/status.h"
#include "exact.h"
#include "wire/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    exact_text input = exact_copy(data, size);
    static char buffer[DIVAK_URL_BUFFER_SIZE], second[DIVAK_URL_BUFFER_SIZE];
    divak_url url = {.port = 0};
    const char *error = NULL;
    int status = divak_url_parse(input.text, input.length, buffer, sizeof buffer, &url, &error);
    if (status != DIVAK_OK) {
        MUST(status == DIVAK_ERROR_INVALID && error != NULL && url.full == NULL);
        free(input.text);
        return 0;
    }
    MUST(error == NULL && url.port != 0);
    MUST(strlen(url.full) == url.full_length && strlen(url.display) == url.display_length);
    MUST(strncmp(url.full, url.is_https ? "https://" : "http://", url.is_https ? 8 : 7) == 0);
    for (size_t i = 0; i < url.full_length; i++) MUST(url.full[i] > 0x20 && url.full[i] < 0x7f);
    MUST(strpbrk(url.full, "\"<>\\^`{|}#") == NULL);

    /* Nothing secret is shown, and both forms name the same host and port. */
    const char *shown = strstr(url.display, "://") + 3, *host = strstr(url.full, "://") + 3;
    MUST(strpbrk(shown, "@/?%") == NULL);
    const char *at = memchr(host, '@', strcspn(host, "/?"));
    if (at != NULL) host = at + 1;
    size_t shown_length = strlen(shown);
    MUST(strncmp(host, shown, shown_length) == 0 && host[shown_length] == '/');
    char port[8];
    snprintf(port, sizeof port, ":%d", url.port);
    MUST(strcmp(strrchr(shown, ':'), port) == 0);

    divak_url again;
    if (url.full_length <= DIVAK_URL_MAX) {
        MUST(divak_url_parse(url.full, url.full_length, second, sizeof second, &again, NULL) ==
             DIVAK_OK);
        MUST(strcmp(url.full, again.full) == 0 && strcmp(url.display, again.display) == 0);
        MUST(url.is_loopback == again.is_loopback);
    }
    /* One byte less than needed is refused. */
    size_t needed = url.full_length + 1 + url.display_length + 1;
    exact_text small = exact_room(needed - 1);
    MUST(divak_url_parse(input.text, input.length, small.text, needed - 1, &again, NULL) ==
         DIVAK_ERROR_INVALID);
    free(small.text);
    free(input.text);
    return 0;
}
