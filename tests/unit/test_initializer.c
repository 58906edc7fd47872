/* SPDX-License-Identifier: MIT */
/* Initializers: known hashes of PyTorch 1.13, options, text, shapes, tensors and bad input. */
#include "suite.h"

#include "host/sha256.h"

#include <fenv.h>
#include <locale.h>
#include <math.h>

static nninit_context *context;
static nninit_generator *generator;

static void begin(nninit_stream stream) {
    context = suite_context();
    ck_assert_ok(context, nninit_generator_create(&generator, context, stream, 777));
}

static nninit_initializer *parse(const char *text) {
    nninit_initializer *init;
    ck_assert_ok(context, nninit_initializer_parse(&init, context, text));
    return init;
}

static void assert_fill(const char *text, int64_t rows, int64_t columns, const char *first16) {
    static float x[784 * 256];
    const int64_t shape[] = {rows, columns};
    struct sha256 sha;
    char hex[65];
    nninit_initializer *init = parse(text);
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, columns ? 2 : 1, generator));
    nninit_initializer_destroy(&init);
    sha256_init(&sha);
    sha256_update(&sha, x, (size_t)(rows * (columns ? columns : 1)) * sizeof *x);
    sha256_finish(&sha, hex);
    hex[16] = 0;
    ck_assert_msg(strcmp(hex, first16) == 0, "%s %dx%d: %s", text, (int)rows, (int)columns, hex);
}

/* Linear(784, 256), (256, 256), (256, 10), then xavier_uniform_ on the three weights: one stream. */
START_TEST(known_net) {
    static const char *const want[2][9] = {
        {"fd176d0709980738", "89af7f1dced5a863", "0a4d21e2413433be", "31caeb72ec09b4da", "095ce90537592eb9",
         "f9d08fc4e6566af2", "fa5617f6d3c04866", "8e74851489db1a2a", "6bef7dac925689ac"},
        {"a661f1f1667be69f", "7733ef69f4193d21", "0a4d21e2413433be", "31caeb72ec09b4da", "095ce90537592eb9",
         "f9d08fc4e6566af2", "1efd2b1996c41a0b", "6a28732565a53c8d", "44f721728cd68060"},
    };
    for (int base = 0; base < 2; base++) {
        begin(base ? NNINIT_STREAM_TORCH_BASE : NNINIT_STREAM_TORCH);
        assert_fill("torch_linear_weight", 256, 784, want[base][0]);
        assert_fill("torch_linear_bias:fan_in=784", 256, 0, want[base][1]);
        assert_fill("torch_linear_weight", 256, 256, want[base][2]);
        assert_fill("torch_linear_bias:fan_in=256", 256, 0, want[base][3]);
        assert_fill("torch_linear_weight", 10, 256, want[base][4]);
        assert_fill("torch_linear_bias:fan_in=256", 10, 0, want[base][5]);
        assert_fill("xavier_uniform", 256, 784, want[base][6]);
        assert_fill("xavier_uniform", 256, 256, want[base][7]);
        assert_fill("xavier_uniform", 10, 256, want[base][8]);
        nninit_context_destroy(&context);
    }
}
END_TEST

