/* http_environment_test.c - variables are read when a tracer is made and never again, not even by the child of a fork.
 * Needs libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <sys/wait.h>

#include "http_server.h"
#include "tracing.h"

TRACING_CHILDREN_HAVE_THREADS()

/* ---- The C library's, counted: this one stands before it, for libcurl as well ---- */

extern char **environ;
static uint64_t reads;
static char last_read[64];

char *getenv(const char *name) {
    size_t length = strlen(name);
    __atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);
    snprintf(last_read, sizeof last_read, "%s", name);
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
    }
    return NULL;
}

static const char *const variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        "no_proxy", "NO_PROXY", "SSL_CERT_FILE"};

static void clear_variables(void) {
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
}

/* A tracer whose collector is reached only through the proxy. */
static void begin(tracing *t, const char *path) {
    char endpoint[200];
    tracing_begin_plain(t);
    snprintf(endpoint, sizeof endpoint, "http://unresolvable.test:80%s", path);
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(t->config, endpoint));
    tracing_start(t);
}

static void record_and_flush(divak_tracer *tracer) {
    divak_span span = tracing_span(tracer, "op", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(DIVAK_OK, divak_tracer_flush(tracer, 20000, NULL));
}

TEST(a_forked_child_uses_the_proxy_that_was_set_when_the_tracer_was_made) {
    char proxy[64];
    tracing t;
    server_reset();
    clear_variables();
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server_ports[0]);
    setenv("http_proxy", proxy, 1);
    begin(&t, "/202/parent");
    record_and_flush(t.tracer);
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* nobody is there */
    setenv("no_proxy", "unresolvable.test", 1);
    setenv("SSL_CERT_FILE", "/no/such/file", 1);
    uint64_t before = __atomic_load_n(&reads, __ATOMIC_RELAXED);
    record_and_flush(t.tracer);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(TRACING_HANG_SECONDS);
        record_and_flush(t.tracer);
        CHECK_INT(before, __atomic_load_n(&reads, __ATOMIC_RELAXED));
        if (before != reads) printf("  read in the child: %s\n", last_read);
        fflush(stdout);
        _exit(check_failures != 0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(0, status);
    record_and_flush(t.tracer);
    CHECK_INT(before, __atomic_load_n(&reads, __ATOMIC_RELAXED));
    if (before != reads) printf("  read: %s\n", last_read);
    CHECK_INT(4, server_count("/202/parent", "proxied"));
    clear_variables();
    tracing_end(&t);
}

TEST(the_next_tracer_reads_them_anew) {
    char proxy[64];
    tracing t;
    server_reset();
    clear_variables();
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    begin(&t, "/202/again");
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 300, NULL));
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_shutdown(t.tracer, 100, NULL));
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server_ports[0]);
    setenv("http_proxy", proxy, 1);
    begin(&t, "/202/again");
    record_and_flush(t.tracer);
    CHECK_INT(1, server_count("/202/again", "proxied"));
    clear_variables();
    tracing_end(&t);
}

SERVER_MAIN()
