/* SPDX-License-Identifier: MIT */
/* First losses, gradients and updates against PyTorch's (scripts/make-golden-training.py). */
#include "suite.h"

#include "session.h"

#include <math.h>

enum { VALUES = 1002 };

static const int64_t xavier[] = {784, 256, 256, 10}, deep[] = {784, 512, 512, 512, 512, 10};

/* The line that begins with "key name number": its numbers; *extra the number. */
static int find(const char *key, const char *name, double *values, long *extra) {
    static char line[40000];
    char k[16], n[128];
    int count = 0, used;
    FILE *file = fopen(suite_path("golden/training.txt"), "r");
    ck_assert_ptr_nonnull(file);
    while (count == 0 && fgets(line, sizeof line, file)) {
        long number;
        if (sscanf(line, "%15s %127s %ld%n", k, n, &number, &used) != 3 || strcmp(k, key) != 0 || strcmp(n, name) != 0 ||
            (*extra >= 0 && number != *extra))
            continue;
        *extra = number;
        char *at = line + used, *end;
        for (double v = strtod(at, &end); end != at && count < VALUES; v = strtod(at, &end)) {
            values[count++] = v;
            at = end;
        }
    }
    fclose(file);
    return count;
}

static void check_net(const char *name, const int64_t *widths, int count, const char *backend, double limit) {
    nninit_context *c = suite_open(backend, 2);
    nninit_generator *g;
    nninit_dataset *train;
    nninit_layer *model;
    nninit_initializer *rule;
    nninit_optimizer *adam;
    nninit_loader *loader;
    ck_assert_ok(c, nninit_dataset_open_mnist(&train, c, suite_path("../examples/data/mnist"), NNINIT_TRAIN));
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, count, NNINIT_RELU, g));
    ck_assert_ok(c, nninit_initializer_parse(&rule, c, "xavier_uniform"));
    ck_assert_ok(c, nninit_layer_init(model, "*.weight", rule, g));
    ck_assert_ok(c, nninit_optimizer_create(&adam, c, NNINIT_ADAM));
    ck_assert_ok(c, nninit_loader_create(&loader, train, 100, NNINIT_SHUFFLE | NNINIT_DROP_LAST, g));
    ck_assert_ok(c, nninit_loader_begin(loader));
    static float x[100 * 784], gradient[784 * 512];
    int64_t labels[100], rows;
    double want[VALUES];
    for (int step = 0; step < 5; step++) {
        const int64_t *indices;
        float cost;
        ck_assert_ok(c, nninit_loader_next(loader, &indices, &rows));
        ck_assert_ok(c, nninit_dataset_read(train, indices, rows, x, labels));
        if (step == 0)
            ck_assert_ok(c, nninit_gradient(model, NNINIT_CROSS_ENTROPY, x, labels, rows, &cost));
        for (int i = 0; step == 0 && i < nninit_layer_parameter_count(model); i++) {
            nninit_tensor *t;
            long stride = -1;
            double norm = 0;
            ck_assert_ok(c, nninit_layer_gradient(model, i, &t));
            int n = find(name, nninit_tensor_name(t), want, &stride);
            ck_assert_int_ge(n, 3);
            ck_assert_ok(c, nninit_tensor_read(t, gradient, nninit_tensor_numel(t)));
            for (int64_t k = 0; k < nninit_tensor_numel(t); k++)
                norm += (double)gradient[k] * (double)gradient[k];
            ck_assert_double_eq_tol(sqrt(norm), want[0], 2e-6 * want[0]);
            for (int k = 2; k < n; k++)
                ck_assert_double_eq_tol((double)gradient[(k - 2) * stride], want[k], 2e-6 * want[1]);
        }
        ck_assert_ok(c, nninit_step(model, NNINIT_CROSS_ENTROPY, adam, x, labels, rows, &cost));
        long zero = 0;
        ck_assert_int_eq(find(name, "losses", want, &zero), 5);
        ck_assert_double_eq_tol((double)cost, want[step], limit);
    }
    nninit_context_destroy(&c);
}

START_TEST(three_layers) {
    check_net("xavier", xavier, 4, suite_fast(), 2e-6);
    check_net("xavier", xavier, 4, "ref", 2e-6);
}
END_TEST

START_TEST(five_layers) {
    check_net("deep", deep, 6, suite_fast(), 2e-6);
}
END_TEST

/* Distance in units of the last place of the larger one, or of `floor` where both are smaller. */
static double ulps(float a, double b, double floor) {
    double size = fmax(fmax(fabs((double)a), fabs(b)), floor);
    return fabs((double)a - b) / ldexp(1, ilogb(size) - 23);
}

