/* SPDX-License-Identifier: MIT */
/* One node at a time: every product and update of cpu against ref, by memcmp, at every instruction set and remainder size,
 * dense and over lists. As `kernels bench`: GFLOP/s of the products at the lecture nets' shapes, by the same programs. */
#include "suite.h"

#include "executor.h"
#include "object.h"

#include <time.h>

enum { ROWS_MAX = 1040, ELEMENTS_MAX = 512 * 800 };

static const enum kind kinds[] = {KIND_GEMM_NT, KIND_LINEAR, KIND_LINEAR_RELU, KIND_GEMM_NN, KIND_GEMM_NN_RELU_GRADIENT,
                                  KIND_GEMM_TN, KIND_GEMM_TN_ADAM, KIND_COLUMN_SUM, KIND_SGD, KIND_ADAM};
enum { KINDS = sizeof kinds / sizeof *kinds };
static const char *const names[KIND_COUNT] = {
#define X(name, inputs, outputs, formula) [KIND_##name] = #name,
    BASIC_KINDS(X) FUSED_KINDS(X)
#undef X
};

/* x [rows, inputs], dy [rows, outputs], a weight [outputs, inputs]. */
struct shape {
    int64_t rows, inputs, outputs;
};

/* A program whose phase BACKWARD is the node under test, prepared on an executor with filled memories. */
struct bed {
    nninit_context *context;
    struct arena *arena[ARENA_COUNT];
    struct exec *exec;
    struct shape shape;
    enum kind kind;
    int x, dy, index, slots[3], y, dx; /* values */
};

static float data[ELEMENTS_MAX];

/* What values are multiplied with: 1, or so little that products of two vanish, with their sign. */
static float scale = 1;

/* Some zeros of both signs; else -2 to 2, with a bit of everything in the mantissa. */
static void fill(float *values, int64_t count, int percent, uint32_t seed) {
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        float value = (float)(int32_t)seed * 0x1p-30f * scale;
        values[i] = (seed >> 8) % 100 < (uint32_t)percent ? value : seed & 0x80 ? 0.0f : -0.0f;
    }
}

static int gathered(struct program *p, int source, int index, int64_t rows, int64_t cols) {
    int y = program_buffer(p, ELEMENT_F32, rows, cols);
    program_emit(p, PHASE_SOURCE, KIND_GATHER_F32, source, index, y);
    return y;
}