START_TEST(known_rules) {
    begin(NNINIT_STREAM_TORCH);
    assert_fill("xavier_normal", 256, 784, "32665741e4096fa0");
    nninit_generator_seed(generator, 777);
    assert_fill("kaiming_normal:nonlinearity=relu", 256, 784, "b58ea6dc892351f0");
    nninit_generator_seed(generator, 777);
    assert_fill("kaiming_uniform:nonlinearity=relu", 256, 784, "45478749f7fe2424");
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(options_and_defaults) {
    begin(NNINIT_STREAM_TORCH);
    double value = -1;
    nninit_initializer *init = parse("kaiming_normal:mode=fan_out,nonlinearity=tanh,slope=-2.5e-1");
    ck_assert_ok(context, nninit_initializer_get(init, NNINIT_INIT_MODE, &value));
    ck_assert(value == NNINIT_FAN_OUT);
    ck_assert_ok(context, nninit_initializer_get(init, NNINIT_INIT_NONLINEARITY, &value));
    ck_assert(value == NNINIT_TANH);
    ck_assert_ok(context, nninit_initializer_get(init, NNINIT_INIT_SLOPE, &value));
    ck_assert(value == -0.25);
    ck_assert_int_eq(nninit_initializer_set(init, NNINIT_INIT_GAIN, 2), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_initializer_get(init, NNINIT_INIT_GAIN, &value), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_initializer_set(init, (nninit_initializer_option)99, 2), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_initializer_set(init, NNINIT_INIT_SLOPE, NAN), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_set(init, NNINIT_INIT_MODE, 2), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_set(init, NNINIT_INIT_NONLINEARITY, 1.5), NNINIT_ERR_INVALID);
    ck_assert_ok(context, nninit_initializer_get(init, NNINIT_INIT_SLOPE, &value));
    ck_assert(value == -0.25);
    init = parse("kaiming_uniform");
    ck_assert_ok(context, nninit_initializer_get(init, NNINIT_INIT_NONLINEARITY, &value));
    ck_assert(value == NNINIT_LEAKY_RELU);
    init = parse("uniform");
    ck_assert_ok(context, nninit_initializer_get(init, NNINIT_INIT_HIGH, &value));
    ck_assert(value == 1);
    ck_assert_int_eq(nninit_initializer_set(parse("normal"), NNINIT_INIT_STD, -1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_set(parse("torch_linear_bias"), NNINIT_INIT_LAYER_FAN_IN, 0), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_create(&init, context, (nninit_initializer_kind)31), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(init);
    nninit_context_destroy(&context);
}
END_TEST

/* Each message says what was wrong, and names what is known. */
START_TEST(bad_text) {
    static const struct {
        const char *text;
        nninit_status status;
        const char *says;
    } cases[] = {
        {"xavier", NNINIT_ERR_NOT_FOUND, "xavier_uniform, xavier_normal"},
        {"", NNINIT_ERR_NOT_FOUND, "unknown"},
        {"Zeros", NNINIT_ERR_NOT_FOUND, "\"Zeros\""},
        {"normal:sdt=1", NNINIT_ERR_NOT_FOUND, "mean, std"},
        {"normal:gain=1", NNINIT_ERR_NOT_FOUND, "gain"},
        {"normal:", NNINIT_ERR_INVALID, "key=value"},
        {"normal:std", NNINIT_ERR_INVALID, "\"std\""},
        {"normal:std=1,", NNINIT_ERR_INVALID, "key=value"},
        {"normal:std=", NNINIT_ERR_INVALID, "not a number"},
        {"normal:std=1x", NNINIT_ERR_INVALID, "\"1x\""},
        {"normal:std= 1", NNINIT_ERR_INVALID, "not a number"},
        {"normal:std=1.5.2", NNINIT_ERR_INVALID, "\"1.5.2\""},
        {"normal:std=relu", NNINIT_ERR_INVALID, "\"relu\""},
        {"normal:std=-1", NNINIT_ERR_INVALID, "std"},
        {"kaiming_normal:nonlinearity=1.5", NNINIT_ERR_INVALID, "nonlinearity"},
        {"normal:std=nan", NNINIT_ERR_INVALID, "std"},
        {"normal:std=inf", NNINIT_ERR_INVALID, "std"},
        {"normal:mean=1e999", NNINIT_ERR_INVALID, "mean"},
        {"kaiming_normal:mode=fan_avg", NNINIT_ERR_INVALID, "fan_in, fan_out"},
        {"kaiming_normal:mode=relu", NNINIT_ERR_INVALID, "fan_in, fan_out"},
        {"kaiming_normal:nonlinearity=fan_out", NNINIT_ERR_INVALID, "leaky_relu"},
        {"torch_linear_bias:fan_in=2.5", NNINIT_ERR_INVALID, "fan_in"},
    };
    begin(NNINIT_STREAM_TORCH);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nninit_initializer *init = (void *)&context;
        ck_assert_msg(nninit_initializer_parse(&init, context, cases[i].text) == cases[i].status, "%s", cases[i].text);
        ck_assert_ptr_null(init);
        ck_assert_msg(strstr(nninit_context_message(context), cases[i].says) != NULL, "%s: %s", cases[i].text,
                      nninit_context_message(context));
    }
    nninit_context_destroy(&context);
}
END_TEST

/* A number has a point even where the locale writes a comma. */
START_TEST(any_locale) {
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !setlocale(LC_ALL, names[i]); i++)
        ;
    begin(NNINIT_STREAM_TORCH);
    double value;
    ck_assert_ok(context, nninit_initializer_get(parse("constant:value=1.25"), NNINIT_INIT_VALUE, &value));
    ck_assert(value == 1.25);
    nninit_context_destroy(&context);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(gains_and_fans) {
    double gain = 0;
    int64_t in, out;
    const int64_t kernel[] = {8, 3, 5, 7}, huge[] = {4, INT64_MAX / 2, 3}, negative[] = {2, -1};
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_TANH, 0, &gain), NNINIT_OK);
    ck_assert(gain == 5.0 / 3);
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_RELU, 9, &gain), NNINIT_OK);
    ck_assert(gain == sqrt(2.0));
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_LEAKY_RELU, 1, &gain), NNINIT_OK);
    ck_assert(gain == 1);
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_SELU, 0, &gain), NNINIT_OK);
    ck_assert(gain == 0.75);
    ck_assert_int_eq(nninit_initializer_gain((nninit_activation)77, 0, &gain), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_RELU, 0, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_gain(NNINIT_LEAKY_RELU, NAN, &gain), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fans(kernel, 4, &in, &out), NNINIT_OK);
    ck_assert(in == 105 && out == 280);
    ck_assert_int_eq(nninit_initializer_fans(kernel, 1, &in, &out), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_initializer_fans(huge, 3, &in, &out), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_initializer_fans(negative, 2, &in, &out), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_initializer_fans(NULL, 2, &in, &out), NNINIT_ERR_INVALID);
}
END_TEST

