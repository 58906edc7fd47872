/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <math.h>

static nninit_context *c;
static nninit_generator *g;

static void setup(void) {
    c = suite_context();
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777));
}

START_TEST(gains_and_fans) {
    double gain;
    int64_t in, out;
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_TANH, 0, &gain), NNINIT_OK);
    ck_assert_double_eq(gain, 5.0 / 3);
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_LEAKY_RELU, 0.01, &gain), NNINIT_OK);
    ck_assert_double_eq_tol(gain, 1.4141428569978354, 1e-15);
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_SELU, 0, &gain), NNINIT_OK);
    ck_assert_double_eq(gain, 0.75);
    ck_assert_int_eq(nninit_initializer_gain((nninit_activation)9, 0, &gain), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_RELU, NAN, &gain), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fans((const int64_t[]){8, 3, 5, 5}, 4, &in, &out), NNINIT_OK);
    ck_assert(in == 75 && out == 200);
    ck_assert_int_eq(nninit_initializer_fans((const int64_t[]){8}, 1, &in, &out), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_initializer_fans((const int64_t[]){INT64_MAX, 2, 2}, 3, &in, &out), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_initializer_fans((const int64_t[]){2, -2}, 2, &in, &out), NNINIT_ERR_SHAPE);
}
END_TEST

START_TEST(parse) {
    nninit_initializer *i;
    double value;
    setup();
    ck_assert_ok(c, nninit_initializer_parse(&i, c, "kaiming_normal:mode=fan_out,nonlinearity=relu,slope=-1e-1"));
    ck_assert_ok(c, nninit_initializer_get(i, NNINIT_INIT_MODE, &value));
    ck_assert_double_eq(value, NNINIT_FAN_OUT);
    ck_assert_ok(c, nninit_initializer_get(i, NNINIT_INIT_SLOPE, &value));
    ck_assert_double_eq(value, -0.1);
    static const struct {
        const char *text;
        nninit_status status;
    } bad[] = {{"", NNINIT_ERR_NOT_FOUND},
               {"xavier", NNINIT_ERR_NOT_FOUND},
               {"xavier_uniform:", NNINIT_ERR_INVALID},
               {"xavier_uniform:gain", NNINIT_ERR_INVALID},
               {"xavier_uniform:gain=", NNINIT_ERR_INVALID},
               {"xavier_uniform:gain=1x", NNINIT_ERR_INVALID},
               {"xavier_uniform:gain= 1", NNINIT_ERR_INVALID},
               {"xavier_uniform:gain=nan", NNINIT_ERR_INVALID},
               {"xavier_uniform:gain=1,", NNINIT_ERR_INVALID},
               {"xavier_uniform:std=1", NNINIT_ERR_NOT_FOUND},
               {"xavier_uniform:nothing=1", NNINIT_ERR_NOT_FOUND},
               {"normal:std=-1", NNINIT_ERR_INVALID},
               {"kaiming_normal:nonlinearity=1.5", NNINIT_ERR_INVALID},
               {"torch_linear_bias:fan_in=0", NNINIT_ERR_INVALID}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_msg(nninit_initializer_parse(&i, c, bad[k].text) == bad[k].status, "\"%s\": %s", bad[k].text,
                      nninit_context_message(c));
        ck_assert_ptr_null(i);
    }
    nninit_context_destroy(&c);
}
END_TEST

/* What is refused draws nothing and writes nothing. */
START_TEST(refused_fills_touch_nothing) {
    unsigned char before[NNINIT_TORCH_STATE_SIZE], after[NNINIT_TORCH_STATE_SIZE];
    float x[4] = {1, 2, 3, 4};
    nninit_initializer *i;
    setup();
    ck_assert_ok(c, nninit_generator_save(g, before, sizeof before));
    ck_assert_ok(c, nninit_initializer_parse(&i, c, "xavier_normal"));
    ck_assert_int_eq(nninit_initializer_fill(i, NNINIT_FLOAT32, x, (const int64_t[]){4}, 1, g), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_initializer_fill(i, NNINIT_FLOAT32, x, (const int64_t[]){2, 2}, 2, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(i, NNINIT_UINT8, x, (const int64_t[]){2, 2}, 2, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(i, NNINIT_FLOAT32, NULL, (const int64_t[]){2, 2}, 2, g), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_initializer_fill(i, NNINIT_FLOAT32, x, (const int64_t[]){0, 2}, 2, g));
    ck_assert_ok(c, nninit_initializer_parse(&i, c, "uniform:low=2,high=1"));
    ck_assert_int_eq(nninit_initializer_fill(i, NNINIT_FLOAT32, x, (const int64_t[]){4}, 1, g), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_initializer_parse(&i, c, "torch_linear_bias"));
    ck_assert_int_eq(nninit_initializer_fill(i, NNINIT_FLOAT32, x, (const int64_t[]){4}, 1, g), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_generator_save(g, after, sizeof after));
    ck_assert_mem_eq(before, after, sizeof before);
    ck_assert(x[0] == 1 && x[3] == 4);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(constants_need_no_generator) {
    float x[3];
    double y[3];
    nninit_initializer *i;
    setup();
    ck_assert_ok(c, nninit_initializer_create(&i, c, NNINIT_INIT_ONES));
    ck_assert_ok(c, nninit_initializer_fill(i, NNINIT_FLOAT32, x, (const int64_t[]){3}, 1, NULL));
    ck_assert_float_eq(x[2], 1);
    ck_assert_ok(c, nninit_initializer_create(&i, c, NNINIT_INIT_CONSTANT));
    ck_assert_ok(c, nninit_initializer_set(i, NNINIT_INIT_VALUE, 0.1));
    ck_assert_ok(c, nninit_initializer_fill(i, NNINIT_FLOAT64, y, (const int64_t[]){3}, 1, NULL));
    ck_assert_double_eq(y[1], 0.1);
    nninit_context_destroy(&c);
}
END_TEST

SUITE(initializer, gains_and_fans, parse, refused_fills_touch_nothing, constants_need_no_generator)
