/* SPDX-License-Identifier: MIT */
#include "suite.h"

static nninit_context *context;

START_TEST(copies_in_and_out) {
    context = suite_context();
    nninit_tensor *t;
    const float in[6] = {1, 2, 3, 4, 5, 6};
    float out[6] = {0};
    ck_assert_ok(context, nninit_tensor_create(&t, context, "w", (const int64_t[]){2, 3}, 2));
    ck_assert_str_eq(nninit_tensor_name(t), "w");
    ck_assert_int_eq(nninit_tensor_rank(t), 2);
    ck_assert_int_eq(nninit_tensor_shape(t)[1], 3);
    ck_assert_int_eq(nninit_tensor_numel(t), 6);
    ck_assert_ok(context, nninit_tensor_write(t, in, 6));
    ck_assert_ok(context, nninit_tensor_read(t, out, 6));
    ck_assert_mem_eq(in, out, sizeof in);
    ck_assert_int_eq(nninit_tensor_read(t, out, 5), NNINIT_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "6 values"));
    ck_assert_int_eq(nninit_tensor_write(t, NULL, 6), NNINIT_ERR_INVALID);
    nninit_tensor_destroy(&t);
    ck_assert_ptr_null(t);
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(wraps_foreign_memory) {
    context = suite_context();
    nninit_tensor *t;
    float mine[2] = {7, 8}, out[2];
    ck_assert_ok(context, nninit_tensor_wrap(&t, context, NULL, mine, (const int64_t[]){2}, 1));
    mine[1] = 9;
    ck_assert_ok(context, nninit_tensor_read(t, out, 2));
    ck_assert_float_eq(out[1], 9);
    ck_assert_int_eq(nninit_tensor_wrap(&t, context, NULL, NULL, (const int64_t[]){2}, 1), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(t);
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(refuses_bad_shapes) {
    context = suite_context();
    nninit_tensor *t = (nninit_tensor *)&context;
    ck_assert_int_eq(nninit_tensor_create(&t, context, "", (const int64_t[]){2, -1}, 2), NNINIT_ERR_SHAPE);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(nninit_tensor_create(&t, context, "", (const int64_t[]){INT64_C(1) << 40, 1 << 30}, 2),
                     NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_tensor_create(&t, context, "", (const int64_t[]){1}, 9), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_tensor_create(&t, context, "", NULL, 1), NNINIT_ERR_INVALID);
    ck_assert_ok(context, nninit_tensor_create(&t, context, "", NULL, 0));
    ck_assert_int_eq(nninit_tensor_numel(t), 1);
    ck_assert_ok(context, nninit_tensor_create(&t, context, "", (const int64_t[]){0, 5}, 2));
    ck_assert_ok(context, nninit_tensor_read(t, NULL, 0));
    nninit_context_destroy(&context);
}
END_TEST

SUITE(tensor, copies_in_and_out, wraps_foreign_memory, refuses_bad_shapes)
