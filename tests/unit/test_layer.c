/* SPDX-License-Identifier: MIT */
/* Models: names, sharing, patterns, and what is refused. */
#include "suite.h"

#include "layer.h"

#include <fnmatch.h>

static nninit_context *c;
static nninit_generator *g;

static void setup(void) {
    c = suite_context();
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777));
}

START_TEST(names_are_pytorchs) {
    static const char *const names[] = {"0.weight", "0.bias", "2.0.weight", "2.0.bias", "2.2.weight", "2.2.bias"};
    const int64_t widths[] = {4, 3, 2};
    nninit_layer *first, *relu, *inner, *model;
    nninit_tensor *t;
    setup();
    ck_assert_ok(c, nninit_linear_create(&first, c, 5, 4, 1, g));
    ck_assert_ok(c, nninit_activation_create(&relu, c, NNINIT_RELU, 0));
    ck_assert_ok(c, nninit_mlp_create(&inner, c, widths, 3, NNINIT_TANH, g));
    ck_assert_ok(c, nninit_sequential_create(&model, c, (nninit_layer *[]){first, relu, inner, relu}, 4));
    ck_assert_int_eq(nninit_layer_parameter_count(model), 6);
    ck_assert_int_eq(nninit_layer_inputs(model), 5);
    ck_assert_int_eq(nninit_layer_outputs(model), 2);
    for (int i = 0; i < 6; i++)
        ck_assert_str_eq(nninit_tensor_name(nninit_layer_parameter(model, i)), names[i]);
    ck_assert_ok(c, nninit_layer_find(model, "2.0.bias", &t));
    ck_assert_int_eq(nninit_tensor_numel(t), 3);
    ck_assert_int_eq(nninit_layer_find(model, "3.weight", &t), NNINIT_ERR_NOT_FOUND);
    ck_assert_ptr_null(nninit_layer_parameter(model, 6));
    nninit_context_destroy(&c);
}
END_TEST

/* A part and the whole see the same values, before and after they ran, whichever handle is destroyed first. */
START_TEST(parameters_are_shared) {
    float x[10] = {1, -2, 3, 0.5f, -1, 2, 2, -3, 1, 4}, y[4], h[8], z[4], w[20];
    nninit_layer *a, *b, *model;
    nninit_initializer *ones;
    setup();
    ck_assert_ok(c, nninit_linear_create(&a, c, 5, 4, 1, g));
    ck_assert_ok(c, nninit_linear_create(&b, c, 4, 2, 0, g));
    ck_assert_ok(c, nninit_layer_forward(a, x, 2, h)); /* in an arena of its own */
    ck_assert_ok(c, nninit_sequential_create(&model, c, (nninit_layer *[]){a, b}, 2));
    ck_assert_ok(c, nninit_layer_forward(model, x, 2, y));
    ck_assert_ok(c, nninit_layer_forward(a, x, 2, h));
    ck_assert_ok(c, nninit_layer_forward(b, h, 2, z));
    ck_assert_mem_eq(y, z, sizeof y);
    ck_assert_ok(c, nninit_initializer_parse(&ones, c, "ones"));
    ck_assert_ok(c, nninit_layer_init(model, "0.*", ones, NULL));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(a, 0), w, 20));
    ck_assert_float_eq(w[19], 1);
    nninit_layer_destroy(&model);
    ck_assert_ok(c, nninit_layer_forward(a, x, 2, h));
    ck_assert_float_eq(h[0], 1 - 2 + 3 + 0.5f - 1 + 1);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(without_a_generator_nothing_is_drawn) {
    nninit_layer *a;
    float w[20];
    setup();
    ck_assert_ok(c, nninit_linear_create(&a, c, 5, 4, 1, NULL));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(a, 0), w, 20));
    for (int i = 0; i < 20; i++)
        ck_assert_float_eq(w[i], 0);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(patterns) {
    const int64_t widths[] = {2, 3, 1};
    nninit_layer *m;
    nninit_initializer *ones;
    float b[3];
    setup();
    ck_assert_ok(c, nninit_mlp_create(&m, c, widths, 3, NNINIT_RELU, NULL));
    ck_assert_ok(c, nninit_initializer_parse(&ones, c, "ones"));
    ck_assert_int_eq(nninit_layer_init(m, "*.gamma", ones, NULL), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_layer_init(m, "", ones, NULL), NNINIT_ERR_NOT_FOUND);
    ck_assert_ok(c, nninit_layer_init(m, "?.b*s", ones, NULL));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(m, 1), b, 3));
    ck_assert_float_eq(b[2], 1);
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(m, 2), b, 3));
    ck_assert_float_eq(b[2], 0);
    nninit_context_destroy(&c);
}
END_TEST