/* One update node, PyTorch's p, g, m, v in. */
static void check_update(const char *text, long steps, const char *backend) {
    nninit_context *c = suite_open(backend, 0);
    nninit_generator *gen;
    nninit_optimizer *o;
    enum { N = 1000 };
    static float start[4][N], out[3][N];
    static const double stds[] = {0.05, 0.01, 0.01, 0.01};
    ck_assert_ok(c, nninit_generator_create(&gen, c, NNINIT_STREAM_TORCH, 777 + (uint64_t)steps));
    ck_assert_ok(c, nninit_optimizer_parse(&o, c, text));
    for (int i = 0; i < 4; i++)
        ck_assert_ok(c, nninit_generator_normal(gen, NNINIT_FLOAT32, start[i], N, 0, stds[i]));
    for (int i = 0; i < N; i++)
        start[3][i] = fabsf(start[3][i]);
    optimizer_advance(o, steps);
    struct arena *arena[ARENA_COUNT];
    struct memory *memory[ARENA_COUNT];
    static const int from[ARENA_COUNT] = {[ARENA_VALUES] = 0, [ARENA_GRADIENTS] = 1, [ARENA_M] = 2, [ARENA_V] = 3};
    for (int a = 0; a < ARENA_COUNT; a++) {
        ck_assert_ok(c, arena_create(&arena[a], c, &(struct tensor_shape){N, 1}, 1));
        ck_assert_ok(c, arena_write(arena[a], 0, start[from[a]]));
        memory[a] = arena[a]->memory;
    }
    struct program p;
    int slots[OPTIMIZER_SLOTS];
    float table[OPTIMIZER_SLOTS], *tables[] = {table, table + 1, table + 2};
    program_init(&p, c, 1);
    optimizer_emit_slots(o, &p, slots);
    int g = program_tensor(&p, ARENA_GRADIENTS, 0, N, 1), v = program_tensor(&p, ARENA_VALUES, 0, N, 1);
    optimizer_emit(o, &p, slots, g, v, 0, N, 1);
    struct exec *exec;
    int64_t done;
    ck_assert_ok(c, c->executor->prepare(&exec, c->device, &p, memory));
    optimizer_tables(o, 1, tables);
    for (int i = 0; i < OPTIMIZER_SLOTS; i++)
        if (slots[i] >= 0)
            ck_assert_ok(c, c->executor->slot_write(exec, slots[i], 0, 1, &table[i]));
    ck_assert_ok(c, c->executor->run(exec, PHASE_ALL, 0, 1, &done));
    static const enum arena_role shown[] = {ARENA_VALUES, ARENA_M, ARENA_V};
    static const char *const keys[] = {"update", "m", "v"};
    /* m and the decayed gradient are sums of terms that may cancel: their rounding is that of the terms. */
    double decay;
    ck_assert_ok(c, nninit_optimizer_get(o, NNINIT_OPT_WEIGHT_DECAY, &decay));
    for (int k = 0; k < 3; k++) {
        double want[VALUES];
        ck_assert_ok(c, arena_read(arena[shown[k]], 0, out[k]));
        ck_assert_int_eq(find(keys[k], text, want, &steps), N);
        for (int i = 0; i < N; i++) {
            double term = fabs((double)start[1][i]) + decay * fabs((double)start[0][i]);
            double floor = k == 1 ? 0.9 * fabs((double)start[2][i]) + (strncmp(text, "sgd", 3) ? 0.1 : 1) * term
                           : k == 0 ? fabs((double)start[0][i]) : 1e-30;
            ck_assert_msg(ulps(out[k][i], want[i], floor) <= 2, "%s %s: %a, PyTorch has %a", keys[k], text,
                          (double)out[k][i], want[i]);
        }
    }
    c->executor->release(exec);
    program_finish(&p);
    for (int a = 0; a < ARENA_COUNT; a++)
        arena_drop(arena[a]);
    nninit_context_destroy(&c);
}

START_TEST(updates) {
    static const struct {
        const char *text;
        long steps;
    } cases[] = {{"adam:lr=0.001", 0},
                 {"adam:lr=0.001", 9},
                 {"adam:lr=0.01,weight_decay=0.1", 9},
                 {"adamw:lr=0.01,weight_decay=0.1", 9},
                 {"sgd:lr=0.1,momentum=0.9", 1},
                 {"sgd:lr=0.1,momentum=0.9,weight_decay=0.01,nesterov=1", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_update(cases[i].text, cases[i].steps, "ref");
        check_update(cases[i].text, cases[i].steps, suite_fast());
    }
}
END_TEST

SUITE(training, three_layers, five_layers, updates)
