/* SPDX-License-Identifier: MIT */
/* Programs on every executor, instruction set and number of threads against ref, by memcmp; fused against expansion. */
#include "suite.h"

#include "executor.h"
#include "session.h"

#include <math.h>

/* A net, its batch and what is compared of it: outputs, cost, gradients, and parameters and moments after two steps. */
struct shape {
    int64_t rows, inputs, hidden, outputs;
};

static const struct shape shapes[] = {{1, 1, 1, 1},    {2, 3, 5, 2},     {7, 17, 31, 3},   {13, 16, 16, 16}, {6, 47, 1, 10},
                                      {100, 784, 64, 10}, {19, 33, 100, 7}, {12, 5, 129, 17}, {3, 1100, 80, 65}, {11, 96, 48, 11},
                                      {1500, 3, 2, 3}};

enum { CAPACITY = 600000 };

struct result {
    float value[CAPACITY];
    int64_t count;
};

static void keep(struct result *r, const float *values, int64_t count) {
    ck_assert_int_le(r->count + count, CAPACITY);
    memcpy(r->value + r->count, values, (size_t)count * sizeof *values);
    r->count += count;
}

static void keep_tensor(nninit_context *c, struct result *r, nninit_tensor *t) {
    int64_t count = nninit_tensor_numel(t);
    float *values = malloc((size_t)count * sizeof *values);
    ck_assert_ok(c, nninit_tensor_read(t, values, count));
    keep(r, values, count);
    free(values);
}

static void compute(struct result *r, const char *backend, int threads, const struct shape *s, nninit_activation kind,
                    nninit_loss loss, const char *optimizer) {
    nninit_context *c = suite_open(backend, threads);
    nninit_generator *g;
    nninit_layer *model;
    nninit_optimizer *o;
    const int64_t widths[] = {s->inputs, s->hidden, s->hidden, s->outputs};
    float *x = malloc((size_t)(s->rows * (s->inputs + 2 * s->outputs)) * sizeof *x);
    float *targets = x + s->rows * s->inputs, *y = targets + s->rows * s->outputs, cost;
    int64_t *labels = malloc((size_t)s->rows * sizeof *labels);
    r->count = 0;
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 11));
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, x, s->rows * (s->inputs + s->outputs), 0, 1));
    for (int64_t i = 0; i < s->rows * s->inputs; i++)
        x[i] = i % 3 ? x[i] : 0.0f; /* zeros, as pixels have them */
    ck_assert_ok(c, nninit_generator_randint(g, labels, s->rows, 0, s->outputs));
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 4, kind, g));
    ck_assert_ok(c, nninit_optimizer_parse(&o, c, optimizer));
    const void *target = loss == NNINIT_CROSS_ENTROPY ? (const void *)labels : targets;
    ck_assert_ok(c, nninit_layer_forward(model, x, s->rows, y));
    keep(r, y, s->rows * s->outputs);
    ck_assert_ok(c, nninit_gradient(model, loss, x, target, s->rows, &cost));
    keep(r, &cost, 1);
    for (int i = 0; i < nninit_layer_parameter_count(model); i++) {
        nninit_tensor *gradient;
        ck_assert_ok(c, nninit_layer_gradient(model, i, &gradient));
        keep_tensor(c, r, gradient);
    }
    for (int step = 0; step < 2; step++) {
        ck_assert_ok(c, nninit_step(model, loss, o, x, target, s->rows, &cost));
        keep(r, &cost, 1);
    }
    for (int i = 0; i < nninit_layer_parameter_count(model); i++)
        keep_tensor(c, r, nninit_layer_parameter(model, i));
    nninit_context_destroy(&c);
    free(labels);
    free(x);
}

static const nninit_activation activations[] = {NNINIT_RELU, NNINIT_TANH, NNINIT_SIGMOID, NNINIT_LEAKY_RELU,
                                                NNINIT_IDENTITY};
