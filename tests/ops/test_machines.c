/* SPDX-License-Identifier: MIT */
/* Restricted Boltzmann machines on every executor, level and number of threads, over lists and dense: a training's saved state,
 * samples, transformed data and the annealed estimate, all to the bit of ref. Between them these programs hold every kind
 * that no multilayer perceptron has. */
#include "suite.h"

#include "executor.h"
#include "object.h"

#include <math.h>
#include <unistd.h>

struct machine {
    const char *text;
    int64_t visible, hidden, rows, batch;
    nninit_stream stream;
};

static const struct machine machines[] = {
    {"bernoulli", 1, 1, 3, 2, NNINIT_STREAM_PHILOX},
    {"bernoulli:cd_steps=3,sample_visible=1", 17, 33, 40, 7, NNINIT_STREAM_PHILOX},
    {"bernoulli:chains=5,cd_steps=2,l1=0.01,lr_epochs=2", 49, 16, 23, 10, NNINIT_STREAM_PHILOX},
    {"bernoulli:binarize=1,sample_positive=1,sparsity_cost=0.3,max_norm=0.2", 97, 130, 64, 16, NNINIT_STREAM_PHILOX},
    {"bernoulli:labels=10,chains=8,sparsity_cost=0.1", 75, 64, 30, 10, NNINIT_STREAM_PHILOX},
    {"bernoulli:labels=3,sample_hidden=0", 20, 15, 30, 30, NNINIT_STREAM_TORCH},
    {"gaussian:lr=0.01,sample_visible=1", 31, 48, 40, 9, NNINIT_STREAM_PHILOX},
    {"gaussian:lr=0.01,labels=4,chains=6", 36, 20, 40, 20, NNINIT_STREAM_TORCH},
    {"bernoulli:cd_steps=2", 200, 300, 100, 50, NNINIT_STREAM_TORCH},
    {"bernoulli:chains=5,labels=3", 20, 15, 30, 10, NNINIT_STREAM_CURAND},
    {"gaussian:lr=0.01,sample_visible=1", 31, 48, 40, 9, NNINIT_STREAM_CURAND},
};
enum { MACHINES = sizeof machines / sizeof *machines, ROWS_MAX = 100, VISIBLE_MAX = 200, HIDDEN_MAX = 300, FILE_MAX = 2 << 20 };

struct result {
    size_t size; /* of the file */
    char file[FILE_MAX];
    float samples[ROWS_MAX * VISIBLE_MAX], means[ROWS_MAX * VISIBLE_MAX], hidden[ROWS_MAX * HIDDEN_MAX];
    float down[ROWS_MAX * VISIBLE_MAX];
    double error, log_z;
};

/* Data as a machine of these units wants it: a third of the values 0, labels behind them. */
static void fill(const struct machine *m, float *x, int64_t labels) {
    uint32_t seed = 1;
    for (int64_t i = 0; i < m->rows * m->visible; i++) {
        seed = seed * 1664525 + 1013904223;
        const int64_t column = i % m->visible - (m->visible - labels);
        const float value = (float)(seed >> 8) * 0x1p-24f;
        const bool gaussian = m->text[0] == 'g';
        x[i] = column >= 0 ? (float)(i / m->visible % labels == column) : gaussian ? 4 * value - 2 : value < .33f ? 0 : value;
    }
}

static void save(nninit_context *c, struct result *r, nninit_rbm *rbm, nninit_loader *loader) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/nninit-machine-%ld", (long)getpid());
    ck_assert_ok(c, nninit_rbm_save(rbm, loader, path));
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    r->size = fread(r->file, 1, sizeof r->file, file);
    ck_assert(r->size > 0 && r->size < sizeof r->file);
    fclose(file);
    remove(path);
}

