/* curl.c - the transport over libcurl, and the one file that knows libcurl.
 *
 *     pool     one multi handle; drives everything from the thread of its owner
 *       target     one endpoint: checked options, header lists, what it takes as encoding
 *         transfer     one easy handle, made on first use, kept with its buffers for the next one
 *
 * A request is one or more attempts of its transfer. An attempt that ended is looked at by
 * `complete`, which either starts another one (a dead kept-alive connection, a refusal of gzip) or
 * writes the reply.
 *
 * A little longer than files are here, since nothing of libcurl may be seen elsewhere.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "export/http.h"

#include "base/atomics.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "divak/status.h"
#include "export/gzip.h"
#include "export/http_address.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#if LIBCURL_VERSION_NUM < 0x075500
#error "libcurl 7.85 or later is needed; build with DIVAK_WITHOUT_CURL to do without it"
#endif

enum {
    OLDEST_LIBCURL = 0x075500,
    SAFE_SESSIONS_LIBCURL = 0x080c00, /* before, it frees a name twice when memory runs out while it keeps a session */
    BODY_LIMIT = 64 * 1024,        /* of an answer; what is beyond is not read */
    HEADER_LIMIT = 64 * 1024,      /* of all header lines of an attempt together */
    UPLOAD_STEP = 64 * 1024, /* stays in cache: with 2 MiB half of the time went into page faults of its copy */
    IDLE_CONNECTION_SECONDS =
        4, /* below the 5 s after which common servers close an idle connection */
    CONNECTION_LIFE_SECONDS = 300, /* so that a collector that moved in DNS is found */
    IDLE_SPINS = 16, /* early returns of an idle poll before it is not trusted any more */
    NAP_MILLISECONDS = 50
};

#define MILLISECOND UINT64_C(1000000)

/* An answer whose status is known may take this long to end. */
static const uint64_t answer_time = 1000 * MILLISECOND;

typedef struct transfer {
    CURL *easy;
    divak_http_target *target;

    /* The request. */
    void *tag;
    const void *body;
    size_t length;
    uint64_t deadline;
    divak_buffer compressed;
    bool is_active;
    bool is_gzip;          /* the attempt under way sends `compressed` */
    bool was_repeated;     /* the one attempt on a fresh connection is used up */
    bool body_left_before; /* on a connection that then failed, in an earlier attempt */
    int gzip_status;       /* what the gzip attempt got, when the plain one is under way; else 0 */

    /* The attempt. */
    uint64_t answered_at; /* when the last header line of the final answer came; 0 before */
    size_t header_bytes;
    size_t answer_bytes;
    unsigned starts;    /* connections on which libcurl began to send this attempt */
    bool has_body_left; /* on the connection of the latest start */
    bool address_refused;
    char error[CURL_ERROR_SIZE];
} transfer;

struct divak_http_target {
    divak_http_pool *pool;
    divak_http_target *next;
    divak_http_settings settings;
    divak_http_encoding encoding;
    struct curl_slist *plain_headers;
    struct curl_slist *gzip_headers;
    unsigned in_flight;
    transfer *transfers; /* settings.max_in_flight of them */
};

struct divak_http_pool {
    CURLM *multi;
    divak_http_target *targets;
    divak_gzip *gzip; /* made with the first target that wants it */
    unsigned in_flight;
    unsigned idle_spins;
    divak_atomic_u32 woken; /* any thread sets it, the owner takes it */
};

/* ---- libcurl as a whole ---- */

const char *divak_http_unsupported_text(void) {
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->version_num < OLDEST_LIBCURL) return "libcurl is older than 7.85";
    if ((info->features & CURL_VERSION_ASYNCHDNS) == 0)
        return "libcurl resolves names synchronously";
    if ((info->features & CURL_VERSION_THREADSAFE) == 0)
        return "libcurl's initialisation is not thread-safe";
    return NULL;
}

/* Never undone: the host may use libcurl too, and its counterpart is not safe while other threads
 * run. */
static int init_library(void) {
    static divak_atomic_u32 is_done;
    if (divak_http_unsupported_text() != NULL) return DIVAK_ERROR_UNSUPPORTED;
    /* Pairs with the release below: what libcurl set up is ours to see. Two threads may both call
     * it, it counts. */
    if (divak_load_acquire(&is_done) != 0) return DIVAK_OK;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return DIVAK_ERROR_MEMORY;
    divak_store_release(&is_done, 1);
    return DIVAK_OK;
}