/* A rule, a shape, and what filling x with it says; neither x nor the generator changes. */
START_TEST(untouched) {
    static const struct {
        const char *text;
        int64_t shape[3];
        int rank;
        nninit_status status;
    } cases[] = {
        {"xavier_uniform", {4}, 1, NNINIT_ERR_SHAPE},
        {"kaiming_normal", {4}, 1, NNINIT_ERR_SHAPE},
        {"torch_linear_weight", {4}, 1, NNINIT_ERR_SHAPE},
        {"normal", {2, -1}, 2, NNINIT_ERR_SHAPE},
        {"normal", {INT64_MAX / 2, 9}, 2, NNINIT_ERR_SHAPE},
        {"normal", {1}, 0, NNINIT_ERR_SHAPE},
        {"normal", {1}, NNINIT_MAX_RANK + 1, NNINIT_ERR_SHAPE},
        {"uniform:low=2", {2, 2}, 2, NNINIT_ERR_INVALID},
        {"xavier_uniform:gain=-1", {2, 2}, 2, NNINIT_ERR_INVALID},
        {"xavier_normal:gain=-1", {2, 2}, 2, NNINIT_ERR_INVALID},
        {"uniform:high=1e39", {2, 2}, 2, NNINIT_ERR_INVALID},
        {"constant:value=1e39", {2, 2}, 2, NNINIT_ERR_INVALID},
        {"torch_linear_bias", {4}, 1, NNINIT_ERR_INVALID},
        {"xavier_uniform:gain=0", {0, 0}, 2, NNINIT_OK},
        {"kaiming_uniform", {3, 0}, 2, NNINIT_OK},
        {"xavier_normal", {0, 3}, 2, NNINIT_OK},
        {"torch_linear_weight", {5, 0}, 2, NNINIT_OK},
        {"normal", {5, 0, 3}, 3, NNINIT_OK},
    };
    const float want[4] = {1, 2, 3, 4};
    float x[4] = {1, 2, 3, 4};
    unsigned char before[NNINIT_TORCH_STATE_SIZE], after[NNINIT_TORCH_STATE_SIZE];
    begin(NNINIT_STREAM_TORCH);
    ck_assert_ok(context, nninit_generator_save(generator, before, sizeof before));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nninit_status status =
            nninit_initializer_fill(parse(cases[i].text), NNINIT_FLOAT32, x, cases[i].shape, cases[i].rank, generator);
        ck_assert_msg(status == cases[i].status, "%s, case %d: %s", cases[i].text, (int)i, nninit_status_name(status));
        ck_assert_mem_eq(x, want, sizeof x);
        ck_assert_ok(context, nninit_generator_save(generator, after, sizeof after));
        ck_assert_mem_eq(before, after, sizeof before);
    }
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(bad_handles) {
    const int64_t shape[] = {2, 2};
    float x[4];
    begin(NNINIT_STREAM_TORCH);
    nninit_context *elsewhere = suite_context();
    nninit_generator *foreign;
    ck_assert_ok(elsewhere, nninit_generator_create(&foreign, elsewhere, NNINIT_STREAM_TORCH, 1));
    nninit_initializer *init = parse("uniform");
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, 2, foreign), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, 2, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_UINT8, x, shape, 2, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_FLOAT32, NULL, shape, 2, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_FLOAT32, x, NULL, 2, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(NULL, NNINIT_FLOAT32, x, shape, 2, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_apply(init, NULL, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_fill(parse("ones"), NNINIT_FLOAT32, x, shape, 2, NULL), NNINIT_OK);
    ck_assert(x[0] == 1 && x[3] == 1);
    double y[4];
    ck_assert_int_eq(nninit_initializer_fill(parse("constant:value=0.1"), NNINIT_FLOAT64, y, shape, 2, NULL), NNINIT_OK);
    ck_assert(y[0] == 0.1 && y[3] == 0.1);
    nninit_initializer_destroy(NULL);
    nninit_initializer_destroy(&init);
    ck_assert_ptr_null(init);
    nninit_context_destroy(&elsewhere);
    nninit_context_destroy(&context);
}
END_TEST

