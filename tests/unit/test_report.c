/* SPDX-License-Identifier: MIT */
/* The report: sick and healthy nets with the verdict that each must get, beside the published rules; its numbers against
 * sums written another way, closed forms and finite differences; and that it changes nothing. */
#include "suite.h"

#include <math.h>

enum { ROWS = 100, INPUTS = 784 };

static nninit_context *c;
static nninit_generator *g;
static float x[ROWS * INPUTS];
static int64_t labels[ROWS];

static void setup(const char *backend) {
    const nninit_context_options options = {.size = sizeof options, .backend = backend, .modules = suite_modules()};
    nninit_dataset *train;
    int64_t indices[ROWS];
    for (int i = 0; i < ROWS; i++)
        indices[i] = i;
    ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(c, nninit_dataset_open_mnist(&train, c, suite_path("../examples/data/mnist"), NNINIT_TRAIN));
    ck_assert_ok(c, nninit_dataset_read(train, indices, ROWS, x, labels));
}

static nninit_layer *perceptron(int hidden, int64_t width, nninit_activation activation) {
    int64_t widths[64] = {INPUTS};
    nninit_layer *model;
    for (int i = 1; i <= hidden; i++)
        widths[i] = width;
    widths[hidden + 1] = 10;
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, hidden + 2, activation, g));
    return model;
}

static void fill(nninit_layer *model, const char *pattern, const char *rule) {
    nninit_initializer *initializer;
    if (!rule)
        return;
    ck_assert_ok(c, nninit_initializer_parse(&initializer, c, rule));
    ck_assert_ok(c, nninit_layer_init(model, pattern, initializer, g));
    nninit_initializer_destroy(&initializer);
}

static nninit_report *make(nninit_layer *model, const nninit_report_options *options) {
    nninit_report *report;
    ck_assert_ok(c, nninit_report_create(&report, model, NNINIT_CROSS_ENTROPY, x, labels, ROWS, options));
    return report;
}

static nninit_report_layer layer_of(const nninit_report *report, int index) {
    nninit_report_layer layer = {.size = sizeof layer};
    ck_assert_ok(c, nninit_report_get_layer(report, index, &layer));
    return layer;
}

#define HE "kaiming_normal:nonlinearity=relu"

