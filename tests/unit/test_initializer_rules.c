/* SPDX-License-Identifier: MIT */
/* Rules beyond PyTorch's own: bounds, structure, given values, half precision, explanations. */
#include "suite.h"

#include <fenv.h>
#include <math.h>

static nninit_context *context;
static nninit_generator *generator;

static void begin(void) {
    context = suite_context();
    ck_assert_ok(context, nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, 777));
}

static nninit_initializer *parse(const char *text) {
    nninit_initializer *init;
    ck_assert_ok(context, nninit_initializer_parse(&init, context, text));
    return init;
}

static void fill(const char *text, int64_t rows, int64_t columns, double *x) {
    nninit_initializer *init = parse(text);
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT64, x, (const int64_t[]){rows, columns}, 2, generator));
}

static nninit_explanation explain(const char *text, int64_t rows, int64_t columns) {
    nninit_explanation e = {.size = sizeof e};
    ck_assert_ok(context, nninit_initializer_explain(parse(text), (const int64_t[]){rows, columns}, 2, &e));
    return e;
}

/* What Keras 3 and JAX document: bounds, and the std of what comes out. */
START_TEST(scaling) {
    static const struct {
        const char *text;
        double high, std;
    } cases[] = {
        {"glorot_uniform", 0.24494897427831781, 0.14142135623730951},
        {"glorot_normal", 2 * 0.14142135623730951 / 0.87962566103423978, 0.14142135623730951},
        {"he_uniform", 0.27386127875258306, 0.15811388300841897},
        {"he_normal", 2 * 0.15811388300841897 / 0.87962566103423978, 0.15811388300841897},
        {"lecun_uniform", 0.19364916731037085, 0.11180339887498949},
        {"lecun_normal", 2 * 0.11180339887498949 / 0.87962566103423978, 0.11180339887498949},
        {"variance_scaling:scale=20,mode=fan_out,distribution=untruncated_normal", INFINITY, 1},
        {"variance_scaling:scale=20,mode=fan_out,distribution=uniform", 1.7320508075688772, 1},
        {"variance_scaling:scale=50,mode=fan_avg", 2 / 0.87962566103423978, 1},
    };
    static double x[20 * 80];
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nninit_explanation e = explain(cases[i].text, 20, 80);
        ck_assert_msg(e.mean == 0 || fabs(e.mean) < 1e-16, "%s: mean %g", cases[i].text, e.mean);
        ck_assert_msg(fabs(e.std - cases[i].std) < 1e-14, "%s: std %.17g", cases[i].text, e.std);
        ck_assert_msg(e.high == cases[i].high || fabs(e.high - cases[i].high) < 1e-15, "%s: %.17g", cases[i].text, e.high);
        fill(cases[i].text, 20, 80, x);
        double squares = 0, most = 0;
        for (int k = 0; k < 20 * 80; k++) {
            squares += x[k] * x[k];
            most = fmax(most, fabs(x[k]));
        }
        ck_assert_double_le(most, e.high);
        /* 1600 draws: the std of their variance is at most 0.036 of it */
        ck_assert_double_lt(fabs(squares / 1600 / (e.std * e.std) - 1), 5 * 0.036);
    }
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(result_std) {
    begin();
    nninit_explanation e = explain("truncated_normal:result_std=0.9,low=-2,high=2", 3, 3);
    ck_assert_double_lt(fabs(e.std - 0.9), 1e-10);
    e = explain("truncated_normal", 3, 3);
    ck_assert_double_lt(fabs(e.std - 0.87962566103423978), 1e-12);
    double x[9];
    ck_assert_int_eq(nninit_initializer_fill(parse("truncated_normal:result_std=1.2"), NNINIT_FLOAT64, x,
                                             (const int64_t[]){3, 3}, 2, generator), NNINIT_ERR_INVALID);
    nninit_context_destroy(&context);
}
END_TEST