/* A tensor gets what an array of its shape gets. */
START_TEST(tensor_equals_array) {
    const int64_t shape[] = {5, 7};
    float want[35], got[35];
    nninit_tensor *tensor;
    begin(NNINIT_STREAM_TORCH);
    nninit_initializer *init = parse("kaiming_normal:nonlinearity=relu");
    ck_assert_ok(context, nninit_tensor_create(&tensor, context, "w", shape, 2));
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, want, shape, 2, generator));
    nninit_generator_seed(generator, 777);
    ck_assert_ok(context, nninit_initializer_apply(init, tensor, generator));
    ck_assert_ok(context, nninit_tensor_read(tensor, got, 35));
    ck_assert_mem_eq(want, got, sizeof want);
    nninit_context_destroy(&context);
}
END_TEST

/* An allocator that fails when told to. */
static void *fragile_alloc(void *user, size_t size) {
    return *(bool *)user ? NULL : malloc(size);
}

static void fragile_free(void *user, void *memory) {
    (void)user;
    free(memory);
}

START_TEST(out_of_memory_draws_nothing) {
    bool broken = false;
    nninit_context_options options = {
        .size = sizeof options, .alloc = fragile_alloc, .free = fragile_free, .alloc_user = &broken};
    const int64_t shape[] = {5, 7};
    unsigned char before[NNINIT_TORCH_STATE_SIZE], after[NNINIT_TORCH_STATE_SIZE];
    float x[35] = {0}, zero[35] = {0};
    nninit_tensor *tensor;
    ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_OK);
    ck_assert_ok(context, nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(context, nninit_tensor_create(&tensor, context, "w", shape, 2));
    nninit_initializer *init = parse("normal"), *none = init;
    ck_assert_ok(context, nninit_generator_save(generator, before, sizeof before));
    broken = true;
    ck_assert_int_eq(nninit_initializer_apply(init, tensor, generator), NNINIT_ERR_MEMORY);
    ck_assert_int_eq(nninit_initializer_parse(&none, context, "normal"), NNINIT_ERR_MEMORY);
    ck_assert_ptr_null(none);
    broken = false;
    ck_assert_ok(context, nninit_generator_save(generator, after, sizeof after));
    ck_assert_mem_eq(before, after, sizeof before);
    ck_assert_ok(context, nninit_tensor_read(tensor, x, 35));
    ck_assert_mem_eq(x, zero, sizeof x);
    ck_assert_ok(context, nninit_initializer_apply(init, tensor, generator));
    nninit_context_destroy(&context);
}
END_TEST

/* The rounding mode of the caller changes no bit: neither of the values, nor of the bounds, nor of numbers in text. */
START_TEST(any_rounding_mode) {
    static const char *const rules[] = {"constant:value=0.1", "uniform:low=-0.1,high=0.3", "normal:std=0.1",
                                        "xavier_uniform:gain=1.1", "xavier_normal", "kaiming_uniform:slope=0.3",
                                        "kaiming_normal", "torch_linear_weight", "torch_linear_bias:fan_in=7"};
    const int64_t shape[] = {5, 7};
    float want[35], got[35];
    double value;
    begin(NNINIT_STREAM_TORCH);
#ifdef FE_UPWARD
    fesetround(FE_UPWARD);
#endif
    nninit_initializer *three_tenths;
    nninit_status parsed = nninit_initializer_parse(&three_tenths, context, "constant:value=0.3");
    fesetround(FE_TONEAREST);
    ck_assert_int_eq(parsed, NNINIT_OK);
    ck_assert_ok(context, nninit_initializer_get(three_tenths, NNINIT_INIT_VALUE, &value));
    ck_assert(value == 0.3);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        nninit_initializer *init = parse(rules[i]);
        nninit_generator_seed(generator, 777);
        ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, want, shape, 2, generator));
        nninit_generator_seed(generator, 777);
#ifdef FE_UPWARD
        fesetround(FE_UPWARD);
#endif
        nninit_status status = nninit_initializer_fill(init, NNINIT_FLOAT32, got, shape, 2, generator);
        fesetround(FE_TONEAREST);
        ck_assert_int_eq(status, NNINIT_OK);
        ck_assert_msg(memcmp(want, got, sizeof want) == 0, "%s", rules[i]);
    }
    nninit_context_destroy(&context);
}
END_TEST

SUITE(initializer, known_net, known_rules, options_and_defaults, bad_text, any_locale, gains_and_fans, untouched,
      bad_handles, tensor_equals_array, out_of_memory_draws_nothing, any_rounding_mode)