/* Weights and biases by rule; NULL: PyTorch's defaults. */
static const struct patient {
    const char *name;
    int hidden;
    int64_t width;
    nninit_activation activation;
    const char *weights, *biases, *last;
    nninit_verdict verdict;
} patients[] = {
    {"the lecture's net", 2, 256, NNINIT_RELU, "xavier_uniform", NULL, NULL, NNINIT_VERDICT_HEALTHY},
    {"the lecture's deep net", 4, 512, NNINIT_RELU, "xavier_uniform", NULL, NULL, NNINIT_VERDICT_HEALTHY},
    {"PyTorch's defaults", 2, 256, NNINIT_RELU, NULL, NULL, NULL, NNINIT_VERDICT_HEALTHY},
    {"He", 4, 256, NNINIT_RELU, HE, "zeros", NULL, NNINIT_VERDICT_HEALTHY},
    {"He, 30 layers", 29, 100, NNINIT_RELU, HE, "zeros", NULL, NNINIT_VERDICT_HEALTHY},
    {"Xavier, tanh", 4, 256, NNINIT_TANH, "xavier_normal", "zeros", NULL, NNINIT_VERDICT_HEALTHY},
    {"orthogonal, tanh", 9, 128, NNINIT_TANH, "orthogonal", "zeros", NULL, NNINIT_VERDICT_HEALTHY},
    {"Xavier, sigmoid", 1, 256, NNINIT_SIGMOID, "xavier_normal", "zeros", NULL, NNINIT_VERDICT_HEALTHY},
    {"He, output of zeros", 4, 256, NNINIT_RELU, HE, "zeros", "zeros", NNINIT_VERDICT_HEALTHY},
    {"zeros, ReLU", 2, 256, NNINIT_RELU, "zeros", "zeros", NULL, NNINIT_VERDICT_SYMMETRIC},
    {"zeros, tanh", 2, 256, NNINIT_TANH, "zeros", "zeros", NULL, NNINIT_VERDICT_SYMMETRIC},
    {"a constant", 2, 256, NNINIT_RELU, "constant:value=0.01", "zeros", NULL, NNINIT_VERDICT_SYMMETRIC},
    {"zero weights, PyTorch's biases", 2, 256, NNINIT_RELU, "zeros", NULL, NULL, NNINIT_VERDICT_VANISHING},
    {"N(0, .01^2)", 4, 256, NNINIT_RELU, "normal:std=0.01", "zeros", NULL, NNINIT_VERDICT_VANISHING},
    {"Xavier, ReLU, 30 layers", 29, 100, NNINIT_RELU, "xavier_normal", "zeros", NULL, NNINIT_VERDICT_VANISHING},
    {"Xavier, sigmoid, 10 layers", 9, 128, NNINIT_SIGMOID, "xavier_normal", "zeros", NULL, NNINIT_VERDICT_VANISHING},
    {"N(0, 1), ReLU", 4, 256, NNINIT_RELU, "normal:std=1", "zeros", NULL, NNINIT_VERDICT_EXPLODING},
    {"N(0, 1000^2), ReLU", 19, 256, NNINIT_RELU, "normal:std=1000", "zeros", NULL, NNINIT_VERDICT_EXPLODING},
    {"N(0, 1), tanh", 4, 256, NNINIT_TANH, "normal:std=1", "zeros", NULL, NNINIT_VERDICT_SATURATED},
    {"N(0, 1), sigmoid", 4, 256, NNINIT_SIGMOID, "normal:std=1", "zeros", NULL, NNINIT_VERDICT_SATURATED},
    {"biases of -10", 2, 256, NNINIT_RELU, HE, "constant:value=-10", NULL, NNINIT_VERDICT_DEAD},
};

static nninit_layer *admit(const struct patient *patient) {
    nninit_layer *model = perceptron(patient->hidden, patient->width, patient->activation);
    char last[32];
    snprintf(last, sizeof last, "%d.weight", 2 * patient->hidden);
    fill(model, "*.weight", patient->weights);
    fill(model, "*.bias", patient->biases);
    fill(model, last, patient->last);
    return model;
}

/* The published rule: from one linear layer to the next the variance changes more than 10 times. */
static bool published_rule_finds(const nninit_report *report) {
    double before = NAN;
    for (int i = 0; i < nninit_report_layer_count(report); i++) {
        nninit_report_layer layer = layer_of(report, i);
        if (isnan(layer.weight_norm))
            continue;
        if (layer.variance > 10 * before || before > 10 * layer.variance)
            return true;
        before = layer.variance;
    }
    return false;
}