/* from_data: the node reads rows of a data set, which changes how it is cut. */
static void emit(struct bed *b, struct program *p, bool from_data) {
    const enum kind kind = b->kind;
    const struct shape *s = &b->shape;
    b->index = program_slot(p, ELEMENT_I32, s->rows);
    b->x = program_data(p, ELEMENT_F32, s->inputs);
    b->dy = program_data(p, ELEMENT_F32, s->outputs);
    for (int i = 0; i < 3; i++)
        b->slots[i] = program_slot(p, ELEMENT_F32, 1);
    int x = gathered(p, b->x, b->index, s->rows, s->inputs), dy = gathered(p, b->dy, b->index, s->rows, s->outputs);
    if (!from_data) {
        int copy = program_buffer(p, ELEMENT_F32, s->rows, s->inputs);
        program_emit(p, PHASE_SOURCE, KIND_LEAKY_RELU, x, -1, copy)->arg.number = 1;
        x = copy;
    }
    int tensor[ARENA_COUNT], bias = program_tensor(p, ARENA_VALUES, 1, s->outputs, 1);
    int bias_gradient = program_tensor(p, ARENA_GRADIENTS, 1, s->outputs, 1);
    for (int a = 0; a < ARENA_COUNT; a++)
        tensor[a] = program_tensor(p, (enum arena_role)a, 0, s->outputs, s->inputs);
    b->y = program_buffer(p, ELEMENT_F32, s->rows, s->outputs);
    b->dx = program_buffer(p, ELEMENT_F32, s->rows, s->inputs);
    const int w = tensor[ARENA_VALUES], m = tensor[ARENA_M], v = tensor[ARENA_V], g = tensor[ARENA_GRADIENTS];
    const int sum = program_buffer(p, ELEMENT_F32, s->rows, s->outputs), dsum = program_buffer(p, ELEMENT_F32, s->rows, s->inputs);
    const bool relu = kind == KIND_LINEAR_RELU, masked = kind == KIND_GEMM_NN_RELU_GRADIENT;
    struct node *n;
    switch (kind) {
    case KIND_GEMM_NT:
    case KIND_LINEAR:
    case KIND_LINEAR_RELU:
        program_emit(p, PHASE_BACKWARD, KIND_GEMM_NT, x, w, relu ? sum : b->y);
        if (kind != KIND_GEMM_NT)
            program_emit(p, PHASE_BACKWARD, KIND_BIAS, relu ? sum : b->y, bias, relu ? sum : b->y);
        if (relu)
            program_emit(p, PHASE_BACKWARD, KIND_RELU, sum, -1, b->y);
        break;
    case KIND_GEMM_NN:
    case KIND_GEMM_NN_RELU_GRADIENT:
        program_emit(p, PHASE_BACKWARD, KIND_GEMM_NN, dy, w, masked ? dsum : b->dx);
        if (masked)
            program_emit(p, PHASE_BACKWARD, KIND_RELU_GRADIENT, x, dsum, b->dx);
        break;
    case KIND_COLUMN_SUM:
        program_emit(p, PHASE_BACKWARD, kind, dy, -1, bias_gradient);
        break;
    case KIND_SGD:
        n = program_emit(p, PHASE_BACKWARD, kind, g, b->slots[0], w);
        n->in[2] = b->slots[1], n->out[1] = m;
        n->arg.sgd = (struct law_sgd){.decay = 0.01f, .momentum = 0.9f, .nesterov = 1};
        break;
    default: /* KIND_GEMM_TN, KIND_ADAM, or both */
        if (kind != KIND_ADAM)
            program_emit(p, PHASE_BACKWARD, KIND_GEMM_TN, dy, x, g);
        if (kind == KIND_GEMM_TN)
            break;
        n = program_emit(p, PHASE_BACKWARD, KIND_ADAM, g, b->slots[0], w);
        n->in[2] = b->slots[1], n->in[3] = b->slots[2], n->out[1] = m, n->out[2] = v;
        n->arg.adam = (struct law_adam){0.9f, 0.1f, 0.999f, 0.001f, 1e-8f, 0.01f};
    }
}

/* Does the program hold the kind that is meant, or on ref its expansion? */
static bool holds(const struct program *p, enum kind kind, const bool has[KIND_COUNT]) {
    for (int n = 0; n < p->node_count; n++)
        if (p->nodes[n].kind == kind)
            return true;
    return !has[kind];
}

static void bed_open(struct bed *b, const char *backend, int threads, enum kind kind, const struct shape *shape,
                     bool from_data, int percent) {
    static const float slot_values[3] = {0.01f, 0.5f, 0.99f};
    const struct tensor_shape tensors[2] = {{shape->outputs, shape->inputs}, {shape->outputs, 1}};
    struct memory *memories[ARENA_COUNT];
    struct program p;
    *b = (struct bed){.context = suite_open(backend, threads), .shape = *shape, .kind = kind};
    ck_assert_ok(b->context, context_open(b->context));
    const struct executor *e = b->context->executor;
    program_init(&p, b->context, 1);
    emit(b, &p, from_data);
    program_fuse(&p, e->has);
    ck_assert_ok(b->context, p.status);
    ck_assert(holds(&p, kind, e->has));
    for (int a = 0; a < ARENA_COUNT; a++) {
        ck_assert_ok(b->context, arena_create(&b->arena[a], b->context, tensors, 2));
        memories[a] = b->arena[a]->memory;
        for (int t = 0; t < 2; t++) {
            fill(data, tensors[t].rows * tensors[t].cols, 90, (uint32_t)(7 * a + t));
            for (int64_t i = 0; a == ARENA_V && i < tensors[t].rows * tensors[t].cols; i++)
                data[i] = fabsf(data[i]);
            ck_assert_ok(b->context, arena_write(b->arena[a], t, data));
        }
    }
    ck_assert_ok(b->context, e->prepare(&b->exec, b->context->device, &p, memories));
    program_finish(&p);
    int32_t index[ROWS_MAX];
    for (int i = 0; i < ROWS_MAX; i++)
        index[i] = i;
    static float x[ELEMENTS_MAX], dy[ELEMENTS_MAX];
    fill(x, shape->rows * shape->inputs, percent, 91);
    fill(dy, shape->rows * shape->outputs, percent, 92);
    ck_assert_ok(b->context, e->bind(b->exec, b->x, x, shape->rows, 0));
    ck_assert_ok(b->context, e->bind(b->exec, b->dy, dy, shape->rows, 0));
    ck_assert_ok(b->context, e->slot_write(b->exec, b->index, 0, 1, index));
    for (int i = 0; i < 3; i++)
        ck_assert_ok(b->context, e->slot_write(b->exec, b->slots[i], 0, 1, &slot_values[i]));
    int64_t done;
    ck_assert_ok(b->context, e->run(b->exec, PHASE_SOURCE, 0, 1, &done));
}

