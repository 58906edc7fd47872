/* SPDX-License-Identifier: MIT */
/* LSUV: the standard deviations that it promises, measured again; closed forms; and that a failure changes nothing. */
#include "suite.h"

#include "host/orthogonal.h"

#include <math.h>

enum { ROWS = 150, SIDE = 8, INPUTS = SIDE * SIDE, LINEARS = 4 };

static nninit_context *c;
static nninit_generator *g;

static void setup(const char *backend) {
    const nninit_context_options options = {.size = sizeof options, .backend = backend, .modules = suite_modules()};
    ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777));
}

/* Like digits: a bright stroke somewhere, 0 around it. */
static const float *images(void) {
    static float x[ROWS * INPUTS];
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < INPUTS; i++) {
            double across = i % SIDE - 3.5 + (r % 7 - 3) * 0.4, along = (double)(i / SIDE) - 3.5 + (r % 5 - 2) * 0.5;
            double distance = fabs(across * cos(r * 0.2) + along * sin(r * 0.2));
            x[r * INPUTS + i] = distance < 1.5 ? (float)(1 - distance / 1.5) : 0;
        }
    return x;
}

/* By another formula than the library's. */
static double standard_deviation(const float *values, int count) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) {
        sum += values[i];
        squares += (double)values[i] * values[i];
    }
    return sqrt(squares / count - sum / count * (sum / count));
}

/* A perceptron of 64-48-48-32-10 whose layers the caller may put together again. */
static nninit_layer *make(nninit_layer **layers, nninit_activation activation) {
    static const int64_t widths[LINEARS + 1] = {INPUTS, 48, 48, 32, 10};
    nninit_layer *model;
    for (int i = 0; i < LINEARS; i++) {
        ck_assert_ok(c, nninit_linear_create(&layers[2 * i], c, widths[i], widths[i + 1], 1, g));
        ck_assert_ok(c, nninit_activation_create(&layers[2 * i + 1], c, activation, 0.01));
    }
    ck_assert_ok(c, nninit_sequential_create(&model, c, layers, 2 * LINEARS));
    return model;
}

/* The furthest that the outputs of a linear layer are from a standard deviation, computed by all layers before it. */
static double furthest(nninit_layer **layers, double needed) {
    static float y[ROWS * 48];
    double worst = 0;
    for (int i = 0; i < LINEARS; i++) {
        nninit_layer *prefix;
        ck_assert_ok(c, nninit_sequential_create(&prefix, c, layers, 2 * i + 1));
        ck_assert_ok(c, nninit_layer_forward(prefix, images(), ROWS, y));
        double std = standard_deviation(y, (int)(ROWS * nninit_layer_outputs(prefix)));
        worst = fmax(worst, fabs(std - needed));
        nninit_layer_destroy(&prefix);
    }
    return worst;
}

START_TEST(every_layer_is_within_the_tolerance) {
    static const nninit_activation activations[] = {NNINIT_RELU, NNINIT_TANH, NNINIT_SIGMOID, NNINIT_LEAKY_RELU};
    const nninit_pretrain_lsuv_options tight = {.size = sizeof tight, .needed_std = 0.5, .tolerance = 1e-5};
    nninit_layer *layers[2 * LINEARS];
    char hash[2][4][NNINIT_SHA256_SIZE];
    for (int backend = 0; backend < 2; backend++)
        for (int a = 0; a < 4; a++) {
            setup(backend ? suite_fast() : "ref");
            nninit_layer *model = make(layers, activations[a]);
            ck_assert_double_gt(furthest(layers, 1), 0.3); /* PyTorch's defaults are far from it */
            ck_assert_ok(c, nninit_pretrain_lsuv(model, images(), ROWS, NULL, g));
            ck_assert_double_le(furthest(layers, 1), 0.1);
            ck_assert_ok(c, nninit_pretrain_lsuv(model, images(), ROWS, &tight, g));
            ck_assert_double_le(furthest(layers, 0.5), 1e-5);
            ck_assert_ok(c, nninit_layer_sha256(model, hash[backend][a]));
            nninit_context_destroy(&c);
        }
    ck_assert_mem_eq(hash[0], hash[1], sizeof hash[0]);
}
END_TEST

