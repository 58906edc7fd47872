/* SPDX-License-Identifier: MIT */
#include "suite.h"

START_TEST(version_and_names) {
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", NNINIT_VERSION_MAJOR, NNINIT_VERSION_MINOR, NNINIT_VERSION_PATCH);
    ck_assert_str_eq(nninit_version(), text);
    ck_assert_str_eq(nninit_status_name(NNINIT_ERR_SHAPE), "NNINIT_ERR_SHAPE");
    ck_assert_str_eq(nninit_status_name((nninit_status)99), "unknown status");
}
END_TEST

START_TEST(refuses_bad_options) {
    nninit_context *context = NULL;
    nninit_context_options options = {.size = sizeof options};
    options.threads = 257;
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_ERR_INVALID);
    options.threads = 0;
    options.size = sizeof options + 1;
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_ERR_INVALID);
    options.size = 0;
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_context_create(NULL, NULL), NNINIT_ERR_INVALID);
    nninit_context_destroy(NULL);
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(backends) {
    nninit_context *context = NULL;
    const char *name;
    nninit_context_options options = {.size = sizeof options, .backend = "ref"};
    unsetenv("NNINIT_BACKEND");
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_OK);
    ck_assert_ok(context, nninit_context_backend(context, &name));
    ck_assert_ptr_nonnull(strstr(name, "ref"));
    nninit_context_destroy(&context);

    options.backend = "cuda";
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_OK);
    ck_assert_int_eq(nninit_context_backend(context, &name), NNINIT_ERR_BACKEND);
    ck_assert_ptr_null(name);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "cuda"));
    nninit_context_destroy(&context);

    setenv("NNINIT_BACKEND", "ref", 1);
    options.backend = NULL;
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_OK);
    ck_assert_ok(context, nninit_context_backend(context, &name));
    ck_assert_ptr_nonnull(strstr(name, "ref"));
    nninit_context_destroy(&context);
    unsetenv("NNINIT_BACKEND");
}
END_TEST

START_TEST(message_stays_until_the_next_failure) {
    nninit_context *context = suite_context();
    nninit_initializer *init;
    ck_assert_str_eq(nninit_context_message(context), "");
    ck_assert_int_eq(nninit_initializer_parse(&init, context, "nonsense"), NNINIT_ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "nonsense"));
    ck_assert_ok(context, nninit_initializer_parse(&init, context, "zeros"));
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "nonsense"));
    nninit_context_destroy(&context);
}
END_TEST

SUITE(context, version_and_names, refuses_bad_options, backends, message_stays_until_the_next_failure)