int divak_http_pool_create(divak_http_pool **out_pool) {
    int status = init_library();
    if (status != DIVAK_OK) return status;
    divak_http_pool *pool = divak_memory_allocate_zeroed(1, sizeof *pool);
    if (pool == NULL) return DIVAK_ERROR_MEMORY;
    pool->multi = curl_multi_init();
    if (pool->multi == NULL) {
        divak_memory_release(pool);
        return DIVAK_ERROR_MEMORY;
    }
    *out_pool = pool;
    return DIVAK_OK;
}

void divak_http_pool_destroy(divak_http_pool *pool) {
    if (pool == NULL) return;
    while (pool->targets != NULL) divak_http_target_destroy(pool->targets);
    curl_multi_cleanup(pool->multi);
    divak_gzip_destroy(pool->gzip);
    divak_memory_release(pool);
}

void divak_http_pool_abandon(divak_http_pool *pool) {
    /* Kept where leak checkers find it, as long as there is room: it is lost on purpose. */
    static divak_atomic_pointer lost[16];
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        void *none = NULL;
        if (divak_cas_relaxed(&lost[i], &none, pool)) return;
    }
}

/* ---- What libcurl calls back for ---- */

static size_t on_header(char *line, size_t size, size_t count, void *context) {
    transfer *attempt = context;
    size_t length = size * count;
    attempt->header_bytes += length;
    if (attempt->header_bytes > HEADER_LIMIT) return 0;
    if (length <= 2 && (line[0] == '\r' || line[0] == '\n')) {
        long status = 0;
        curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200 && attempt->answered_at == 0)
            attempt->answered_at = divak_clock_monotonic_now();
    }
    return length;
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *context) {
    transfer *attempt = context;
    (void)bytes;
    attempt->answer_bytes += size * count;
    return attempt->answer_bytes > BODY_LIMIT ? 0 : size * count;
}

/* Called before connecting, with an address and no longer a name. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address) {
    transfer *attempt = context;
    (void)purpose;
    bool is_refused = true;
    if (address->family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address->addr, sizeof v4);
        is_refused = divak_http_address_is_refused_v4((const uint8_t *)&v4.sin_addr);
    } else if (address->family == AF_INET6) {
        struct sockaddr_in6 v6;
        /* libcurl lets the address run over the end of its generic form. */
        memcpy(&v6, (const char *)address + offsetof(struct curl_sockaddr, addr), sizeof v6);
        is_refused = divak_http_address_is_refused_v6((const uint8_t *)&v6.sin6_addr);
    }
    if (is_refused && !attempt->target->settings.allow_metadata_addresses) {
        attempt->address_refused = true;
        return CURL_SOCKET_BAD;
    }
    /* A program that the host starts must not inherit our connections. */
#if defined(SOCK_CLOEXEC)
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    int descriptor = socket(address->family, address->socktype, address->protocol);
    if (descriptor >= 0) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return descriptor;
#endif
}

static bool has_whole_body_left(transfer *attempt) {
    curl_off_t sent = 0;
    size_t length = attempt->is_gzip ? attempt->compressed.length : attempt->length;
    if (curl_easy_getinfo(attempt->easy, CURLINFO_SIZE_UPLOAD_T, &sent) != CURLE_OK) return false;
    return attempt->starts > 0 && sent >= 0 && (uint64_t)sent >= length;
}

/* Called now and then; libcurl forgets how much had left when it starts over on another connection.
 */
static int on_progress(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up) {
    transfer *attempt = context;
    size_t length = attempt->is_gzip ? attempt->compressed.length : attempt->length;
    (void)down_all;
    (void)down;
    (void)up_all;
    if (attempt->starts > 0 && up >= 0 && (uint64_t)up >= length) attempt->has_body_left = true;
    return 0;
}

/* Called each time the request is about to be written to a connection: more than once when libcurl
 * finds a kept one dead and takes another. The address is looked at again, since a kept connection
 * opens no socket. */