/* lsuv.txt is the paper's algorithm in PyTorch's operations (scripts/make-golden-lsuv.py). Its QR is in float32: the
 * largest difference of a weight is 4.2e-7, that of a deviation 7e-9. */
START_TEST(as_pytorch_computes_it) {
    enum { IN = 20, COUNT = 16 * 20 + 12 * 16 + 6 * 12, BATCH = 30 };
    static const int64_t widths[] = {IN, 16, 12, 6};
    static float x[BATCH * IN], w[COUNT], y[BATCH * 6];
    nninit_layer *model;
    double worst = 0, expected = 0;
    char line[128];
    int at = 0, read = 0;
    FILE *file = fopen(suite_path("golden/lsuv.txt"), "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    setup(NULL);
    for (int i = 0; i < BATCH * IN; i++)
        x[i] = (float)((i * 37 + 11) % 101 / 101.0);
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 4, NNINIT_RELU, NULL));
    ck_assert_ok(c, nninit_pretrain_lsuv(model, x, BATCH, NULL, g));
    for (int p = 0; p < 6; p += 2) {
        nninit_tensor *t = nninit_layer_parameter(model, p);
        ck_assert_ok(c, nninit_tensor_read(t, w + at, nninit_tensor_numel(t)));
        at += (int)nninit_tensor_numel(t);
    }
    ck_assert_int_eq(at, COUNT);
    for (int i = 0; i < COUNT; i++) {
        read += fscanf(file, "%la", &expected) == 1;
        worst = fmax(worst, fabs(w[i] - expected));
    }
    for (int i = 0; i < 3; i++) /* the last one is that of the model's outputs */
        read += fscanf(file, "%la", &expected) == 1;
    fclose(file);
    ck_assert_int_eq(read, COUNT + 3);
    ck_assert_double_le(worst, 1e-6);
    ck_assert_ok(c, nninit_layer_forward(model, x, BATCH, y));
    ck_assert_double_le(fabs(standard_deviation(y, BATCH * 6) - expected), 1e-7);
    nninit_context_destroy(&c);
}
END_TEST

/* Rows x and -x, so that the mean is 0; W has orthonormal columns, so that a row of outputs is as long as x. The variance is
 * then the sum of all squares of x, over the number of outputs. */
START_TEST(one_layer_in_closed_form) {
    enum { IN = 5, OUT = 9, PAIRS = 20 };
    static float x[2 * PAIRS * IN], w[OUT * IN], b[OUT], expected[OUT * IN];
    static double room[OUT * IN + OUT + IN];
    const nninit_pretrain_lsuv_options options = {.size = sizeof options, .tolerance = 1e-6};
    nninit_layer *linear;
    double squares = 0, worst = 0;
    setup(NULL);
    for (int i = 0; i < PAIRS * IN; i++) {
        x[i] = (float)((i * 7 + 3) % 23) * 0.05f;
        x[PAIRS * IN + i] = -x[i];
        squares += 2 * (double)x[i] * x[i];
    }
    ck_assert_ok(c, nninit_linear_create(&linear, c, IN, OUT, 1, g));
    ck_assert_ok(c, nninit_generator_seed(g, 5));
    ck_assert_ok(c, nninit_pretrain_lsuv(linear, x, 2 * PAIRS, &options, g));
    ck_assert_ok(c, nninit_generator_seed(g, 5));
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, expected, OUT * IN, 0, 1));
    host_orthogonal(NNINIT_FLOAT32, expected, OUT, IN, 1 / sqrt(squares / (2 * PAIRS * OUT)), room);
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(linear, 0), w, OUT * IN));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(linear, 1), b, OUT));
    for (int i = 0; i < OUT * IN; i++)
        worst = fmax(worst, fabs(w[i] - expected[i]));
    ck_assert_double_le(worst, 1e-6); /* values up to 2; the deviation is measured on outputs in float32 */
    for (int i = 0; i < OUT; i++)
        ck_assert_float_eq(b[i], 0);
    nninit_context_destroy(&c);
}
END_TEST

static void set_linear(nninit_layer *linear, const float *w, const float *b) {
    nninit_tensor *weight = nninit_layer_parameter(linear, 0), *bias = nninit_layer_parameter(linear, 1);
    ck_assert_ok(c, nninit_tensor_write(weight, w, nninit_tensor_numel(weight)));
    ck_assert_ok(c, nninit_tensor_write(bias, b, nninit_tensor_numel(bias)));
}

