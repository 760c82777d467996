/* http_tls_test.c - bad certificates and protocols: all refused, and no byte of a body or header
 * sent.
 *
 * The certificates are made by the openssl command when the test runs; without that command only
 * the handshakes that need none are tried. Needs libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "export/http.h"

#include "divak/status.h"

#include "http_server.h"

#define MS UINT64_C(1000000)
/* Nothing that is refused waits for half of it. */
#define PATIENCE 20000

static char folder[] = "/tmp/divak-tls-XXXXXX";
static bool has_certificates;

/* One authority, one that nobody trusts, and the certificates they sign. issue NAME KEY DIGEST CA
 * FROM UNTIL EXTENSIONS */
static const char script[] =
    "set -e; cd \"$1\"\n"
    "export OPENSSL_CONF=\"$1/ca.cnf\"\n"
    "cat > ca.cnf <<'END'\n"
    "openssl_conf = all\n"
    "[all]\n"
    "[ca]\ndefault_ca = own\n"
    "[own]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\npolicy = any\nunique_subject = "
    "no\n"
    "copy_extensions = none\n"
    "[any]\ncommonName = supplied\n"
    "[req]\ndistinguished_name = dn\nprompt = no\n"
    "[dn]\ncommonName = divak test\n"
    "[authority]\nbasicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign\n"
    "END\n"
    ": > index\n"
    "authority() { openssl req -x509 -newkey rsa:2048 -nodes -keyout $1.key -out $1.pem -days 30 "
    "\\\n"
    "    -subj /CN=$1 -extensions authority -config ca.cnf; }\n"
    "issue() { printf '[x]\\n%b\\n' \"$7\" > $1.ext\n"
    "  openssl req -newkey $2 -nodes -keyout $1.key -out $1.csr -subj /CN=$1.test -config ca.cnf\n"
    "  openssl ca -batch -config ca.cnf -md $3 -cert $4.pem -keyfile $4.key -startdate $5 -enddate "
    "$6 \\\n"
    "    -extfile $1.ext -extensions x -in $1.csr -out $1.pem -notext; }\n"
    "old=20200101000000Z; now=20230101000000Z; far=20490101000000Z; later=20480101000000Z\n"
    "ours='subjectAltName=IP:127.0.0.1,DNS:localhost'\n"
    "authority ca; authority stranger\n"
    "issue good ec:params sha256 ca $now $far \"$ours\"\n"
    "issue expired ec:params sha256 ca $old $now \"$ours\"\n"
    "issue future ec:params sha256 ca $later $far \"$ours\"\n"
    "issue otherhost ec:params sha256 ca $now $far 'subjectAltName=DNS:other.test'\n"
    "issue otheraddress ec:params sha256 ca $now $far 'subjectAltName=IP:127.0.0.9'\n"
    "issue strange ec:params sha256 stranger $now $far \"$ours\"\n"
    "issue client ec:params sha256 ca $now $far \"$ours\\nextendedKeyUsage=clientAuth\"\n"
    "issue critical ec:params sha256 ca $now $far \"$ours\\n1.2.3.4.5=critical,ASN1:NULL\"\n"
    "issue weak rsa:1024 sha256 ca $now $far \"$ours\"\n"
    "issue md5 rsa:2048 md5 ca $now $far \"$ours\"\n"
    "issue leaf rsa:2048 sha256 ca $now $far 'basicConstraints=critical,CA:false'\n"
    "issue byleaf ec:params sha256 leaf $now $far \"$ours\"; cat leaf.pem >> byleaf.pem\n"
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 30 -subj "
    "/CN=localhost \\\n"
    "    -addext \"$ours\" -config ca.cnf\n";

static bool make_certificates(void) {
    char path[64], command[200];
    if (mkdtemp(folder) == NULL || system("command -v openssl > /dev/null 2>&1") != 0) return false;
    snprintf(path, sizeof path, "%s/make", folder);
    FILE *file = fopen(path, "w");
    /* ec:params names a file of curve parameters, made first. */
    fprintf(file, "cd \"$1\"; openssl ecparam -name prime256v1 -out params\n%s", script);
    fclose(file);
    snprintf(command, sizeof command, "sh %s/make %s > %s/log 2>&1", folder, folder, folder);
    if (system(command) == 0) return true;
    snprintf(command, sizeof command, "tail -5 %s/log", folder);
    CHECK(system(command) == 0 && false);
    return false;
}