static int on_start(void *context, char *peer, char *local, int peer_port, int local_port) {
    transfer *attempt = context;
    (void)local;
    (void)peer_port;
    (void)local_port;
    if (attempt->has_body_left) attempt->body_left_before = true;
    attempt->has_body_left = false;
    attempt->starts++;
    if (attempt->target->settings.allow_metadata_addresses ||
        !divak_http_address_is_refused(peer)) {
        return CURL_PREREQFUNC_OK;
    }
    attempt->address_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

/* ---- Targets ---- */

/* The host of a URL as libcurl, which will connect to it, reads it. */
static int read_host(const char *url, char *out, size_t capacity) {
    CURLU *parsed = curl_url();
    if (parsed == NULL) return DIVAK_ERROR_MEMORY;
    char *host = NULL;
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK) code = curl_url_get(parsed, CURLUPART_HOST, &host, 0);
    int status = code == CURLUE_OUT_OF_MEMORY ? DIVAK_ERROR_MEMORY : DIVAK_ERROR_INVALID;
    if (code == CURLUE_OK && strlen(host) < capacity) {
        memcpy(out, host, strlen(host) + 1);
        status = DIVAK_OK;
    }
    curl_free(host);
    curl_url_cleanup(parsed);
    return status;
}

static bool append_line(struct curl_slist **list, const char *line) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer != NULL) *list = longer;
    return longer != NULL;
}

static bool build_headers(const divak_http_settings *settings, bool is_gzip,
                          struct curl_slist **out_list) {
    /* b3: 0 keeps a traced collector from tracing its own traces; no Expect, since it costs a round
     * trip or, where it is not understood, a second. */
    bool is_complete = append_line(out_list, settings->content_type_line) &&
                       append_line(out_list, "Expect:") && append_line(out_list, "b3: 0");
    if (is_complete && is_gzip) is_complete = append_line(out_list, "Content-Encoding: gzip");
    for (size_t i = 0; is_complete && i < settings->header_count; i++) {
        is_complete = append_line(out_list, settings->header_lines[i]);
    }
    return is_complete;
}

/* Room in the pool for a connection for each request that may be under way. */
static void fit_connection_cache(divak_http_pool *pool) {
    long connections = 0;
    for (const divak_http_target *target = pool->targets; target != NULL; target = target->next) {
        connections += (long)target->settings.max_in_flight;
    }
    if (connections > 0) curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, connections);
}

int divak_http_target_create(divak_http_pool *pool, const divak_http_options *options,
                             divak_http_target **out_target, char *error, size_t error_capacity) {
    if (error_capacity > 0) error[0] = '\0';
    char host[256] = "";
    int status =
        options->url == NULL ? DIVAK_ERROR_INVALID : read_host(options->url, host, sizeof host);
    if (status == DIVAK_ERROR_MEMORY) return status;

    divak_http_target *target = divak_memory_allocate_zeroed(1, sizeof *target);
    if (target == NULL) return DIVAK_ERROR_MEMORY;
    /* A URL that libcurl doesn't understand has no host: refused there, with its words. */
    status = divak_http_settings_init(&target->settings, options, host, error, error_capacity);
    if (status != DIVAK_OK) goto failed;
    const divak_http_settings *settings = &target->settings;
    if (settings->is_https &&
        (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_SSL) == 0) {
        snprintf(error, error_capacity, "libcurl was built without TLS: https is not possible");
        status = DIVAK_ERROR_UNSUPPORTED;
        goto failed;
    }
    if (settings->gzip && pool->gzip == NULL) {
        status = divak_gzip_create(1, &pool->gzip);
        if (status != DIVAK_OK && status != DIVAK_ERROR_UNSUPPORTED) goto failed;
    }
    target->encoding.gzip_wanted = settings->gzip && pool->gzip != NULL;
    target->transfers = divak_memory_allocate_zeroed(settings->max_in_flight, sizeof(transfer));
    if (target->transfers == NULL || !build_headers(settings, false, &target->plain_headers) ||
        !build_headers(settings, true, &target->gzip_headers)) {
        status = DIVAK_ERROR_MEMORY;
        goto failed;
    }
    target->pool = pool;
    target->next = pool->targets;
    pool->targets = target;
    fit_connection_cache(pool);
    *out_target = target;
    return DIVAK_OK;

failed:
    divak_http_target_destroy(target);
    return status;
}

