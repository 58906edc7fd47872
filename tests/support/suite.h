/* SPDX-License-Identifier: MIT */
/* What every test program shares: SUITE(name, tests…) defines main. */
#ifndef SUITE_H
#define SUITE_H

#include <nninit/nninit.h>

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A path below tests/, good until the fourth next call. */
static inline const char *suite_path(const char *relative) {
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    const char *root = getenv("NNINIT_TEST_DATA");
    snprintf(path, sizeof paths[0], "%s/%s", root ? root : "tests", relative);
    return path;
}

/* Where the cuda module is that a run of the tests is about; NULL: it is not about one. */
static inline const char *suite_modules(void) {
    return getenv("NNINIT_TEST_MODULES");
}

/* The executor that is compared with ref. */
static inline const char *suite_fast(void) {
    return suite_modules() ? "cuda" : "cpu";
}

static inline nninit_context *suite_open(const char *backend, int threads) {
    const nninit_context_options options = {.size = sizeof options, .backend = backend, .threads = threads,
                                            .modules = suite_modules()};
    nninit_context *context = NULL;
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_OK);
    return context;
}

static inline nninit_context *suite_context(void) {
    return suite_open(NULL, 0);
}

/* An allocator that counts. */
static inline long *suite_allocations(void) {
    static long allocations;
    return &allocations;
}

static inline void *suite_count_alloc(void *user, size_t size) {
    (void)user;
    ++*suite_allocations();
    return malloc(size);
}

static inline void suite_count_free(void *user, void *memory) {
    (void)user;
    free(memory);
}

/* From now on contexts use this level of the cpu executor; false, with the reason printed, where it does not run.
   NULL: what the machine has. */
static inline bool suite_cpu_level(const char *level) {
    if (!level)
        return unsetenv("NNINIT_CPU") == 0;
    setenv("NNINIT_CPU", level, 1);
    nninit_context *context = suite_context();
    const char *backend;
    bool runs = nninit_context_backend(context, &backend) == NNINIT_OK;
    if (!runs)
        printf("%s: skipped: %s\n", level, nninit_context_message(context));
    nninit_context_destroy(&context);
    return runs;
}

/* What is compared with ref: levels of cpu, or cuda in a run that is about its module. */
enum { SUITE_TARGETS = 5 };
static const char *const suite_targets[SUITE_TARGETS] = {"c", "avx2", "avx512", "neon", "cuda"};

/* The backend of a target, whose level contexts have from now on; NULL where it is not for this run or this machine. */
static inline const char *suite_target(int target) {
    const char *name = suite_targets[target];
    if (strcmp(name, "cuda") == 0)
        return suite_modules() ? "cuda" : NULL;
    return !suite_modules() && suite_cpu_level(name) ? "cpu" : NULL;
}

#define ck_assert_ok(context, call)                                                                                    \
    do {                                                                                                               \
        nninit_status status_ = (call);                                                                                \
        ck_assert_msg(status_ == NNINIT_OK, "%s: %s (%s)", #call, nninit_status_name(status_),                         \
                      nninit_context_message(context));                                                                \
    } while (0)

static inline int suite_run(const char *name, const TTest *const *tests, size_t count) {
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++) {
        TCase *one = tcase_create(tests[i]->name);
        tcase_set_timeout(one, 0); /* Meson has the limit */
        tcase_add_test(one, tests[i]);
        suite_add_tcase(suite, one);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    bool passed = srunner_ntests_run(runner) > 0 && srunner_ntests_failed(runner) == 0;
    srunner_free(runner);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define SUITE(name, ...)                                                                                               \
    int main(void) {                                                                                                   \
        const TTest *const tests[] = {__VA_ARGS__};                                                                    \
        return suite_run(#name, tests, sizeof tests / sizeof *tests);                                                  \
    }

#endif