typedef struct {
    const char *what;
    const char *certificate;
    const char *mode;
    const char *host;
    const char *says; /* in the text, for those where it helps the reader of a log */
} peer;

/* The first is the one that must work: else all would be refused for a wrong reason. */
static const peer peers[] = {
    {"good", "good", "any", "127.0.0.1", ""},
    {"good, by name", "good", "TLSv1.2", "localhost", ""},
    {"self-signed", "own", "any", "127.0.0.1", "self"},
    {"expired", "expired", "any", "127.0.0.1", "expired"},
    {"not yet valid", "future", "any", "127.0.0.1", "not yet valid"},
    {"for another name", "otherhost", "any", "localhost", "localhost"},
    {"for another name, by address", "otherhost", "any", "127.0.0.1", "127.0.0.1"},
    {"for another address", "otheraddress", "any", "127.0.0.1", "127.0.0.1"},
    {"signed by a stranger", "strange", "any", "127.0.0.1", "issuer"},
    {"for clients only", "client", "any", "127.0.0.1", "purpose"},
    {"with a critical extension nobody knows", "critical", "any", "127.0.0.1", "critical"},
    {"with a short key", "weak", "weak", "127.0.0.1", ""},
    {"signed over MD5", "md5", "weak", "127.0.0.1", ""},
    {"signed by a leaf", "byleaf", "any", "127.0.0.1", ""},
    {"TLS 1.0 only", "good", "TLSv1", "127.0.0.1", ""},
    {"TLS 1.1 only", "good", "TLSv1.1", "127.0.0.1", ""},
    {"no certificate at all", "good", "anonymous", "127.0.0.1", ""},
    {"no TLS at all", "good", "plain", "127.0.0.1", ""},
};

enum { PEERS = sizeof peers / sizeof peers[0], GOOD_PEERS = 2 };

static bool start_server(void) {
    static char files[2 * PEERS][64];
    const char *arguments[4 * PEERS + 1];
    int count = 0;
    for (int i = 0; i < PEERS; i++) {
        snprintf(files[2 * i], sizeof files[0], "%s/%s.pem", folder, peers[i].certificate);
        snprintf(files[2 * i + 1], sizeof files[0], "%s/%s.key", folder, peers[i].certificate);
        arguments[count++] = "--also-tls";
        arguments[count++] = files[2 * i];
        arguments[count++] = files[2 * i + 1];
        arguments[count++] = peers[i].mode;
    }
    arguments[count] = NULL;
    return server_start_with(has_certificates ? arguments : NULL, has_certificates ? 1 + PEERS : 1);
}

static divak_http_reply post_to(const char *url, const char *ca_file, uint64_t timeout) {
    char error[200];
    const char *const headers[] = {"Authorization: Bearer SECRET"};
    divak_http_environment environment;
    CHECK_INT(DIVAK_OK, divak_http_environment_read(&environment));
    const divak_http_options options = {.url = url,
                                        .display = "https://display:1",
                                        .ca_file = ca_file,
                                        .environment = &environment,
                                        .headers = headers,
                                        .header_count = 1,
                                        .timeout = timeout};
    divak_http_pool *pool;
    divak_http_target *target;
    divak_http_reply reply = {.outcome = (divak_outcome)-1};
    size_t length;
    char *body = make_body(1, 1, 3000, &length);
    CHECK_INT(DIVAK_OK, divak_http_pool_create(&pool));
    CHECK_INT(DIVAK_OK, divak_http_target_create(pool, &options, &target, error, sizeof error));
    CHECK_INT(DIVAK_OK, divak_http_send(target, body, length, NULL));
    CHECK_INT(1, divak_http_pool_wait(pool, 2 * PATIENCE * MS, &reply, 1));
    CHECK_INT(0, divak_http_pool_in_flight(pool));
    CHECK(strstr(reply.text, "SECRET") == NULL);
    divak_http_pool_destroy(pool);
    divak_http_environment_deinit(&environment);
    free(body);
    return reply;
}

static divak_http_reply post(const char *host, int port, const char *ca_file, uint64_t timeout) {
    char url[128];
    snprintf(url, sizeof url, "https://%s:%d/202/tls?key=SECRET", host, port);
    return post_to(url, ca_file, timeout);
}

