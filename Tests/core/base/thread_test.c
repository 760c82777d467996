/* SPDX-License-Identifier: Apache-2.0 */
/* thread_test.c - threads, waits with a deadline, destructors, and the little that base asks of the system. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomics.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/system.h"
#include "check.h"

static divak_mutex mutex = DIVAK_MUTEX_INITIALIZER;
static divak_condition condition;
static int state;
static char thread_name[16];
static sigset_t thread_mask;

static void *report(void *context) {
    pthread_getname_np(pthread_self(), thread_name, sizeof thread_name);
    pthread_sigmask(SIG_SETMASK, NULL, &thread_mask);
    divak_mutex_lock(&mutex);
    state = *(int *)context;
    divak_condition_wake_all(&condition);
    divak_mutex_unlock(&mutex);
    return NULL;
}

static bool wait_for_state(int wanted, uint64_t nanoseconds) {
    uint64_t deadline = divak_clock_monotonic_now() + nanoseconds;
    divak_mutex_lock(&mutex);
    while (state != wanted && divak_condition_wait_until(&condition, &mutex, deadline)) {
    }
    bool is_there = state == wanted;
    divak_mutex_unlock(&mutex);
    return is_there;
}

TEST(a_thread_runs_with_its_name_cut_and_the_programs_signals_blocked) {
    divak_condition_init(&condition);
    static int seven = 7;
    CHECK_INT(0, divak_thread_start_detached(report, &seven, "a-name-that-is-far-too-long", 64 * 1024));
    CHECK(wait_for_state(7, UINT64_C(60000000000)));
    CHECK_TEXT("a-name-that-is-", thread_name, strlen(thread_name));
    CHECK(sigismember(&thread_mask, SIGTERM) && sigismember(&thread_mask, SIGPIPE));
    CHECK(!sigismember(&thread_mask, SIGPROF) && !sigismember(&thread_mask, SIGSEGV));
}

TEST(a_wait_ends_at_its_deadline_and_not_before) {
    uint64_t begin = divak_clock_monotonic_now();
    CHECK(!wait_for_state(-1, 20000000));
    CHECK(divak_clock_monotonic_now() - begin >= 20000000);
    CHECK(!wait_for_state(-1, 0));
}

static void *no_memory(size_t size) {
    (void)size;
    return NULL;
}

TEST(a_thread_that_can_not_be_started_is_refused) {
    void *(*allocate)(size_t) = divak_system.allocate;
    divak_system.allocate = no_memory;
    CHECK(divak_thread_start_detached(report, NULL, "x", 65536) < 0);
    divak_system.allocate = allocate;
}

static void *ended_value;

static void note_end(void *value) {
    __atomic_store_n(&ended_value, value, __ATOMIC_RELEASE);
}

static void *set_and_end(void *context) {
    CHECK_INT(0, divak_thread_at_exit_set(context));
    return NULL;
}

TEST(the_destructor_gets_the_threads_value_at_its_end) {
    CHECK(divak_thread_at_exit_set(&state) < 0); /* not made yet */
    CHECK_INT(0, divak_thread_at_exit_create(note_end));
    CHECK_INT(0, divak_thread_at_exit_create(note_end)); /* once is enough */
    pthread_t thread;
    pthread_create(&thread, NULL, set_and_end, &mutex);
    pthread_join(thread, NULL);
    CHECK(ended_value == &mutex);
}

TEST(a_lock_held_at_a_fork_is_free_in_the_child) {
    divak_mutex_lock(&mutex);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        divak_thread_reset_after_fork(&mutex, &condition);
        divak_mutex_lock(&mutex);
        divak_mutex_unlock(&mutex);
        _exit(0);
    }
    divak_mutex_unlock(&mutex);
    int status;
    waitpid(child, &status, 0);
    CHECK_INT(0, status);
}

TEST(a_page_is_wiped_in_the_child_of_a_fork) {
    unsigned char *page = divak_system.map(4096);
    CHECK(page != NULL && page[0] == 0 && page[4095] == 0);
    if (divak_system.wipe_on_fork(page, 4096) != 0) return; /* not everywhere */
    memset(page, 0x55, 4096);
    pid_t child = fork();
    if (child == 0) _exit(page[0] == 0 && page[4095] == 0 ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    CHECK_INT(0, status);
    CHECK_INT(0x55, page[7]);
    divak_system.unmap(page, 4096);
}

TEST(random_bytes_differ_and_fill_all_of_the_memory) {
    unsigned char first[300] = {0}, second[300] = {0};
    CHECK_INT(0, divak_system.random_bytes(first, sizeof first));
    CHECK_INT(0, divak_system.random_bytes(second, sizeof second));
    CHECK(memcmp(first, second, sizeof first) != 0);
    int zeros = 0;
    for (int i = 0; i < 300; i++) zeros += first[i] == 0;
    CHECK(zeros < 20);
}

static uint32_t other_thread_id;

static void *tell_id(void *context) {
    (void)context;
    other_thread_id = divak_system_thread_id();
    CHECK(divak_system_thread_exists(other_thread_id));
    return NULL;
}

TEST(a_thread_exists_until_it_has_ended) {
    CHECK(divak_system_thread_exists(divak_system_thread_id()));
    pthread_t thread;
    pthread_create(&thread, NULL, tell_id, NULL);
    pthread_join(thread, NULL);
    CHECK(other_thread_id != divak_system_thread_id());
    for (int i = 0; i < 1000 && divak_system_thread_exists(other_thread_id); i++) usleep(1000);
    CHECK(!divak_system_thread_exists(other_thread_id));
}

static divak_atomic_u32 word;

static void *sleep_on_word(void *context) {
    (void)context;
    while (divak_load_acquire(&word) == 1) divak_system_sleep_on(&word, 1, UINT64_C(60000000000));
    return NULL;
}

TEST(a_sleeper_is_woken_or_never_sleeps) {
    divak_store_release(&word, 1);
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_on_word, NULL);
    usleep(10000);
    alarm(50);
    divak_store_release(&word, 0);
    errno = 1234;
    divak_system_wake(&word);
    CHECK_INT(1234, errno);
    pthread_join(thread, NULL);
    alarm(0);
}

TEST(the_program_knows_its_name_and_processors) {
    char name[64], small[4];
    divak_system_program_name(name, sizeof name);
    CHECK(strstr(name, "thread_test") != NULL);
    divak_system_program_name(small, sizeof small);
    CHECK_INT(3, strlen(small));
    CHECK(divak_system_processor_count() >= 1);
    divak_system_pin_object();
    divak_system_pin_object();
    divak_system_prepare_barrier();
    int status = divak_system_barrier_everywhere();
    CHECK(status == 0 || status == -1);
}

CHECK_MAIN()