static int ascending(const void *a, const void *b) {
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* Another one: from the 5th to the 95th of a hundred, the gradients of a layer are below .001. */
static bool gradient_rule_finds(const nninit_report *report) {
    static float sorted[ROWS * 512];
    for (int i = 0; i < nninit_report_layer_count(report); i++) {
        nninit_report_layer layer = layer_of(report, i);
        const size_t count = (size_t)(ROWS * layer.units);
        memcpy(sorted, layer.gradients, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, ascending);
        if (sorted[count / 20] > -0.001f && sorted[count - 1 - count / 20] < 0.001f)
            return true;
    }
    return false;
}

START_TEST(each_net_gets_its_verdict) {
    const nninit_report_options options = {.size = sizeof options, .no_spectra = 1};
    int missed = 0, alarms = 0;
    setup(suite_fast());
    for (size_t i = 0; i < sizeof patients / sizeof *patients; i++) {
        nninit_layer *model = admit(&patients[i]);
        nninit_report *report = make(model, &options);
        nninit_verdict verdict = nninit_report_verdict(report);
        ck_assert_msg(verdict == patients[i].verdict, "%s is %s and must be %s:\n%s", patients[i].name,
                      nninit_verdict_name(verdict), nninit_verdict_name(patients[i].verdict), nninit_report_text(report));
        bool published = published_rule_finds(report);
        bool waits = patients[i].last != NULL; /* the rule takes an output of zeros for a fault */
        ck_assert_msg(!published || waits || verdict != NNINIT_VERDICT_HEALTHY, "%s: found by the published rule only",
                      patients[i].name);
        missed += !published && verdict != NNINIT_VERDICT_HEALTHY;
        alarms += gradient_rule_finds(report) && verdict == NNINIT_VERDICT_HEALTHY;
        nninit_report_destroy(&report);
        nninit_layer_destroy(&model);
    }
    printf("the published rule of variances misses %d sick nets, that of gradients suspects %d healthy ones\n", missed, alarms);
    ck_assert_int_gt(missed, 0);
    ck_assert_int_gt(alarms, 0); /* the reason for which it is not among ours: it depends on the number of rows */
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(a_widened_net_is_symmetric) {
    float weight[64 * INPUTS], next[10 * 64];
    nninit_tensor *tensor;
    setup("ref");
    nninit_layer *model = perceptron(1, 64, NNINIT_TANH);
    fill(model, "0.bias", "zeros");
    ck_assert_ok(c, nninit_layer_find(model, "0.weight", &tensor));
    ck_assert_ok(c, nninit_tensor_read(tensor, weight, 64 * INPUTS));
    memcpy(weight + 32 * INPUTS, weight, 32 * INPUTS * sizeof *weight); /* each unit twice */
    ck_assert_ok(c, nninit_tensor_write(tensor, weight, 64 * INPUTS));
    nninit_report *report = make(model, NULL);
    ck_assert_int_eq(nninit_report_verdict(report), NNINIT_VERDICT_HEALTHY); /* what they send on differs: they will part */
    ck_assert_int_eq(layer_of(report, 0).weight_rank, 32);
    nninit_report_destroy(&report);
    ck_assert_ok(c, nninit_layer_find(model, "2.weight", &tensor));
    ck_assert_ok(c, nninit_tensor_read(tensor, next, 640));
    for (int i = 0; i < 640; i++)
        next[i] = i % 64 < 32 ? next[i] : next[i - 32];
    ck_assert_ok(c, nninit_tensor_write(tensor, next, 640));
    report = make(model, NULL);
    ck_assert_int_eq(nninit_report_verdict(report), NNINIT_VERDICT_SYMMETRIC);
    ck_assert_int_eq(layer_of(report, 0).distinct, 32);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(a_stalled_loss) {
    const float falls[] = {2.3f, 2.31f, 2.32f, 2.31f, 2.31f, 2.29f}, rests[] = {9, 2.3f, 2.31f, 2.3f, 2.3f, 2.5f, 2.3f};
    nninit_report_options options = {.size = sizeof options, .losses = falls, .loss_count = 6, .no_spectra = 1};
    nninit_finding finding = {.size = sizeof finding};
    setup("ref");
    nninit_layer *model = perceptron(1, 32, NNINIT_RELU);
    ck_assert_int_eq(nninit_report_verdict(make(model, &options)), NNINIT_VERDICT_HEALTHY);
    options.losses = rests;
    options.loss_count = 5;
    ck_assert_int_eq(nninit_report_verdict(make(model, &options)), NNINIT_VERDICT_HEALTHY); /* too few to say */
    options.loss_count = 7;
    nninit_report *report = make(model, &options);
    ck_assert_int_eq(nninit_report_verdict(report), NNINIT_VERDICT_STALLED);
    ck_assert_ok(c, nninit_report_get_finding(report, 0, &finding));
    ck_assert_int_eq(finding.layer, -1);
    ck_assert_double_eq_tol(finding.measured, 2.3, 1e-6);
    nninit_context_destroy(&c);
}
END_TEST

/* Another way to sum: floating means, as Welford has it. */
static void welford(const float *values, int64_t count, double *mean, double *variance) {
    double m = 0, s = 0;
    for (int64_t i = 0; i < count; i++) {
        double before = values[i] - m;
        m += before / (double)(i + 1);
        s += before * (values[i] - m);
    }
    *mean = m;
    *variance = s / (double)count;
}

static void check_layer(const nninit_report_layer *layer) {
    double mean, variance, signal = 0;
    float column[ROWS];
    welford(layer->outputs, ROWS * layer->units, &mean, &variance);
    ck_assert_double_eq_tol(layer->mean, mean, 1e-12 + 1e-9 * sqrt(variance));
    ck_assert_double_eq_tol(layer->variance, variance, 1e-9 * variance);
    for (int64_t u = 0; u < layer->units; u++) {
        double unused, one;
        for (int r = 0; r < ROWS; r++)
            column[r] = layer->outputs[r * layer->units + u];
        welford(column, ROWS, &unused, &one);
        signal += one / (double)layer->units;
    }
    ck_assert_double_eq_tol(layer->signal, signal, 1e-9 * signal);
    welford(layer->gradients, ROWS * layer->units, &mean, &variance);
    ck_assert_double_eq_tol(layer->gradient_variance, variance, 1e-9 * variance);
    double square = layer->gradient_norm * layer->gradient_norm / (double)(ROWS * layer->units);
    ck_assert_double_eq_tol(square, variance + mean * mean, 1e-9 * square);
}

START_TEST(numbers_are_those_of_the_run) {
    float y[ROWS * 10];
    for (int backend = 0; backend < 2; backend++) {
        setup(backend ? suite_fast() : "ref");
        nninit_layer *model = perceptron(2, 48, NNINIT_SIGMOID);
        nninit_report *report = make(model, NULL);
        ck_assert_int_eq(nninit_report_layer_count(report), 5);
        for (int i = 0; i < 5; i++) {
            nninit_report_layer layer = layer_of(report, i);
            check_layer(&layer);
        }
        nninit_report_layer last = layer_of(report, 4);
        ck_assert_str_eq(last.name, "4");
        ck_assert_str_eq(last.kind, "linear");
        ck_assert_ok(c, nninit_layer_forward(model, x, ROWS, y));
        ck_assert_mem_eq(y, last.outputs, sizeof y);
        double squares = 0, sum = 0;
        for (int i = 0; i < last.weight_spectrum_count; i++)
            squares += last.weight_spectrum[i] * last.weight_spectrum[i];
        ck_assert_double_eq_tol(sqrt(squares), last.weight_norm, 1e-12 * last.weight_norm);
        for (int r = 0; r < ROWS; r++) /* rows of softmax minus one-hot add up to 0 */
            for (int j = 0; j < 10; j++)
                sum += last.gradients[r * 10 + j];
        ck_assert_double_eq_tol(sum, 0, 1e-6);
        nninit_context_destroy(&c);
    }
}
END_TEST

/* The largest singular value is the most that J stretches, and the Frobenius norm is the root of their squares' sum: against
 * differences of the forward pass. */
START_TEST(jacobian_against_differences) {
    enum { IN = 6, HIDDEN = 5, OUT = 3 };
    const int64_t widths[] = {IN, HIDDEN, OUT};
    float batch[2][IN], one[2 * IN][IN], y[2 * IN][OUT], target[2][OUT] = {{0}};
    nninit_layer *model;
    setup("ref");
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 3, NNINIT_TANH, g));
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, batch, 2 * IN, 0, 1));
    nninit_report *report;
    const nninit_report_options options = {.size = sizeof options, .row = 1};
    ck_assert_ok(c, nninit_report_create(&report, model, NNINIT_MEAN_SQUARED_ERROR, batch[0], target, 2, &options));
    const float h = 1e-2f;
    for (int i = 0; i < 2 * IN; i++) {
        memcpy(one[i], batch[1], sizeof one[i]);
        one[i][i / 2] += i % 2 ? h : -h;
    }
    ck_assert_ok(c, nninit_layer_forward(model, one[0], 2 * IN, y[0]));
    double expected = 0, found = 0;
    for (int i = 0; i < IN; i++)
        for (int o = 0; o < OUT; o++) {
            double slope = ((double)y[2 * i + 1][o] - y[2 * i][o]) / (2 * (double)h);
            expected += slope * slope;
        }
    nninit_report_layer last = layer_of(report, 2);
    ck_assert_int_eq(last.jacobian_spectrum_count, OUT);
    for (int o = 0; o < OUT; o++)
        found += last.jacobian_spectrum[o] * last.jacobian_spectrum[o];
    ck_assert_double_eq_tol(found, expected, 1e-3 * expected);
    nninit_context_destroy(&c);
}
END_TEST