static const char *const optimizers[] = {"adam",
                                         "sgd:lr=0.1",
                                         "sgd:lr=0.1,momentum=0.9,dampening=0.1",
                                         "sgd:lr=0.1,momentum=0.9,nesterov=1,weight_decay=0.01",
                                         "adam:weight_decay=0.1,lr=0.01",
                                         "adamw:beta1=0.8,beta2=0.9,eps=0.001"};

static nninit_loss loss_of(int k) { return k % 2 ? NNINIT_MEAN_SQUARED_ERROR : NNINIT_CROSS_ENTROPY; }

static void check_bits(const struct result *want, const struct result *got, const char *where) {
    ck_assert_int_eq(want->count, got->count);
    int64_t i = 0;
    while (i < want->count && memcmp(&want->value[i], &got->value[i], 4) == 0)
        i++; /* no assertion in the loop: each writes to a file */
    ck_assert_msg(i == want->count, "%s: value %lld is %a, ref has %a", where, (long long)i, (double)got->value[i],
                  (double)want->value[i]);
}

/* Lists of non-zeros in every product, in none, and where the executor finds that they pay. */
START_TEST(every_level) {
    static const char *const lists[] = {"never", "always", ""};
    static struct result want[sizeof shapes / sizeof *shapes][6], got;
    char where[128];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int k = 0; k < 6; k++)
            compute(&want[s][k], "ref", 1, &shapes[s], activations[k % 5], loss_of(k), optimizers[k]);
    for (int l = 0; l < SUITE_TARGETS; l++) {
        const char *backend = suite_target(l);
        const bool cuda = backend && strcmp(backend, "cuda") == 0;
        for (int n = cuda ? 2 : 0; n < 3 && backend; n++) {
            const int most = n < 2 || cuda ? 2 : 3;
            setenv("NNINIT_CPU_LISTS", lists[n], 1);
            for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
                for (int k = 0; k < 6; k++)
                    for (int threads = most % 2 ? 1 : 2; threads <= most; threads++) {
                        compute(&got, backend, threads, &shapes[s], activations[k % 5], loss_of(k), optimizers[k]);
                        snprintf(where, sizeof where, "%s, lists \"%s\", %d threads, shape %zu, case %d", suite_targets[l], lists[n],
                                 threads, s, k);
                        check_bits(&want[s][k], &got, where);
                    }
        }
    }
    unsetenv("NNINIT_CPU_LISTS");
    suite_cpu_level(NULL);
}
END_TEST

/* ref's products against double, within the bound of a chain of k roundings. */
START_TEST(ref_products_are_right) {
    enum { ROWS = 9, INPUTS = 300, OUTPUTS = 21 };
    nninit_context *c = suite_open("ref", 1);
    nninit_generator *g;
    nninit_layer *linear;
    static float x[ROWS * INPUTS], w[OUTPUTS * INPUTS], y[ROWS * OUTPUTS];
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 5));
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, x, ROWS * INPUTS, 0, 1));
    ck_assert_ok(c, nninit_linear_create(&linear, c, INPUTS, OUTPUTS, 0, g));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(linear, 0), w, OUTPUTS * INPUTS));
    ck_assert_ok(c, nninit_layer_forward(linear, x, ROWS, y));
    for (int b = 0; b < ROWS; b++)
        for (int o = 0; o < OUTPUTS; o++) {
            double sum = 0, size = 0;
            for (int i = 0; i < INPUTS; i++) {
                double product = (double)x[b * INPUTS + i] * (double)w[o * INPUTS + i];
                sum += product;
                size += fabs(product);
            }
            ck_assert_double_le(fabs(sum - (double)y[b * OUTPUTS + o]), INPUTS * 0x1p-24 * size);
        }
    nninit_context_destroy(&c);
}
END_TEST