/* Columns of ZerO's matrix are orthonormal, where it has all rows of a Hadamard matrix. */
START_TEST(hadamard) {
    static double x[32 * 20];
    double worst = 0;
    begin();
    fill("hadamard", 32, 20, x);
    for (int a = 0; a < 20; a++)
        for (int b = 0; b < 20; b++) {
            double sum = 0;
            for (int i = 0; i < 32; i++)
                sum += x[i * 20 + a] * x[i * 20 + b];
            worst = fmax(worst, fabs(sum - (a == b)));
        }
    ck_assert_double_lt(worst, 1e-14);
    fill("hadamard", 2, 3, x);
    ck_assert(x[0] == 1 && x[1] == 0 && x[2] == 0 && x[3] == 0 && x[4] == 1 && x[5] == 0);
    fill("hadamard", 3, 2, x); /* the corner of the matrix of order 4 */
    ck_assert(x[0] == 0.5 && x[1] == 0.5 && x[2] == 0.5 && x[3] == -0.5 && x[4] == 0.5 && x[5] == 0.5);
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(nguyen_widrow) {
    static double x[30 * 7];
    double worst = 0, norm = 0.7 * pow(30, 1.0 / 7);
    begin();
    fill("nguyen_widrow", 30, 7, x);
    for (int i = 0; i < 30; i++) {
        double sum = 0;
        for (int j = 0; j < 7; j++)
            sum += x[i * 7 + j] * x[i * 7 + j];
        worst = fmax(worst, fabs(sqrt(sum) - norm));
    }
    ck_assert_double_lt(worst, 1e-14);
    ck_assert_ok(context, nninit_initializer_fill(parse("nguyen_widrow:fan_in=7"), NNINIT_FLOAT64, x,
                                                  (const int64_t[]){30}, 1, generator));
    for (int i = 0; i < 30; i++)
        worst = fmax(worst, fabs(x[i]) - norm);
    ck_assert_double_lt(worst, 1e-14);
    nninit_context_destroy(&context);
}
END_TEST

static float half_value(uint16_t h) {
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double size = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return (float)(h & 0x8000 ? -size : size);
}

static float bfloat_value(uint16_t h) {
    uint32_t u = (uint32_t)h << 16;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Each number of the type is itself; what is between two neighbours goes to the nearer, the middle to the even one. */
static int wrong_halves(nninit_dtype dtype, float (*value)(uint16_t), uint16_t top) {
    static float x[4 * 65536];
    static uint16_t want[4 * 65536], got[4 * 65536];
    int64_t n = 0;
    int wrong = 0;
    for (int sign = 0; sign < 2; sign++)
        for (uint16_t h = 0; h < top; h++) {
            uint16_t s = (uint16_t)(sign << 15);
            float low = value(h | s), middle = (float)(((double)low + (double)value((uint16_t)(h + 1) | s)) / 2);
            float values[4] = {low, middle, nextafterf(middle, 0), nextafterf(middle, sign ? -INFINITY : INFINITY)};
            uint16_t up = (uint16_t)((h + 1) | s), halves[4] = {h | s, h & 1 ? up : h | s, h | s, up};
            memcpy(x + n, values, sizeof values);
            memcpy(want + n, halves, sizeof halves);
            n += 4;
        }
    nninit_initializer *init;
    ck_assert_ok(context, nninit_initializer_from_array(&init, context, NNINIT_FLOAT32, x, &n, 1));
    ck_assert_ok(context, nninit_initializer_fill(init, dtype, got, &n, 1, NULL));
    for (int64_t i = 0; i < n; i++)
        wrong += want[i] != got[i];
    return wrong;
}

START_TEST(half_precision) {
    begin();
    ck_assert_int_eq(wrong_halves(NNINIT_FLOAT16, half_value, 0x7bff), 0);
    ck_assert_int_eq(wrong_halves(NNINIT_BFLOAT16, bfloat_value, 0x7f7f), 0);
    const float special[] = {INFINITY, -INFINITY, NAN};
    const int64_t three = 3;
    uint16_t half[3], bfloat[3];
    nninit_initializer *init;
    ck_assert_ok(context, nninit_initializer_from_array(&init, context, NNINIT_FLOAT32, special, &three, 1));
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT16, half, &three, 1, NULL));
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_BFLOAT16, bfloat, &three, 1, NULL));
    ck_assert(half[0] == 0x7c00 && half[1] == 0xfc00 && (half[2] & 0x7fff) > 0x7c00);
    ck_assert(bfloat[0] == 0x7f80 && bfloat[1] == 0xff80 && (bfloat[2] & 0x7fff) > 0x7f80);
    nninit_context_destroy(&context);
}
END_TEST