static void bed_run(struct bed *b) {
    int64_t done;
    ck_assert_ok(b->context, b->context->executor->run(b->exec, PHASE_BACKWARD, 0, 1, &done));
}

static void bed_close(struct bed *b) {
    b->context->executor->release(b->exec);
    for (int a = 0; a < ARENA_COUNT; a++)
        arena_drop(b->arena[a]);
    nninit_context_destroy(&b->context);
}

/* All that the node may have written. */
static int64_t bed_read(const struct bed *b, float *values) {
    const struct executor *e = b->context->executor;
    const struct shape *s = &b->shape;
    float *at = values;
    ck_assert_ok(b->context, e->buffer_read(b->exec, b->y, at));
    at += s->rows * s->outputs;
    ck_assert_ok(b->context, e->buffer_read(b->exec, b->dx, at));
    at += s->rows * s->inputs;
    for (int a = 0; a < ARENA_COUNT; a++) {
        if (a == ARENA_GRADIENTS && (b->kind == KIND_GEMM_TN_ADAM || b->kind == KIND_COLUMN_SUM_ADAM))
            continue; /* the fused kind stores none */
        ck_assert_ok(b->context, arena_read(b->arena[a], 0, at));
        at += s->outputs * s->inputs;
        ck_assert_ok(b->context, arena_read(b->arena[a], 1, at));
        at += s->outputs;
    }
    return at - values;
}

static const char *const lists[] = {"never", "always"};

/* A shape on every level that there is, against ref. */
static void compare(const bool runs[SUITE_TARGETS], enum kind kind, const struct shape *s, bool from_data, int threads) {
    static float want[8 * ELEMENTS_MAX], got[8 * ELEMENTS_MAX];
    struct bed b;
    bed_open(&b, "ref", 1, kind, s, from_data, 50);
    bed_run(&b);
    int64_t count = bed_read(&b, want);
    bed_close(&b);
    for (int l = 0; l < SUITE_TARGETS; l++)
        for (int n = 0; n < (strcmp(suite_targets[l], "cuda") == 0 ? 1 : 2) && runs[l]; n++) {
            const char *backend = strcmp(suite_targets[l], "cuda") == 0 ? "cuda" : "cpu";
            setenv("NNINIT_CPU", suite_targets[l], 1);
            setenv("NNINIT_CPU_LISTS", lists[n], 1);
            bed_open(&b, backend, threads, kind, s, from_data, 50);
            bed_run(&b);
            ck_assert_int_eq(bed_read(&b, got), count);
            bed_close(&b);
            ck_assert_msg(memcmp(got, want, (size_t)count * sizeof *got) == 0, "%s: %s, lists %s, %lld x %lld -> %lld",
                          names[kind], suite_targets[l], lists[n], (long long)s->rows, (long long)s->inputs, (long long)s->outputs);
        }
    unsetenv("NNINIT_CPU_LISTS");
    suite_cpu_level(NULL);
}