static void check_nothing_sent(const char *what) {
    int failures = check_failures;
    CHECK_INT(0, server_count("/", "requests"));
    CHECK_INT(0, server_count("/", "body_bytes"));
    CHECK_INT(0, server_count("/", "leaks"));
    if (check_failures != failures) printf("  %s\n", what);
}

TEST(bad_certificates_and_old_protocols_are_refused_and_nothing_is_sent) {
    if (!has_certificates) {
        printf("no openssl command: not tried\n");
        return;
    }
    char ca_file[64];
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    int descriptors = -1;
    for (int i = 0; i < PEERS; i++) {
        int failures = check_failures;
        server_reset();
        uint64_t start = divak_clock_monotonic_now();
        divak_http_reply reply = post(peers[i].host, server_ports[1 + i], ca_file, PATIENCE * MS);
        CHECK(milliseconds_since(start) < PATIENCE / 2);
        if (i < GOOD_PEERS) {
            CHECK_INT(DIVAK_OUTCOME_DELIVERED, reply.outcome);
            CHECK_INT(1, server_count("/202/tls", "spans"));
        } else {
            CHECK_INT(DIVAK_OUTCOME_TLS, reply.outcome);
            CHECK_INT(0, reply.http_status);
            CHECK(!reply.maybe_delivered);
            CHECK(strstr(reply.text, peers[i].says) != NULL);
            check_nothing_sent(peers[i].what);
        }
        if (descriptors < 0) descriptors = open_descriptors();
        CHECK_INT(descriptors, open_descriptors());
        if (check_failures != failures) {
            printf("  %s: outcome %d, \"%s\"\n", peers[i].what, (int)reply.outcome, reply.text);
        }
    }
    printf("%d peers that must be refused\n", PEERS - GOOD_PEERS);
}

/* This program again, in a system whose policy allows what is old: its outcome is its exit status.
 */