void divak_http_target_destroy(divak_http_target *target) {
    if (target == NULL) return;
    if (target->transfers != NULL) {
        divak_http_cancel_all(target);
        for (unsigned i = 0; i < target->settings.max_in_flight; i++) {
            curl_easy_cleanup(target->transfers[i].easy);
            divak_buffer_deinit(&target->transfers[i].compressed);
        }
        divak_memory_release(target->transfers);
    }
    for (divak_http_target **link = target->pool == NULL ? NULL : &target->pool->targets;
         link != NULL && *link != NULL; link = &(*link)->next) {
        if (*link != target) continue;
        *link = target->next;
        break;
    }
    curl_slist_free_all(target->plain_headers);
    curl_slist_free_all(target->gzip_headers);
    divak_http_settings_deinit(&target->settings);
    divak_memory_release(target);
}

/* ---- Attempts ---- */

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK) code = curl_easy_setopt(easy, (option), (value));                    \
    } while (0)

static CURLcode set_tls(CURL *easy, const divak_http_settings *settings) {
    CURLcode code = CURLE_OK;
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    /* Each new connection shakes hands in full then; kept ones are what matters. */
    if (curl_version_info(CURLVERSION_NOW)->version_num < SAFE_SESSIONS_LIBCURL) {
        SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    }
    if (settings->ca_file == NULL) return code;
    SET(CURLOPT_CAINFO, settings->ca_file);
    /* Whoever names authorities means these alone: not the system's folder of them as well.
     * Backends without such a folder say so, which is as good. */
    if (code == CURLE_OK && curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OUT_OF_MEMORY) {
        code = CURLE_OUT_OF_MEMORY;
    }
    return code;
}

static CURLcode set_proxy(CURL *easy, const divak_http_settings *settings) {
    CURLcode code = CURLE_OK;
    /* Set even when empty: unset, libcurl reads the environment for each request. */
    SET(CURLOPT_PROXY, settings->proxy);
    SET(CURLOPT_NOPROXY, settings->no_proxy);
    if (settings->proxy[0] == '\0') return code;
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HEADEROPT,
        (long)CURLHEADER_SEPARATE); /* the collector's secrets are not the proxy's */
    if (strncmp(settings->proxy, "https:", 6) != 0) return code;
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    if (settings->ca_file != NULL) SET(CURLOPT_PROXY_CAINFO, settings->ca_file);
    return code;
}

/* What stays the same from request to request. */
static CURLcode set_constants(CURL *easy, transfer *owner, const divak_http_settings *settings) {
    CURLcode code = CURLE_OK;
    SET(CURLOPT_PRIVATE, owner);
    SET(CURLOPT_ERRORBUFFER, owner->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_URL, settings->url);
    SET(CURLOPT_PROTOCOLS_STR, settings->is_https ? "https" : "http");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_USERAGENT, "divak");
    SET(CURLOPT_CONNECTTIMEOUT_MS,
        (long)((settings->connect_timeout + MILLISECOND - 1) / MILLISECOND));
    SET(CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_SECONDS);
    SET(CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_SECONDS);
    SET(CURLOPT_WRITEFUNCTION, on_answer);
    SET(CURLOPT_WRITEDATA, owner);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, owner);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, owner);
    SET(CURLOPT_PREREQFUNCTION, on_start);
    SET(CURLOPT_PREREQDATA, owner);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, owner);
    if (code == CURLE_OK) code = set_proxy(easy, settings);
    if (code == CURLE_OK && settings->is_https) code = set_tls(easy, settings);
    /* These make it faster or quicker to give up; a libcurl that doesn't know them still works. */
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_STEP);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Detaches a resolver that hangs, instead of waiting for it when a request times out or is
     * cancelled. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return code;
}

static int prepare(transfer *idle, divak_http_target *target) {
    if (idle->easy != NULL) return DIVAK_OK;
    CURL *easy = curl_easy_init();
    if (easy == NULL) return DIVAK_ERROR_MEMORY;
    CURLcode code = set_constants(easy, idle, &target->settings);
    if (code != CURLE_OK) {
        curl_easy_cleanup(easy);
        return code == CURLE_OUT_OF_MEMORY ? DIVAK_ERROR_MEMORY : DIVAK_ERROR_UNSUPPORTED;
    }
    idle->easy = easy;
    idle->target = target;
    return DIVAK_OK;
}