/* Weights that are kept are scaled, and nothing is drawn. With a bias of +-t the variance is s^2 a + t^2: not in one step. */
START_TEST(kept_weights) {
    static const float x[] = {1, 0, -1, 0, 0, 1, 0, -1}, w[] = {2, 0, 0, 2}, none[] = {0, 0}, some[] = {0.6f, -0.6f};
    const nninit_pretrain_lsuv_options options = {.size = sizeof options, .tolerance = 1e-3, .keep_weights = 1};
    const nninit_pretrain_lsuv_options one = {.size = sizeof one, .tolerance = 1e-3, .max_attempts = 1, .keep_weights = 1};
    nninit_layer *linear;
    float y[8], scaled[4];
    setup(NULL);
    ck_assert_ok(c, nninit_linear_create(&linear, c, 2, 2, 1, g));
    set_linear(linear, w, none);
    ck_assert_ok(c, nninit_pretrain_lsuv(linear, x, 4, &one, NULL));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(linear, 0), scaled, 4));
    ck_assert_float_eq(scaled[0], (float)sqrt(2)); /* 2 / sqrt(4 * 4 / 8) */
    ck_assert_float_eq(scaled[1], 0);
    ck_assert_float_eq(scaled[3], (float)sqrt(2));
    set_linear(linear, w, some);
    ck_assert_int_eq(nninit_pretrain_lsuv(linear, x, 4, &one, NULL), NNINIT_ERR_NUMERIC);
    ck_assert_ok(c, nninit_pretrain_lsuv(linear, x, 4, &options, NULL));
    ck_assert_ok(c, nninit_layer_forward(linear, x, 4, y));
    ck_assert_double_le(fabs(standard_deviation(y, 8) - 1), 1e-3);
    nninit_context_destroy(&c);
}
END_TEST

/* Models in models, activations before the first and after the last linear layer, an optimizer that is in use already. */
START_TEST(any_model) {
    static const int64_t widths[] = {INPUTS, 20, 10};
    static float y[ROWS * 10], targets[ROWS * 10];
    nninit_layer *tanh_layer, *inner, *last, *model;
    nninit_optimizer *adam;
    float cost;
    setup(NULL);
    ck_assert_ok(c, nninit_activation_create(&tanh_layer, c, NNINIT_TANH, 0));
    ck_assert_ok(c, nninit_mlp_create(&inner, c, widths, 3, NNINIT_RELU, g));
    ck_assert_ok(c, nninit_linear_create(&last, c, 10, 10, 0, g));
    ck_assert_ok(c, nninit_sequential_create(&model, c, (nninit_layer *[]){tanh_layer, inner, last}, 3));
    ck_assert_ok(c, nninit_optimizer_create(&adam, c, NNINIT_ADAM));
    ck_assert_ok(c, nninit_step(model, NNINIT_MEAN_SQUARED_ERROR, adam, images(), targets, ROWS, &cost));
    ck_assert_ok(c, nninit_pretrain_lsuv(model, images(), ROWS, NULL, g));
    ck_assert_ok(c, nninit_layer_forward(model, images(), ROWS, y));
    ck_assert_double_le(fabs(standard_deviation(y, ROWS * 10) - 1), 0.1);
    ck_assert_ok(c, nninit_step(model, NNINIT_MEAN_SQUARED_ERROR, adam, images(), targets, ROWS, &cost));
    double squares = 0;
    for (int i = 0; i < ROWS * 10; i++)
        squares += (double)y[i] * y[i];
    ck_assert_double_le(fabs(cost / (squares / (ROWS * 10)) - 1), 1e-5); /* the step saw the new weights */
    nninit_context_destroy(&c);
}
END_TEST