/* The law's functions against libm in double, over their whole range. */
START_TEST(law_functions) {
    double worst_exp = 0, worst_log = 0, worst_tanh = 0;
    for (int i = -870000; i <= 880000; i++) {
        float x = (float)i / 10000.0f;
        worst_exp = fmax(worst_exp, fabs((double)law_exp(x) / exp((double)x) - 1));
        worst_tanh = fmax(worst_tanh, fabs((double)law_tanh(x / 40) - tanh((double)(x / 40))) / fmax(fabs(tanh((double)(x / 40))), 1e-30));
        worst_log = i > 0 ? fmax(worst_log, fabs((double)law_log(x) - log((double)x)) / fmax(fabs(log((double)x)), 1e-3)) : worst_log;
    }
    ck_assert_double_le(worst_exp, 2 * 0x1p-23);
    ck_assert_double_le(worst_tanh, 4 * 0x1p-23);
    ck_assert_double_le(worst_log, 2 * 0x1p-23);
    ck_assert(law_exp(-88) == 0 && isinf(law_exp(89)) && isnan(law_exp(NAN)));
    ck_assert(law_log(0) == -INFINITY && law_log(INFINITY) == INFINITY && isnan(law_log(-1)) && isnan(law_log(NAN)));
    ck_assert(isnan(law_relu(NAN)) && law_tanh(100) == 1 && law_tanh(-100) == -1 && law_sigmoid(-200) == 0);
    ck_assert(law_tiny(0x1p-101f) == 0 && law_tiny(-0x1p-101f) == 0 && law_tiny(0x1p-100f) == 0x1p-100f);
}
END_TEST

/* What machines add to them. */
START_TEST(law_functions_of_machines) {
    double worst = 0;
    for (int i = -870000; i <= 870000; i++) {
        const double x = (double)((float)i / 10000.0f), exact = fmax(x, 0) + log1p(exp(-fabs(x)));
        worst = fmax(worst, fabs((double)law_softplus((float)x) / exact - 1));
    }
    ck_assert_double_le(worst, 3 * 0x1p-23);
    ck_assert(law_softplus(-200) == 0 && law_softplus(200) == 200 && isnan(law_softplus(NAN)));
    const float z[5] = {1, -2, 3, 0, 88}, p[4] = {.25f, 0, .5f, .25f};
    float y[5];
    law_softmax(z, 4, y);
    for (int j = 0; j < 4; j++) {
        const double exact = exp((double)z[j]) / (exp(1) + exp(-2) + exp(3) + 1);
        ck_assert_double_eq_tol((double)y[j], exact, 4 * 0x1p-24);
    }
    law_softmax(z, 5, y);
    ck_assert(y[4] == 1 && y[0] >= 0 && y[0] < 1e-37f);
    static const struct {
        float u;
        int picked;
    } picks[] = {{0, 0}, {.2499999f, 0}, {.25f, 2}, {.7499999f, 2}, {.75f, 3}, {.99999994f, 3}, {1, 3}};
    for (int k = 0; k < 7; k++) {
        law_pick(picks[k].u, p, 4, y);
        for (int j = 0; j < 4; j++)
            ck_assert_msg(y[j] == (j == picks[k].picked ? 1.0f : 0.0f), "u = %g: y[%d] is %g", (double)picks[k].u, j, (double)y[j]);
    }
    ck_assert(law_max_norm(4, 1) == .5f && law_max_norm(4, 2) == 1 && law_max_norm(0, 1) == 1);
}
END_TEST