static void compute(struct result *r, const char *backend, int threads, const struct machine *m) {
    static float x[ROWS_MAX * VISIBLE_MAX], fixed[ROWS_MAX * VISIBLE_MAX];
    static const double betas[] = {0, .3, .7, 1};
    nninit_context *c = suite_open(backend, threads);
    nninit_generator *g;
    nninit_dataset *data, *above;
    nninit_loader *loader;
    nninit_rbm *rbm;
    double labels;
    memset(r, 0, sizeof *r);
    ck_assert_ok(c, nninit_generator_create(&g, c, m->stream, 11));
    ck_assert_ok(c, nninit_rbm_parse(&rbm, c, m->text, m->visible, m->hidden, g));
    ck_assert_ok(c, nninit_rbm_get(rbm, NNINIT_RBM_LABELS, &labels));
    fill(m, x, (int64_t)labels);
    ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, x, NULL, m->rows, m->visible));
    ck_assert_ok(c, nninit_loader_create(&loader, data, m->batch, NNINIT_SHUFFLE, g));
    ck_assert_ok(c, nninit_rbm_init_visible_bias(rbm, data));
    for (int epoch = 0; epoch < 3; epoch++)
        ck_assert_ok(c, nninit_rbm_epoch(rbm, loader, &r->error));
    r->error = isnan(r->error) ? 0 : r->error;
    save(c, r, rbm, loader);
    memcpy(r->samples, x, (size_t)(m->rows * m->visible) * sizeof *x);
    for (int64_t i = 0; i < m->rows * (m->visible - (int64_t)labels); i++)
        fixed[i] = i % 3 == 0;
    for (int64_t i = 0; labels > 0 && i < m->rows * m->visible; i++)
        fixed[i] = 0;
    ck_assert_ok(c, nninit_rbm_sample(rbm, r->samples, m->rows, 3, fixed, r->means));
    ck_assert_ok(c, nninit_rbm_up(rbm, x, m->rows, r->hidden));
    ck_assert_ok(c, nninit_rbm_down(rbm, r->hidden, m->rows, r->down));
    ck_assert_ok(c, nninit_rbm_transform(rbm, data, NNINIT_RBM_SAMPLES, &above));
    for (int64_t i = 0; i < m->rows; i++)
        ck_assert_ok(c, nninit_dataset_read(above, &i, 1, r->hidden + i * m->hidden, NULL));
    const nninit_rbm_ais_options ais = {.size = sizeof ais, .chains = 10, .betas = betas, .temperatures = 4, .base = data};
    nninit_rbm_ais_result estimate = {.size = sizeof estimate};
    ck_assert_ok(c, nninit_rbm_ais(rbm, &ais, g, &estimate));
    r->log_z = estimate.log_z;
    nninit_context_destroy(&c);
}

START_TEST(machines_are_the_same_everywhere) {
    static const char *const lists[] = {"never", "always"};
    static struct result want[MACHINES], got;
    for (int k = 0; k < MACHINES; k++)
        compute(&want[k], "ref", 1, &machines[k]);
    for (int l = 0; l < SUITE_TARGETS; l++) {
        const char *backend = suite_target(l);
        for (int k = 0; backend && k < (strcmp(backend, "cuda") == 0 ? 1 : 2) * MACHINES; k++) {
            const int threads = 1 + k % 3;
            setenv("NNINIT_CPU_LISTS", lists[k / MACHINES], 1);
            compute(&got, backend, threads, &machines[k % MACHINES]);
            ck_assert_msg(memcmp(&got, &want[k % MACHINES], sizeof got) == 0, "%s, %s, lists %s, %d threads: error %g, %g; log Z %g, %g",
                          machines[k % MACHINES].text, suite_targets[l], lists[k / MACHINES], threads, got.error,
                          want[k % MACHINES].error, got.log_z, want[k % MACHINES].log_z);
        }
    }
    unsetenv("NNINIT_CPU_LISTS");
    suite_cpu_level(NULL);
}
END_TEST

static int fused_steps;
static const struct executor *counted;

static nninit_status counting_prepare(struct exec **out, struct device *device, const struct program *program,
                                      struct memory *const memories[ARENA_COUNT]) {
    for (int n = 0; n < program->node_count; n++)
        fused_steps += program->nodes[n].kind == KIND_GEMM_TN_CONTRAST;
    return counted->prepare(out, device, program, memories);
}

/* With the fused kind, and by its parts. */
START_TEST(fused_step_is_its_expansion) {
    static struct result want, got;
    struct executor table;
    for (int k = 0; k < 2; k++) {
        static const struct machine m = {"bernoulli:l1=0.01,cd_steps=2", 97, 130, 64, 16, NNINIT_STREAM_PHILOX};
        struct result *r = k ? &got : &want;
        static float x[64 * 97];
        nninit_context *c = suite_open(suite_fast(), 0);
        nninit_generator *g;
        nninit_dataset *data;
        nninit_loader *loader;
        nninit_rbm *rbm;
        ck_assert_int_eq(context_open(c), NNINIT_OK);
        counted = c->executor;
        table = *counted;
        table.prepare = counting_prepare;
        for (int kind = BASIC_KIND_COUNT; kind < KIND_COUNT && k == 1; kind++)
            table.has[kind] = false;
        c->executor = &table;
        fill(&m, x, 0);
        ck_assert_ok(c, nninit_generator_create(&g, c, m.stream, 11));
        ck_assert_ok(c, nninit_rbm_parse(&rbm, c, m.text, m.visible, m.hidden, g));
        ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, x, NULL, m.rows, m.visible));
        ck_assert_ok(c, nninit_loader_create(&loader, data, m.batch, NNINIT_SHUFFLE, g));
        for (int epoch = 0; epoch < 3; epoch++)
            ck_assert_ok(c, nninit_rbm_epoch(rbm, loader, NULL));
        ck_assert_int_eq(fused_steps, 1);
        save(c, r, rbm, loader);
        nninit_context_destroy(&c);
    }
    ck_assert(memcmp(&want, &got, sizeof got) == 0);
}
END_TEST

SUITE(machines, machines_are_the_same_everywhere, fused_step_is_its_expansion)