static int outcome_in_lenient_system(int port) {
    char policy[80], peer_text[100];
    snprintf(policy, sizeof policy, "%s/lenient.cnf", folder);
    FILE *file = fopen(policy, "w");
    fputs("openssl_conf = all\n[all]\nssl_conf = modules\n[modules]\nsystem_default = system\n"
          "[system]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n",
          file);
    fclose(file);
    snprintf(peer_text, sizeof peer_text, "%d %s/ca.pem", port, folder);
    pid_t child = fork();
    if (child == 0) {
        setenv("OPENSSL_CONF", policy, 1);
        setenv("DIVAK_TEST_LENIENT_PEER", peer_text, 1);
        execl("/proc/self/exe", "lenient", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(old_protocols_are_refused_even_where_the_system_allows_them) {
    if (!has_certificates) return;
    for (int i = 0; i < PEERS; i++) {
        bool is_old = strcmp(peers[i].mode, "TLSv1") == 0 || strcmp(peers[i].mode, "TLSv1.1") == 0;
        if (!is_old && i >= GOOD_PEERS) continue;
        server_reset();
        CHECK_INT(is_old ? DIVAK_OUTCOME_TLS : DIVAK_OUTCOME_DELIVERED,
                  outcome_in_lenient_system(server_ports[1 + i]));
        if (is_old) check_nothing_sent(peers[i].what);
    }
}

TEST(naming_authorities_means_these_alone_and_naming_none_means_those_of_the_system) {
    if (!has_certificates) return;
    char stranger[64];
    server_reset();
    CHECK_INT(DIVAK_OUTCOME_TLS, post("127.0.0.1", server_ports[1], NULL, PATIENCE * MS).outcome);
    snprintf(stranger, sizeof stranger, "%s/stranger.pem", folder);
    CHECK_INT(DIVAK_OUTCOME_TLS, post("127.0.0.1", server_ports[1], stranger, PATIENCE * MS).outcome);
    CHECK_INT(DIVAK_OUTCOME_TLS,
              post("127.0.0.1", server_ports[1], "/dev/null", PATIENCE * MS).outcome);
    check_nothing_sent("wrong authorities");
    char ca_file[64];
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    setenv("SSL_CERT_FILE", ca_file, 1);
    CHECK_INT(DIVAK_OUTCOME_DELIVERED, post("127.0.0.1", server_ports[1], NULL, PATIENCE * MS).outcome);
    unsetenv("SSL_CERT_FILE");
}

TEST(a_proxy_that_is_talked_to_by_tls_is_verified_by_the_same_authorities) {
    if (!has_certificates) return;
    static const struct {
        const char *scheme, *authority;
        divak_outcome outcome;
    } cases[] = {
        {"https", "ca", DIVAK_OUTCOME_DELIVERED},
        {"HTTPS", "ca", DIVAK_OUTCOME_DELIVERED},
        {"https", "stranger", DIVAK_OUTCOME_TLS},
        {"HTTPS", "stranger", DIVAK_OUTCOME_TLS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char proxy[64], ca_file[64];
        server_reset();
        snprintf(proxy, sizeof proxy, "%s://127.0.0.1:%d", cases[i].scheme, server_ports[1]);
        snprintf(ca_file, sizeof ca_file, "%s/%s.pem", folder, cases[i].authority);
        setenv("http_proxy", proxy, 1);
        divak_http_reply reply = post_to("http://unresolvable.test/202/tls?key=SECRET", ca_file, PATIENCE * MS);
        unsetenv("http_proxy");
        CHECK_INT(cases[i].outcome, reply.outcome);
        if (cases[i].outcome != reply.outcome) printf("  %s, %s: \"%s\"\n", proxy, ca_file, reply.text);
        CHECK_INT(cases[i].outcome == DIVAK_OUTCOME_DELIVERED, server_count("/202/tls", "proxied"));
    }
}

TEST(plain_http_on_the_port_of_https_is_no_way_to_get_at_the_body) {
    server_reset();
    CHECK_INT(DIVAK_OUTCOME_TLS, post("127.0.0.1", server_ports[0], NULL, PATIENCE * MS).outcome);
    check_nothing_sent("plain");
}

static int listen_somewhere(int *out_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(0, bind(listener, (struct sockaddr *)&address, size));
    CHECK_INT(0, listen(listener, 16));
    CHECK_INT(0, getsockname(listener, (struct sockaddr *)&address, &size));
    *out_port = ntohs(address.sin_port);
    return listener;
}

TEST(a_handshake_that_stalls_ends_with_the_time_limit_and_may_be_repeated) {
    int port;
    int listener = listen_somewhere(&port);
    uint64_t start = divak_clock_monotonic_now();
    divak_http_reply reply = post("127.0.0.1", port, NULL, 300 * MS);
    CHECK_INT(DIVAK_OUTCOME_RETRY, reply.outcome);
    CHECK(!reply.maybe_delivered);
    CHECK(milliseconds_since(start) >= 299 && milliseconds_since(start) < PATIENCE / 2);
    close(listener);
}

TEST(a_handshake_that_is_reset_or_closed_may_be_repeated) {
    for (int is_reset = 0; is_reset <= 1; is_reset++) {
        int port;
        int listener = listen_somewhere(&port);
        pid_t child = fork();
        if (child == 0) {
            char bytes[2048];
            int connection = accept(listener, NULL, NULL);
            if (read(connection, bytes, sizeof bytes) <= 0) _exit(1);
            const struct linger hard = {1, 0};
            if (is_reset) setsockopt(connection, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
            close(connection);
            _exit(0);
        }
        divak_http_reply reply = post("127.0.0.1", port, NULL, PATIENCE * MS);
        CHECK_INT(DIVAK_OUTCOME_RETRY, reply.outcome);
        if (reply.outcome != DIVAK_OUTCOME_RETRY) printf("  \"%s\"\n", reply.text);
        CHECK(!reply.maybe_delivered);
        waitpid(child, NULL, 0);
        close(listener);
    }
}

int main(int argc, char **argv) {
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &broken_pipe, NULL);
    unsetenv("SSL_CERT_FILE");
    const char *lenient_peer = getenv("DIVAK_TEST_LENIENT_PEER");
    if (lenient_peer != NULL) {
        char *ca_file;
        int port = (int)strtol(lenient_peer, &ca_file, 10);
        return (int)post(peers[0].host, port, ca_file + 1, PATIENCE * MS).outcome;
    }
    unsetenv("OPENSSL_CONF");
    divak_clock_init();
    has_certificates = make_certificates();
    int status = EXIT_FAILURE;
    if (start_server()) status = check_run_all(argc, argv);
    server_stop();
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) printf("  %s is left\n", folder);
    return status;
}