static void find_targets(bool runs[SUITE_TARGETS]) {
    for (int l = 0; l < SUITE_TARGETS; l++)
        runs[l] = suite_target(l) != NULL;
    suite_cpu_level(NULL);
}

/* Rows beyond a whole number of tiles, inputs and outputs beyond vectors, groups and panels. */
START_TEST(remainders) {
    static const int64_t widths[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 48, 63, 64, 65, 79, 81, 127, 128, 129, 143};
    enum { WIDTHS = sizeof widths / sizeof *widths };
    bool runs[SUITE_TARGETS];
    find_targets(runs);
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < WIDTHS; w++) {
            const struct shape s = {1 + w % 14, widths[w], widths[(5 * w + k) % WIDTHS]};
            compare(runs, kinds[k], &s, w % 2, 1 + w % 3);
        }
}
END_TEST

/* Rows and columns beyond what a product takes at a time (DEPTH, CHUNK, BLOCK, …_ROWS). */
START_TEST(blocks) {
    static const struct shape shapes[] = {{6, 1, 1500}, {5, 1100, 20}, {129, 130, 20}, {257, 20, 70}, {100, 784, 64}, {1040, 70, 20}};
    bool runs[SUITE_TARGETS];
    find_targets(runs);
    for (int k = 0; k < KINDS; k++)
        for (int s = 0; s < 6; s++)
            compare(runs, kinds[k], &shapes[s], s % 2, 2);
}
END_TEST

/* Chains that end at a zero have a positive one. */
START_TEST(underflow) {
    static const struct shape shapes[] = {{1, 1, 1}, {7, 33, 17}, {64, 64, 64}}; /* the last fills every tile */
    bool runs[SUITE_TARGETS];
    find_targets(runs);
    scale = 0x1p-80f;
    for (int k = 0; k < KINDS; k++)
        for (int s = 0; s < 3; s++)
            compare(runs, kinds[k], &shapes[s], s % 2, 1);
    scale = 1;
}
END_TEST

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* GFLOP/s of the dense product, by the fastest of many runs. */
static double speed(enum kind kind, const struct shape *s, int percent) {
    struct bed b;
    double fastest = 1e9;
    bed_open(&b, "cpu", 1, kind, s, true, percent);
    for (double end = now() + 0.3; now() < end;) {
        double start = now();
        bed_run(&b);
        fastest = fmin(fastest, now() - start);
    }
    bed_close(&b);
    return 2e-9 * (double)(s->rows * s->inputs * s->outputs) / fastest;
}

/* One line of JSON for each level, product and shape: dense, and over lists by percent of non-zeros. */
START_TEST(bench) {
    static const struct shape shapes[] = {{100, 784, 256}, {100, 256, 256}, {100, 784, 512}, {100, 512, 512}, {100, 512, 10}};
    static const enum kind products[] = {KIND_LINEAR_RELU, KIND_GEMM_NN_RELU_GRADIENT, KIND_GEMM_TN};
    static const int percents[] = {19, 30, 40, 50, 60};
    for (int l = 1; l < 4; l++)
        for (int k = 0; k < 3; k++)
            for (int s = 0; s < 5 && suite_target(l); s++) {
                setenv("NNINIT_CPU_LISTS", "never", 1);
                printf("{\"level\": \"%s\", \"product\": \"%s\", \"rows\": %lld, \"inputs\": %lld, \"outputs\": %lld, "
                       "\"dense\": %.1f", suite_targets[l], names[products[k]], (long long)shapes[s].rows,
                       (long long)shapes[s].inputs, (long long)shapes[s].outputs, speed(products[k], &shapes[s], 100));
                setenv("NNINIT_CPU_LISTS", "always", 1);
                for (int p = 0; p < 5; p++)
                    printf(", \"%d %%\": %.1f", percents[p], speed(products[k], &shapes[s], percents[p]));
                printf("}\n");
                fflush(stdout);
            }
}
END_TEST

int main(int argc, char **argv) {
    const TTest *const tests[] = {remainders, blocks, underflow}, *const benches[] = {bench};
    return argc > 1 && strcmp(argv[1], "bench") == 0 ? suite_run("bench", benches, 1) : suite_run("kernels", tests, 3);
}