/* The training program with and without fused kinds. */
START_TEST(fused_is_its_expansion) {
    static float weights[2][26646];
    for (int run = 0; run < 2; run++) {
        nninit_context *c = suite_open(suite_fast(), 0);
        struct executor plain;
        nninit_generator *g;
        nninit_layer *model;
        nninit_optimizer *adam;
        const int64_t widths[] = {97, 128, 106, 4}, labels[10] = {0, 1, 2, 3};
        static float x[970];
        ck_assert_int_eq(context_open(c), NNINIT_OK);
        ck_assert(c->executor->has[KIND_GEMM_TN_ADAM]);
        plain = *c->executor;
        for (int k = BASIC_KIND_COUNT; k < KIND_COUNT && run == 1; k++)
            plain.has[k] = false;
        c->executor = &plain;
        ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 5));
        ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, x, 970, 0, 1));
        ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 4, NNINIT_RELU, g));
        ck_assert_ok(c, nninit_optimizer_create(&adam, c, NNINIT_ADAM));
        for (int step = 0; step < 3; step++)
            ck_assert_ok(c, nninit_step(model, NNINIT_CROSS_ENTROPY, adam, x, labels, 10, NULL));
        int64_t at = 0;
        for (int i = 0; i < 6; i++) {
            nninit_tensor *t = nninit_layer_parameter(model, i);
            ck_assert_ok(c, nninit_tensor_read(t, weights[run] + at, nninit_tensor_numel(t)));
            at += nninit_tensor_numel(t);
        }
        ck_assert_int_le(at, 26646);
        nninit_context_destroy(&c);
    }
    ck_assert_mem_eq(weights[0], weights[1], sizeof weights[0]);
}
END_TEST

/* The lowest index among equals, in rows of few different values. */
START_TEST(argmax_of_equals) {
    enum { ROWS = 50, COLS = 37 };
    static float x[ROWS * COLS];
    int32_t index[ROWS], got[ROWS];
    int64_t done;
    uint32_t seed = 1;
    for (int i = 0; i < ROWS * COLS; i++) {
        seed = seed * 1664525 + 1013904223;
        x[i] = (float)(seed >> 30);
    }
    for (int r = 0; r < ROWS; r++)
        index[r] = r;
    for (int l = 0; l < SUITE_TARGETS; l++) {
        struct memory *const memories[ARENA_COUNT] = {NULL};
        struct program program;
        struct exec *exec;
        const char *backend = suite_target(l);
        if (!backend)
            continue;
        nninit_context *c = suite_open(backend, 2);
        ck_assert_ok(c, context_open(c));
        program_init(&program, c, 1);
        const int data = program_data(&program, ELEMENT_F32, COLS), numbers = program_slot(&program, ELEMENT_I32, ROWS);
        const int z = program_buffer(&program, ELEMENT_F32, ROWS, COLS), best = program_buffer(&program, ELEMENT_I32, ROWS, 1);
        program_emit(&program, PHASE_SOURCE, KIND_GATHER_F32, data, numbers, z);
        program_emit(&program, PHASE_MEASURE, KIND_ARGMAX, z, -1, best);
        ck_assert_ok(c, c->executor->prepare(&exec, c->device, &program, memories));
        program_finish(&program);
        ck_assert_ok(c, c->executor->bind(exec, data, x, ROWS, 0));
        ck_assert_ok(c, c->executor->slot_write(exec, numbers, 0, 1, index));
        ck_assert_ok(c, c->executor->run(exec, PHASE_ALL, 0, 1, &done));
        ck_assert_ok(c, c->executor->buffer_read(exec, best, got));
        for (int r = 0; r < ROWS; r++) {
            int want = 0;
            for (int j = 1; j < COLS; j++)
                want = x[r * COLS + j] > x[r * COLS + want] ? j : want;
            ck_assert_msg(got[r] == want, "%s: row %d: %d, not %d", suite_targets[l], r, got[r], want);
        }
        c->executor->release(exec);
        nninit_context_destroy(&c);
    }
    suite_cpu_level(NULL);
}
END_TEST

enum { RANDOM_PROGRAMS = 150, RANDOM_NODES = 14, RANDOM_BUFFERS = 5, RANDOM_ROWS = 6, RANDOM_COLS = 21 };

static uint32_t random_state;

static int random_below(int n) {
    random_state = random_state * 1664525 + 1013904223;
    return (int)(random_state >> 16) % n;
}