/* Saxe et al. 2014: the Jacobian of orthogonal linear layers has singular values of 1. */
START_TEST(orthogonal_linear_nets_are_isometries) {
    const int64_t widths[] = {32, 32, 32, 32, 32};
    float batch[4][32], target[4][32] = {{0}};
    nninit_layer *model;
    nninit_report *report;
    setup("ref");
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 5, NNINIT_IDENTITY, g));
    fill(model, "*.weight", "orthogonal");
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, batch, 4 * 32, 0, 1));
    ck_assert_ok(c, nninit_report_create(&report, model, NNINIT_MEAN_SQUARED_ERROR, batch[0], target, 4, NULL));
    for (int i = 0; i < 4; i++) {
        nninit_report_layer layer = layer_of(report, i);
        ck_assert_double_eq_tol(layer.jacobian_spectrum[0], 1, 1e-6);
        ck_assert_double_eq_tol(layer.jacobian_spectrum[31], 1, 1e-6);
    }
    nninit_context_destroy(&c);
}
END_TEST

/* The update that is foretold is the one that a step makes, in the first step and later. */
START_TEST(updates_are_foretold) {
    static const char *const rules[] = {"sgd:lr=0.1,momentum=0.9,nesterov=1", "adam", "adamw:weight_decay=0.1"};
    static float before[32 * INPUTS], after[32 * INPUTS];
    for (int k = 0; k < 3; k++) {
        nninit_optimizer *optimizer;
        nninit_tensor *weight;
        char hash[2][NNINIT_SHA256_SIZE];
        setup(suite_fast());
        nninit_layer *model = perceptron(1, 32, NNINIT_RELU);
        ck_assert_ok(c, nninit_optimizer_parse(&optimizer, c, rules[k]));
        ck_assert_ok(c, nninit_layer_find(model, "0.weight", &weight));
        for (int step = 0; step < 3; step++) {
            const nninit_report_options options = {.size = sizeof options, .optimizer = optimizer, .no_spectra = 1};
            double change = 0, size = 0;
            ck_assert_ok(c, nninit_layer_sha256(model, hash[0]));
            double ratio = layer_of(make(model, &options), 0).update_ratio;
            ck_assert_ok(c, nninit_layer_sha256(model, hash[1]));
            ck_assert_str_eq(hash[0], hash[1]);
            ck_assert_ok(c, nninit_tensor_read(weight, before, 32 * INPUTS));
            ck_assert_ok(c, nninit_step(model, NNINIT_CROSS_ENTROPY, optimizer, x, labels, ROWS, NULL));
            ck_assert_ok(c, nninit_tensor_read(weight, after, 32 * INPUTS));
            for (int i = 0; i < 32 * INPUTS; i++) {
                change += ((double)after[i] - before[i]) * ((double)after[i] - before[i]);
                size += (double)before[i] * before[i];
            }
            ck_assert_double_eq_tol(ratio, sqrt(change / size), 1e-12 * ratio);
        }
        nninit_context_destroy(&c);
    }
}
END_TEST