/* Text number n of up to LONGEST characters. */
enum { LONGEST = 5 };

static int texts(const char *alphabet) {
    int count = 1, base = (int)strlen(alphabet) + 1;
    for (int i = 0; i < LONGEST; i++)
        count *= base;
    return count;
}

static const char *text(const char *alphabet, int n, char out[LONGEST + 1]) {
    int base = (int)strlen(alphabet) + 1;
    char *to = out;
    for (int i = 0; i < LONGEST; i++, n /= base)
        if (n % base)
            *to++ = alphabet[n % base - 1];
    *to = 0;
    return out;
}

/* Every short pattern against every short name, as the C library matches; and many stars end soon. */
START_TEST(patterns_match_as_fnmatch) {
    char pattern[LONGEST + 1], name[LONGEST + 1], stars[201], long_name[2001];
    int wrong = 0;
    for (int p = 0; p < texts("ab*?"); p++)
        for (int n = 0; n < texts("ab"); n++)
            wrong += layer_name_matches(text("ab*?", p, pattern), text("ab", n, name)) != (fnmatch(pattern, name, 0) == 0);
    ck_assert_int_eq(wrong, 0);
    for (int i = 0; i < 200; i++)
        stars[i] = i % 2 ? 'a' : '*';
    memset(long_name, 'a', 1999);
    strcpy(long_name + 1999, "b");
    stars[200] = 0;
    ck_assert(!layer_name_matches(stars, long_name));
}
END_TEST

START_TEST(refuses) {
    nninit_layer *a, *b, *m;
    nninit_optimizer *o;
    nninit_tensor *gradient;
    float x[5] = {0}, target[4] = {0};
    setup();
    ck_assert_int_eq(nninit_linear_create(&a, c, 0, 4, 1, g), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_activation_create(&a, c, NNINIT_SELU, 0), NNINIT_ERR_UNSUPPORTED);
    ck_assert_int_eq(nninit_activation_create(&a, c, NNINIT_LEAKY_RELU, -1), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(a);
    ck_assert_ok(c, nninit_linear_create(&a, c, 5, 4, 1, g));
    ck_assert_ok(c, nninit_linear_create(&b, c, 3, 4, 1, g));
    ck_assert_int_eq(nninit_sequential_create(&m, c, (nninit_layer *[]){a, b}, 2), NNINIT_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "3 inputs"));
    ck_assert_int_eq(nninit_sequential_create(&m, c, (nninit_layer *[]){a}, 0), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_linear_create(&b, c, 4, 4, 1, g));
    ck_assert_int_eq(nninit_sequential_create(&m, c, (nninit_layer *[]){b, b}, 2), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_layer_gradient(a, 0, &gradient), NNINIT_ERR_STATE);
    ck_assert_int_eq(nninit_layer_forward(a, x, 0, target), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_optimizer_create(&o, c, NNINIT_SGD));
    ck_assert_ok(c, nninit_step(a, NNINIT_MEAN_SQUARED_ERROR, o, x, target, 1, NULL));
    ck_assert_int_eq(nninit_step(b, NNINIT_MEAN_SQUARED_ERROR, o, x, target, 1, NULL), NNINIT_ERR_STATE);
    ck_assert_int_eq(nninit_step(a, NNINIT_MEAN_SQUARED_ERROR, o, x, target, 0, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_step(a, (nninit_loss)9, o, x, target, 1, NULL), NNINIT_ERR_INVALID);
    nninit_context_destroy(&c);
}
END_TEST

/* Every gradient is fused with its update: no node stores one. */
START_TEST(training_without_bias) {
    static const float x[4] = {1, 2, 3, 4};
    static const int64_t labels[2] = {0, 1};
    for (int k = 0; k < 2; k++) {
        const nninit_context_options options = {.size = sizeof options, .backend = k ? suite_fast() : "ref", .modules = suite_modules()};
        nninit_context *own;
        nninit_layer *model;
        nninit_optimizer *adam;
        float cost;
        ck_assert_int_eq(nninit_context_create(&own, &options), NNINIT_OK);
        ck_assert_ok(own, nninit_linear_create(&model, own, 2, 2, 0, NULL));
        ck_assert_ok(own, nninit_optimizer_create(&adam, own, NNINIT_ADAM));
        for (int step = 0; step < 2; step++)
            ck_assert_ok(own, nninit_step(model, NNINIT_CROSS_ENTROPY, adam, x, labels, 2, &cost));
        ck_assert_float_lt(cost, 0.6931f); /* ln 2: that of zero weights */
        nninit_context_destroy(&own);
    }
}
END_TEST

SUITE(layer, names_are_pytorchs, parameters_are_shared, without_a_generator_nothing_is_drawn, patterns,
      patterns_match_as_fnmatch, refuses, training_without_bias)