/* Nodes that read and write a few buffers in any order, also in place. */
static void emit_random(struct program *p, const int buffers[RANDOM_BUFFERS]) {
    static const enum kind kinds[] = {KIND_ADD, KIND_LESS, KIND_SELECT, KIND_SIGMOID, KIND_SOFTMAX, KIND_TANH_GRADIENT};
    for (int n = 0; n < RANDOM_NODES; n++) {
        const enum kind kind = kinds[random_below(6)];
        const int x = buffers[random_below(RANDOM_BUFFERS)], z = buffers[random_below(RANDOM_BUFFERS)];
        const bool one = kind == KIND_SIGMOID || kind == KIND_SOFTMAX;
        struct node *node = program_emit(p, PHASE_FORWARD, kind, x, one ? -1 : z, buffers[random_below(RANDOM_BUFFERS)]);
        if (kind == KIND_SELECT)
            node->in[2] = buffers[random_below(RANDOM_BUFFERS)];
        if (kind == KIND_SOFTMAX)
            node->arg.first = 0;
    }
}

static void run_random(float *values, const char *backend, uint32_t seed) {
    static const int32_t index[RANDOM_ROWS] = {0, 1, 2, 3, 4, 5};
    static float x[RANDOM_BUFFERS][RANDOM_ROWS * RANDOM_COLS];
    struct memory *const memories[ARENA_COUNT] = {NULL};
    struct program p;
    struct exec *exec;
    int buffers[RANDOM_BUFFERS], data[RANDOM_BUFFERS];
    int64_t done;
    nninit_context *c = suite_open(backend, 2);
    ck_assert_ok(c, context_open(c));
    program_init(&p, c, 1);
    random_state = seed;
    const int numbers = program_slot(&p, ELEMENT_I32, RANDOM_ROWS);
    for (int b = 0; b < RANDOM_BUFFERS; b++) {
        data[b] = program_data(&p, ELEMENT_F32, RANDOM_COLS);
        buffers[b] = program_buffer(&p, ELEMENT_F32, RANDOM_ROWS, RANDOM_COLS);
        program_emit(&p, PHASE_SOURCE, KIND_GATHER_F32, data[b], numbers, buffers[b]);
        for (int i = 0; i < RANDOM_ROWS * RANDOM_COLS; i++)
            x[b][i] = (float)(random_below(401) - 200) / 64;
    }
    emit_random(&p, buffers);
    ck_assert_ok(c, c->executor->prepare(&exec, c->device, &p, memories));
    program_finish(&p);
    for (int b = 0; b < RANDOM_BUFFERS; b++)
        ck_assert_ok(c, c->executor->bind(exec, data[b], x[b], RANDOM_ROWS, 0));
    ck_assert_ok(c, c->executor->slot_write(exec, numbers, 0, 1, index));
    ck_assert_ok(c, c->executor->run(exec, PHASE_ALL, 0, 1, &done));
    for (int b = 0; b < RANDOM_BUFFERS; b++)
        ck_assert_ok(c, c->executor->buffer_read(exec, buffers[b], values + b * RANDOM_ROWS * RANDOM_COLS));
    c->executor->release(exec);
    nninit_context_destroy(&c);
}

/* Whoever runs nodes at once, or in another order, keeps what depends on each other apart. */
START_TEST(random_programs) {
    enum { COUNT = RANDOM_BUFFERS * RANDOM_ROWS * RANDOM_COLS };
    static float want[COUNT], got[COUNT];
    for (int l = 0; l < SUITE_TARGETS; l++) {
        const char *backend = suite_target(l);
        for (uint32_t seed = 0; seed < RANDOM_PROGRAMS && backend; seed++) {
            run_random(want, "ref", seed);
            run_random(got, backend, seed);
            ck_assert_msg(memcmp(want, got, sizeof want) == 0, "%s: program %u", suite_targets[l], seed);
        }
    }
    suite_cpu_level(NULL);
}
END_TEST

SUITE(ops, argmax_of_equals, random_programs, every_level, ref_products_are_right, law_functions, law_functions_of_machines,
      fused_is_its_expansion)