START_TEST(same_report_everywhere) {
    const char *const backends[] = {"ref", suite_fast()};
    char *text[2], *json[2];
    for (int i = 0; i < 2; i++) {
        setup(backends[i]);
        nninit_report *report = make(perceptron(2, 40, NNINIT_TANH), NULL);
        text[i] = strdup(nninit_report_text(report));
        json[i] = strdup(nninit_report_json(report));
        nninit_context_destroy(&c);
    }
    ck_assert_str_eq(text[0], text[1]);
    ck_assert_str_eq(json[0], json[1]);
    for (int i = 0; i < 2; i++) {
        free(text[i]);
        free(json[i]);
    }
}
END_TEST

START_TEST(refuses) {
    nninit_report *report;
    nninit_optimizer *optimizer;
    nninit_report_options options = {.size = sizeof options, .row = ROWS};
    nninit_report_layer layer = {.size = sizeof layer};
    setup("ref");
    nninit_layer *model = perceptron(1, 8, NNINIT_RELU), *other = perceptron(1, 8, NNINIT_RELU), *relu;
#define REFUSED(status, ...)                                                                                           \
    do {                                                                                                               \
        ck_assert_int_eq(nninit_report_create(__VA_ARGS__), status);                                                   \
        ck_assert_ptr_null(report);                                                                                    \
    } while (0)
    REFUSED(NNINIT_ERR_INVALID, &report, NULL, NNINIT_CROSS_ENTROPY, x, labels, ROWS, NULL);
    REFUSED(NNINIT_ERR_INVALID, &report, model, NNINIT_CROSS_ENTROPY, NULL, labels, ROWS, NULL);
    REFUSED(NNINIT_ERR_INVALID, &report, model, NNINIT_CROSS_ENTROPY, x, labels, 0, NULL);
    REFUSED(NNINIT_ERR_INVALID, &report, model, NNINIT_CROSS_ENTROPY, x, labels, ROWS, &options);
    options = (nninit_report_options){.size = sizeof options, .loss_count = 3};
    REFUSED(NNINIT_ERR_INVALID, &report, model, NNINIT_CROSS_ENTROPY, x, labels, ROWS, &options);
    options = (nninit_report_options){.size = 0};
    REFUSED(NNINIT_ERR_INVALID, &report, model, NNINIT_CROSS_ENTROPY, x, labels, ROWS, &options);
    ck_assert_ok(c, nninit_optimizer_parse(&optimizer, c, "adam"));
    ck_assert_ok(c, nninit_step(other, NNINIT_CROSS_ENTROPY, optimizer, x, labels, ROWS, NULL));
    options = (nninit_report_options){.size = sizeof options, .optimizer = optimizer};
    REFUSED(NNINIT_ERR_STATE, &report, model, NNINIT_CROSS_ENTROPY, x, labels, ROWS, &options);
    ck_assert_ok(c, nninit_activation_create(&relu, c, NNINIT_RELU, 0));
    REFUSED(NNINIT_ERR_SHAPE, &report, relu, NNINIT_CROSS_ENTROPY, x, labels, ROWS, NULL);
    report = make(model, NULL);
    ck_assert_int_eq(nninit_report_get_layer(report, 3, &layer), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_report_get_layer(report, -1, &layer), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_report_get_finding(report, 0, &(nninit_finding){.size = sizeof(nninit_finding)}),
                     NNINIT_ERR_INVALID);
    layer.size = 0;
    ck_assert_int_eq(nninit_report_get_layer(report, 0, &layer), NNINIT_ERR_INVALID);
    ck_assert_str_eq(nninit_verdict_name((nninit_verdict)99), "unknown");
    nninit_context_destroy(&c);
}
END_TEST

SUITE(report, each_net_gets_its_verdict, a_widened_net_is_symmetric, a_stalled_loss, numbers_are_those_of_the_run,
      jacobian_against_differences, orthogonal_linear_nets_are_isometries, updates_are_foretold, same_report_everywhere,
      refuses)