static int count_up(void *user, const int64_t *shape, int rank, nninit_dtype dtype, void *values, nninit_generator *g) {
    (void)g;
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= shape[i];
    for (int64_t i = 0; i < n; i++)
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = (float)i;
        else
            ((double *)values)[i] = (double)i;
    return *(int *)user;
}

START_TEST(callback) {
    int failure = 0;
    float x[6] = {0};
    const int64_t shape[] = {2, 3};
    nninit_initializer *init;
    begin();
    ck_assert_ok(context, nninit_initializer_from_callback(&init, context, count_up, &failure));
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, 2, NULL));
    ck_assert(x[0] == 0 && x[5] == 5);
    failure = 7;
    x[5] = 9;
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, 2, NULL), NNINIT_ERR_CALLBACK);
    ck_assert(x[5] == 9);
    ck_assert_int_eq(nninit_initializer_from_callback(&init, context, NULL, NULL), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(init);
    nninit_context_destroy(&context);
}
END_TEST

/* NumPy's own files of arange(6).reshape(2, 3) / 4, and an array of the same. */
START_TEST(files_and_arrays) {
    static const char *const good[] = {"float32", "float64", "fortran", "version-2", "version-3"};
    static const struct {
        const char *name;
        nninit_status status;
    } bad[] = {{"int64", NNINIT_ERR_UNSUPPORTED}, {"scalar", NNINIT_ERR_UNSUPPORTED}, {"rank-9", NNINIT_ERR_FORMAT},
               {"short", NNINIT_ERR_FORMAT}, {"empty", NNINIT_ERR_FORMAT}, {"none", NNINIT_ERR_IO}};
    const int64_t shape[] = {2, 3}, other[] = {3, 2};
    const double values[] = {0, 0.25, 0.5, 0.75, 1, 1.25};
    const float want[] = {0, 0.25f, 0.5f, 0.75f, 1, 1.25f};
    float x[6];
    char path[64];
    nninit_initializer *init;
    begin();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(path, sizeof path, "fuzz/corpus/npy/%s.npy", good[i]);
        ck_assert_ok(context, nninit_initializer_open(&init, context, suite_path(path), NULL));
        ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, 2, NULL));
        ck_assert_msg(memcmp(x, want, sizeof x) == 0, "%s", path);
    }
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_FLOAT32, x, other, 2, NULL), NNINIT_ERR_SHAPE);
    const double huge[] = {1e39};
    const int64_t one = 1;
    ck_assert_ok(context, nninit_initializer_from_array(&init, context, NNINIT_FLOAT64, huge, &one, 1));
    ck_assert_int_eq(nninit_initializer_fill(init, NNINIT_FLOAT32, x, &one, 1, NULL), NNINIT_ERR_INVALID);
    ck_assert_mem_eq(x, want, sizeof x);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "fuzz/corpus/npy/%s.npy", bad[i].name);
        ck_assert_msg(nninit_initializer_open(&init, context, suite_path(path), NULL) == bad[i].status, "%s", path);
        ck_assert_ptr_null(init);
    }
    ck_assert_ok(context, nninit_initializer_from_array(&init, context, NNINIT_FLOAT64, values, shape, 2));
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, 2, NULL));
    ck_assert_mem_eq(x, want, sizeof x);
    nninit_layer *layer;
    nninit_tensor *weight;
    ck_assert_ok(context, nninit_linear_create(&layer, context, 3, 2, 1, generator));
    ck_assert_ok(context, nninit_layer_find(layer, "weight", &weight));
    ck_assert_ok(context, nninit_initializer_apply(init, weight, NULL));
    ck_assert_ok(context, nninit_layer_save(layer, "rules.safetensors"));
    memset(x, 0, sizeof x);
    ck_assert_ok(context, nninit_initializer_open(&init, context, "rules.safetensors", "weight"));
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, x, shape, 2, NULL));
    ck_assert_mem_eq(x, want, sizeof x);
    ck_assert_int_eq(nninit_initializer_open(&init, context, "rules.safetensors", "w"), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_initializer_open(&init, context, "rules.safetensors", NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_create(&init, context, NNINIT_INIT_ARRAY), NNINIT_ERR_INVALID);
    remove("rules.safetensors");
    nninit_context_destroy(&context);
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
        {"identity", {4}, 1, NNINIT_ERR_SHAPE},
        {"identity", {2, 2, 1}, 3, NNINIT_ERR_SHAPE},
        {"identity:gain=1e39", {2, 2}, 2, NNINIT_ERR_INVALID},
        {"dirac", {2, 2}, 2, NNINIT_ERR_SHAPE},
        {"dirac:groups=3", {2, 2, 1}, 3, NNINIT_ERR_SHAPE},
        {"orthogonal", {4}, 1, NNINIT_ERR_SHAPE},
        {"orthogonal:gain=1e39", {2, 2}, 2, NNINIT_ERR_INVALID},
        {"delta_orthogonal", {2, 2}, 2, NNINIT_ERR_SHAPE},
        {"delta_orthogonal", {1, 2, 2}, 3, NNINIT_ERR_SHAPE},
        {"sparse", {4}, 1, NNINIT_ERR_SHAPE},
        {"hadamard", {4}, 1, NNINIT_ERR_SHAPE},
        {"he_normal", {4}, 1, NNINIT_ERR_SHAPE},
        {"nguyen_widrow", {4}, 1, NNINIT_ERR_INVALID},
        {"nguyen_widrow", {1, 2, 2}, 3, NNINIT_ERR_SHAPE},
        {"trunc_normal:low=2", {4}, 1, NNINIT_ERR_INVALID},
        {"trunc_normal:std=0", {4}, 1, NNINIT_ERR_INVALID},
        {"trunc_normal:high=1e39", {4}, 1, NNINIT_ERR_INVALID},
        {"truncated_normal:low=3,high=2", {4}, 1, NNINIT_ERR_INVALID},
        {"truncated_normal:std=1e-200", {4}, 1, NNINIT_ERR_INVALID},
        {"trunc_normal", {4, 0}, 2, NNINIT_OK},
        {"truncated_normal", {0}, 1, NNINIT_OK},
        {"orthogonal", {0, 4}, 2, NNINIT_OK},
        {"delta_orthogonal", {4, 0, 3}, 3, NNINIT_OK},
        {"sparse", {0, 4}, 2, NNINIT_OK},
        {"identity", {0, 4}, 2, NNINIT_OK},
        {"dirac", {2, 2, 0}, 3, NNINIT_OK},
        {"hadamard", {4, 0}, 2, NNINIT_OK},
        {"nguyen_widrow", {4, 0}, 2, NNINIT_OK},
        {"glorot_normal", {0, 0}, 2, NNINIT_OK},
    };
    const float want[4] = {1, 2, 3, 4};
    float x[4] = {1, 2, 3, 4};
    unsigned char before[NNINIT_TORCH_STATE_SIZE], after[NNINIT_TORCH_STATE_SIZE];
    begin();
    ck_assert_ok(context, nninit_generator_save(generator, before, sizeof before));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nninit_status status =
            nninit_initializer_fill(parse(cases[i].text), NNINIT_FLOAT32, x, cases[i].shape, cases[i].rank, generator);
        ck_assert_msg(status == cases[i].status, "%s, case %d: %s", cases[i].text, (int)i, nninit_status_name(status));
        ck_assert_mem_eq(x, want, sizeof x);
        ck_assert_ok(context, nninit_generator_save(generator, after, sizeof after));
        ck_assert_mem_eq(before, after, sizeof before);
    }
    nninit_initializer *init;
    ck_assert_int_eq(nninit_initializer_parse(&init, context, "sparse:sparsity=1.5"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_parse(&init, context, "dirac:groups=0"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_parse(&init, context, "variance_scaling:scale=0"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_parse(&init, context, "identity:gain=nan"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_parse(&init, context, "array"), NNINIT_ERR_NOT_FOUND);
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(explanations) {
    begin();
    nninit_explanation e = explain("kaiming_normal:nonlinearity=relu", 256, 784);
    ck_assert(e.fan_in == 784 && e.fan_out == 256 && e.gain == sqrt(2.0) && e.distribution == NNINIT_DISTRIBUTION_NORMAL);
    ck_assert(e.std == sqrt(2.0) / 28 && strcmp(e.name, "kaiming_normal") == 0);
    e = explain("identity:gain=2", 2, 2);
    ck_assert(e.mean == 1 && e.std == 1 && e.low == 0 && e.high == 2);
    char text[400];
    const int64_t shape[] = {10, 256};
    ck_assert_ok(context, nninit_initializer_explain_text(parse("xavier_uniform"), shape, 2, text, sizeof text));
    ck_assert_str_eq(text, "xavier_uniform [10, 256]: uniform, mean 0, std 0.08671, -0.1502 to 0.1502; fan_in 256, "
                           "fan_out 10, gain 1; U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out)) "
                           "(Glorot & Bengio, AISTATS 2010, eq. 16)");
    ck_assert_ok(context, nninit_initializer_explain_text(parse("xavier_uniform"), shape, 2, text, 8));
    ck_assert_str_eq(text, "xavier_");
    ck_assert_int_eq(nninit_initializer_explain_text(parse("zeros"), shape, 2, text, 0), NNINIT_ERR_INVALID);
    e.size = 0;
    ck_assert_int_eq(nninit_initializer_explain(parse("zeros"), shape, 2, &e), NNINIT_ERR_INVALID);
    e = (nninit_explanation){.size = offsetof(nninit_explanation, gain), .gain = 7};
    ck_assert_ok(context, nninit_initializer_explain(parse("zeros"), shape, 2, &e));
    ck_assert(e.fan_in == 256 && e.fan_out == 10 && e.gain == 7);
    ck_assert_int_eq(nninit_initializer_explain(parse("he_normal"), shape, 1, &e), NNINIT_ERR_SHAPE);
    nninit_context_destroy(&context);
}
END_TEST

/* The caller's rounding mode does not change the values. */
START_TEST(foreign_rounding) {
    static const char *const texts[] = {"identity:gain=0.1", "trunc_normal:std=0.3", "truncated_normal:result_std=0.7",
                                        "sparse:sparsity=0.3", "he_normal", "lecun_uniform", "hadamard", "nguyen_widrow",
                                        "variance_scaling:distribution=untruncated_normal"};
    static const nninit_dtype dtypes[] = {NNINIT_FLOAT32, NNINIT_FLOAT64, NNINIT_FLOAT16, NNINIT_BFLOAT16};
    static unsigned char x[2][8 * 19 * 7];
    const int64_t shape[] = {19, 7};
    begin();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int d = 0; d < 4; d++) {
            for (int up = 0; up < 2; up++) {
                fesetround(up ? FE_UPWARD : FE_TONEAREST);
                nninit_initializer *init = parse(texts[i]);
                nninit_generator_seed(generator, 777);
                nninit_status status = nninit_initializer_fill(init, dtypes[d], x[up], shape, 2, generator);
                fesetround(FE_TONEAREST);
                ck_assert_ok(context, status);
            }
            ck_assert_msg(memcmp(x[0], x[1], sizeof x[0]) == 0, "%s, type %d", texts[i], d);
        }
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(mup) {
    nninit_mup_factors f = {.size = sizeof f};
    ck_assert_int_eq(nninit_mup_scale(NNINIT_MUP_HIDDEN, 1024, 256, &f), NNINIT_OK);
    ck_assert(f.init_std == 0.5 && f.adam_lr == 0.25 && f.output_multiplier == 1);
    ck_assert_int_eq(nninit_mup_scale(NNINIT_MUP_OUTPUT, 1024, 256, &f), NNINIT_OK);
    ck_assert(f.init_std == 1 && f.adam_lr == 1 && f.output_multiplier == 0.25);
    ck_assert_int_eq(nninit_mup_scale(NNINIT_MUP_INPUT, 784, 784, &f), NNINIT_OK);
    ck_assert(f.init_std == 1 && f.adam_lr == 1 && f.output_multiplier == 1 && f.size == sizeof f);
    ck_assert_int_eq(nninit_mup_scale(NNINIT_MUP_INPUT, 0, 784, &f), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_mup_scale((nninit_mup_role)3, 1, 1, &f), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_mup_scale(NNINIT_MUP_INPUT, 1, 1, NULL), NNINIT_ERR_INVALID);
}
END_TEST

SUITE(initializer_rules, scaling, result_std, hadamard, nguyen_widrow, half_precision, callback, files_and_arrays, untouched,
      explanations, foreign_rounding, mup)