/* Starts an attempt of the request in `request`, within what is left of its time. */
static int start(transfer *request, bool is_fresh, uint64_t now) {
    divak_http_target *target = request->target;
    CURL *easy = request->easy;
    const char *bytes = request->is_gzip ? request->compressed.bytes : request->body;
    size_t length = request->is_gzip ? request->compressed.length : request->length;
    uint64_t left = request->deadline > now ? request->deadline - now : 0;
    if (left == 0) return DIVAK_ERROR_TIMEOUT;

    request->answered_at = 0;
    request->header_bytes = 0;
    request->answer_bytes = 0;
    request->starts = 0;
    request->has_body_left = false;
    request->address_refused = false;
    request->error[0] = '\0';
    CURLcode code = CURLE_OK;
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    SET(CURLOPT_POSTFIELDS, length == 0 ? "" : bytes);
    SET(CURLOPT_HTTPHEADER, request->is_gzip ? target->gzip_headers : target->plain_headers);
    SET(CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
    SET(CURLOPT_TIMEOUT_MS, (long)((left + MILLISECOND - 1) / MILLISECOND));
    if (code != CURLE_OK) return DIVAK_ERROR_MEMORY;
    return curl_multi_add_handle(target->pool->multi, easy) == CURLM_OK ? DIVAK_OK
                                                                        : DIVAK_ERROR_MEMORY;
}

static void release(transfer *done) {
    done->is_active = false;
    done->target->in_flight--;
    done->target->pool->in_flight--;
}

int divak_http_send(divak_http_target *target, const void *body, size_t length, void *tag) {
    transfer *idle = NULL;
    for (unsigned i = 0; idle == NULL && i < target->settings.max_in_flight; i++) {
        if (!target->transfers[i].is_active) idle = &target->transfers[i];
    }
    if (idle == NULL) return DIVAK_ERROR_FULL;
    int status = prepare(idle, target);
    if (status != DIVAK_OK) return status;

    uint64_t now = divak_clock_monotonic_now();
    uint64_t timeout = target->settings.timeout;
    idle->tag = tag;
    idle->body = body;
    idle->length = length;
    idle->deadline = timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
    idle->was_repeated = false;
    idle->body_left_before = false;
    idle->gzip_status = 0;
    idle->is_gzip = length > 0 && divak_http_encoding_is_gzip(&target->encoding, now);
    if (idle->is_gzip) {
        divak_buffer_clear(&idle->compressed);
        /* Out of memory for it: the plain body needs none. */
        idle->is_gzip =
            divak_gzip_compress(target->pool->gzip, body, length, &idle->compressed) == DIVAK_OK;
    }
    status = start(idle, false, now);
    if (status != DIVAK_OK) return status;
    idle->is_active = true;
    target->in_flight++;
    target->pool->in_flight++;
    return DIVAK_OK;
}

static divak_http_failure failure_of(CURLcode code, const transfer *attempt) {
    switch (code) {
    case CURLE_OK:
        return DIVAK_HTTP_FAILURE_NONE;
    case CURLE_COULDNT_CONNECT:
    case CURLE_ABORTED_BY_CALLBACK:
        return attempt->address_refused ? DIVAK_HTTP_FAILURE_ADDRESS : DIVAK_HTTP_FAILURE_NETWORK;
    case CURLE_SSL_CONNECT_ERROR:
        if (divak_http_handshake_was_cut(attempt->error)) return DIVAK_HTTP_FAILURE_NETWORK;
        return DIVAK_HTTP_FAILURE_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        return DIVAK_HTTP_FAILURE_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
        return DIVAK_HTTP_FAILURE_GARBLED;
    default:
        return DIVAK_HTTP_FAILURE_NETWORK;
    }
}

/* A kept connection that the peer had closed: nothing came back, and it was not opened for this
 * attempt. libcurl repeats by itself when it notices while reading; a reset while writing is left
 * to us. */
static bool was_stale_connection(transfer *attempt, CURLcode code) {
    long opened = 0;
    if (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING)
        return false;
    if (attempt->header_bytes != 0 || attempt->starts == 0) return false;
    return curl_easy_getinfo(attempt->easy, CURLINFO_NUM_CONNECTS, &opened) == CURLE_OK &&
           opened == 0;
}

/* Only the host of where it pointed to: path and query may hold what is nobody's business. */
static void describe_redirect(transfer *attempt, int status, char *out, size_t capacity) {
    char host[64] = "nowhere";
    const char *url = NULL;
    curl_easy_getinfo(attempt->easy, CURLINFO_REDIRECT_URL, &url);
    if (url != NULL && read_host(url, host, sizeof host) != DIVAK_OK) memcpy(host, "?", 2);
    snprintf(out, capacity, "HTTP %d to %s is not followed", status, host);
}

/* libcurl's own messages are used for TLS only, where they tell which check failed: others may
 * quote the URL. */
static void describe(transfer *attempt, CURLcode code, const divak_http_result *result,
                     divak_http_reply *reply) {
    char what[DIVAK_HTTP_TEXT_SIZE];
    if (reply->outcome == DIVAK_OUTCOME_DELIVERED) {
        reply->text[0] = '\0';
        return;
    }
    if (reply->outcome == DIVAK_OUTCOME_REDIRECT) {
        describe_redirect(attempt, result->status, what, sizeof what);
    } else if (result->status != 0) {
        snprintf(what, sizeof what, "HTTP %d", result->status);
    } else if (result->failure == DIVAK_HTTP_FAILURE_ADDRESS) {
        snprintf(what, sizeof what, "link-local and metadata addresses are not talked to");
    } else if (result->failure == DIVAK_HTTP_FAILURE_TLS && attempt->error[0] != '\0') {
        snprintf(what, sizeof what, "%.*s", (int)sizeof what - 1, attempt->error);
    } else {
        snprintf(what, sizeof what, "%s", curl_easy_strerror(code));
    }
    divak_http_text_write(reply->text, sizeof reply->text, attempt->target->settings.display, what);
}

/* libcurl tries all addresses of a host; the number is the last one's. */
static bool is_refused(transfer *attempt, CURLcode code) {
    long number = 0;
    if (code != CURLE_COULDNT_CONNECT || attempt->address_refused) return false;
    return curl_easy_getinfo(attempt->easy, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number == ECONNREFUSED;
}

/* Takes an attempt that ended with `code` out of the multi handle. True: the reply is written and
 * the transfer idle. False: another attempt is under way. */
static bool complete(transfer *attempt, CURLcode code, uint64_t now, divak_http_reply *reply) {
    divak_http_target *target = attempt->target;
    long status = 0;
    curl_off_t retry_after = 0;
    bool was_stale = was_stale_connection(attempt, code);
    curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(attempt->easy, CURLINFO_RETRY_AFTER, &retry_after);
    divak_http_result result = {
        .status = attempt->answered_at != 0 ? (int)status : 0,
        .whole_body_left = has_whole_body_left(attempt),
        .failure = failure_of(code, attempt),
    };
    *reply = (divak_http_reply){
        .tag = attempt->tag,
        .outcome = divak_http_outcome(&result),
        .http_status = result.status,
        .is_refused = is_refused(attempt, code),
    };
    if (reply->outcome == DIVAK_OUTCOME_RETRY)
        reply->retry_after = divak_http_retry_after(retry_after);
    describe(attempt, code, &result, reply);
    curl_multi_remove_handle(target->pool->multi, attempt->easy);

    if (attempt->gzip_status != 0) {
        divak_http_encoding_learn(&target->encoding, attempt->gzip_status, result.status, now);
    }
    if (was_stale && !attempt->was_repeated) {
        attempt->was_repeated = true;
        if (result.whole_body_left) attempt->body_left_before = true;
        if (start(attempt, true, now) == DIVAK_OK) return false;
    } else if (attempt->is_gzip &&
               divak_http_encoding_wants_plain(&target->encoding, result.status, now)) {
        attempt->is_gzip = false;
        attempt->gzip_status = result.status;
        if (start(attempt, false, now) == DIVAK_OK) return false;
    }
    reply->maybe_delivered = divak_http_maybe_delivered(&result) || attempt->body_left_before;
    release(attempt);
    return true;
}

/* ---- Driving ---- */

/* Ends attempts whose answer is known but doesn't come to its end: nobody needs its body. A body
 * that is still being sent is let go on after a 2xx, for then it counts only whole. */
static bool is_answered_enough(transfer *attempt, uint64_t now) {
    long status = 0;
    if (!attempt->is_active || attempt->answered_at == 0) return false;
    if (now - attempt->answered_at < answer_time) return false;
    curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 300 || has_whole_body_left(attempt);
}

static int drive(divak_http_pool *pool, divak_http_reply *out, int capacity) {
    int count = 0;
    int running;
    bool is_broken = curl_multi_perform(pool->multi, &running) != CURLM_OK;
    uint64_t now = divak_clock_monotonic_now();

    while (count < capacity) {
        int left;
        const CURLMsg *message = curl_multi_info_read(pool->multi, &left);
        if (message == NULL) break;
        if (message->msg != CURLMSG_DONE) continue;
        transfer *attempt = NULL;
        CURLcode code = message->data.result; /* the message dies with the removal of its handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &attempt);
        if (complete(attempt, code, now, &out[count])) count++;
    }
    for (divak_http_target *target = pool->targets; target != NULL; target = target->next) {
        for (unsigned i = 0; count < capacity && i < target->settings.max_in_flight; i++) {
            transfer *attempt = &target->transfers[i];
            bool is_over = is_answered_enough(attempt, now);
            if (is_broken && attempt->is_active) is_over = true;
            if (!is_over) continue;
            if (complete(attempt, is_broken ? CURLE_OUT_OF_MEMORY : CURLE_OPERATION_TIMEDOUT, now,
                         &out[count]))
                count++;
        }
    }
    return count;
}

static int to_milliseconds(uint64_t time) {
    const uint64_t longest = 3600 * 1000;
    uint64_t milliseconds = time / MILLISECOND + (time % MILLISECOND != 0);
    return (int)(milliseconds < longest ? milliseconds : longest);
}

/* Sleeps until a socket, a timer of libcurl, a wake, or for `time`. */
static void rest(divak_http_pool *pool, uint64_t time) {
    int milliseconds = to_milliseconds(time);
    int nap = milliseconds < NAP_MILLISECONDS ? milliseconds : NAP_MILLISECONDS;
    /* When the host closed descriptors that are not its own, poll returns at once for ever: better
     * late than at full load. Requests under way fail by themselves then. */
    if (pool->in_flight == 0 && pool->idle_spins > IDLE_SPINS) {
        poll(NULL, 0, nap);
        return;
    }
    uint64_t before = divak_clock_monotonic_now();
    if (curl_multi_poll(pool->multi, NULL, 0, milliseconds, NULL) != CURLM_OK) {
        poll(NULL, 0, nap);
        return;
    }
    bool is_early = divak_clock_monotonic_now() - before < time / 2;
    /* A wake says so in `woken`, which the caller takes after this. */
    if (pool->in_flight == 0 && is_early && divak_load_relaxed(&pool->woken) == 0)
        pool->idle_spins++;
    else
        pool->idle_spins = 0;
}

int divak_http_pool_wait(divak_http_pool *pool, uint64_t timeout, divak_http_reply *out,
                         int capacity) {
    uint64_t now = divak_clock_monotonic_now();
    uint64_t deadline = timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
    for (;;) {
        int count = drive(pool, out, capacity);
        /* Pairs with the release in divak_http_pool_wake: what the waker wrote before is seen
         * after. */
        bool is_woken = divak_exchange_acquire_release(&pool->woken, 0) != 0;
        now = divak_clock_monotonic_now();
        if (count > 0 || is_woken || now >= deadline) return count;
        uint64_t left = deadline - now;
        if (pool->in_flight > 0 && left > answer_time / 4)
            left = answer_time / 4; /* to see slow answers */
        rest(pool, left);
    }
}

void divak_http_pool_wake(divak_http_pool *pool) {
    divak_store_release(&pool->woken, 1);
    curl_multi_wakeup(pool->multi);
}

unsigned divak_http_pool_in_flight(const divak_http_pool *pool) {
    return pool->in_flight;
}

unsigned divak_http_target_in_flight(const divak_http_target *target) {
    return target->in_flight;
}

static void cancel(transfer *request) {
    curl_multi_remove_handle(request->target->pool->multi, request->easy);
    release(request);
}

bool divak_http_cancel(divak_http_target *target, const void *tag) {
    for (unsigned i = 0; i < target->settings.max_in_flight; i++) {
        transfer *request = &target->transfers[i];
        if (!request->is_active || request->tag != tag) continue;
        cancel(request);
        return true;
    }
    return false;
}

void divak_http_cancel_all(divak_http_target *target) {
    for (unsigned i = 0; i < target->settings.max_in_flight; i++) {
        if (target->transfers[i].is_active) cancel(&target->transfers[i]);
    }
}