static void expect_failure(nninit_layer *model, const float *x, const nninit_pretrain_lsuv_options *options,
                           nninit_status status, const char *message) {
    char before[NNINIT_SHA256_SIZE], after[NNINIT_SHA256_SIZE];
    static unsigned char was[NNINIT_TORCH_STATE_SIZE], is[NNINIT_TORCH_STATE_SIZE];
    ck_assert_ok(c, nninit_layer_sha256(model, before));
    ck_assert_ok(c, nninit_generator_save(g, was, sizeof was));
    ck_assert_int_eq(nninit_pretrain_lsuv(model, x, ROWS, options, g), status);
    ck_assert_msg(strstr(nninit_context_message(c), message) != NULL, "%s", nninit_context_message(c));
    ck_assert_ok(c, nninit_layer_sha256(model, after));
    ck_assert_ok(c, nninit_generator_save(g, is, sizeof is));
    ck_assert_str_eq(before, after);
    ck_assert_mem_eq(was, is, sizeof is);
}

START_TEST(failures_change_nothing) {
    static float zeros[ROWS * INPUTS], bad[ROWS * INPUTS], w[48 * INPUTS], b[48];
    const nninit_pretrain_lsuv_options keep = {.size = sizeof keep, .keep_weights = 1};
    nninit_layer *layers[2 * LINEARS];
    setup(NULL);
    nninit_layer *model = make(layers, NNINIT_RELU);
    expect_failure(model, zeros, NULL, NNINIT_ERR_NUMERIC, "\"0.weight\"");
    memcpy(bad, images(), sizeof bad);
    bad[7] = NAN;
    expect_failure(model, bad, NULL, NNINIT_ERR_NUMERIC, "nan");
    bad[7] = INFINITY;
    expect_failure(model, bad, NULL, NNINIT_ERR_NUMERIC, "\"0.weight\"");
    for (int i = 0; i < 48; i++)
        b[i] = -1000; /* the ReLU after the first layer lets nothing through: the second one puts out its bias only */
    for (int i = 0; i < 48 * INPUTS; i++)
        w[i] = (float)(i % 5 - 2);
    set_linear(layers[0], w, b);
    memset(w, 0, sizeof w);
    set_linear(layers[2], w, b);
    expect_failure(model, images(), &keep, NNINIT_ERR_NUMERIC,
                   "\"2.weight\" makes of this batch have a standard deviation of 0");
    for (int i = 0; i < 48; i++)
        b[i] = i % 2 ? 5 : -5;
    set_linear(layers[0], w, b);
    expect_failure(model, images(), &keep, NNINIT_ERR_NUMERIC, "5 after 10 attempts; needed: 1 within 0.1");
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(refuses) {
    nninit_layer *relu, *linear;
    nninit_context *other = suite_context();
    nninit_generator *foreign;
    setup(NULL);
    ck_assert_ok(other, nninit_generator_create(&foreign, other, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(c, nninit_activation_create(&relu, c, NNINIT_RELU, 0));
    ck_assert_ok(c, nninit_linear_create(&linear, c, INPUTS, 2, 1, g));
    ck_assert_int_eq(nninit_pretrain_lsuv(NULL, images(), ROWS, NULL, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_pretrain_lsuv(relu, images(), ROWS, NULL, g), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_pretrain_lsuv(linear, NULL, ROWS, NULL, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_pretrain_lsuv(linear, images(), 0, NULL, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_pretrain_lsuv(linear, images(), INT64_MAX, NULL, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_pretrain_lsuv(linear, images(), ROWS, NULL, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_pretrain_lsuv(linear, images(), ROWS, NULL, foreign), NNINIT_ERR_INVALID);
    const nninit_pretrain_lsuv_options bad[] = {
        {.size = 0},
        {.size = sizeof *bad + 1},
        {.size = sizeof *bad, .needed_std = -1},
        {.size = sizeof *bad, .needed_std = NAN},
        {.size = sizeof *bad, .needed_std = INFINITY},
        {.size = sizeof *bad, .tolerance = -0.1},
        {.size = sizeof *bad, .tolerance = NAN},
        {.size = sizeof *bad, .max_attempts = -1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_failure(linear, images(), &bad[i], NNINIT_ERR_INVALID, i < 2 ? "size" : "needed_std");
    nninit_context_destroy(&other);
    nninit_context_destroy(&c);
}
END_TEST

SUITE(pretrain, every_layer_is_within_the_tolerance, as_pytorch_computes_it, one_layer_in_closed_form, kept_weights, any_model,
      failures_change_nothing, refuses)
