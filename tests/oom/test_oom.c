/* SPDX-License-Identifier: MIT */
/* The whole public API with an allocator that fails: allocation N once, and from N on for ever; N = 0, 1, 2, … until all
 * goes well. Every failure is NNINIT_ERR_MEMORY with NULL out; nothing leaks; the context goes on working. */
#include "suite.h"

#include <unistd.h>

struct heap {
    long next, fail_at, live;
    bool for_ever;
};

static void *heap_alloc(void *user, size_t size) {
    struct heap *heap = user;
    long n = heap->next++;
    if (n == heap->fail_at || (heap->for_ever && n > heap->fail_at))
        return NULL;
    heap->live++;
    return malloc(size);
}

static void heap_free(void *user, void *memory) {
    ((struct heap *)user)->live--;
    free(memory);
}

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        nninit_status status_ = (call);                                                                                \
        if (status_ < 0)                                                                                               \
            return status_;                                                                                            \
    } while (0)

#define TRY_MAKE(handle, call)                                                                                         \
    do {                                                                                                               \
        nninit_status status_ = (call);                                                                                \
        ck_assert((status_ < 0) == ((handle) == NULL));                                                                \
        if (status_ < 0)                                                                                               \
            return status_;                                                                                            \
    } while (0)

/* Several runs of this program may share a folder. */
static const char *oom_file(void) {
    static char name[64];
    snprintf(name, sizeof name, "oom-%ld.safetensors", (long)getpid());
    return name;
}

static int read_rows(void *user, const int64_t *indices, int64_t count, float *rows, int64_t *labels) {
    (void)user;
    for (int64_t i = 0; i < count; i++) {
        rows[3 * i] = rows[3 * i + 1] = rows[3 * i + 2] = (float)indices[i];
        labels[i] = indices[i] % 2;
    }
    return 0;
}

static nninit_status use_tensors(nninit_context *c) {
    nninit_tensor *t, *w;
    nninit_generator *g;
    nninit_initializer *init, *parsed;
    float data[4], again[4];
    unsigned char state[NNINIT_TORCH_STATE_SIZE];
    TRY_MAKE(t, nninit_tensor_create(&t, c, "t", (const int64_t[]){2, 2}, 2));
    TRY_MAKE(w, nninit_tensor_wrap(&w, c, "w", data, (const int64_t[]){4}, 1));
    TRY_MAKE(g, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 1));
    TRY_MAKE(init, nninit_initializer_create(&init, c, NNINIT_INIT_XAVIER_NORMAL));
    TRY_MAKE(parsed, nninit_initializer_parse(&parsed, c, "kaiming_uniform:nonlinearity=relu,mode=fan_out"));
    TRY(nninit_initializer_set(init, NNINIT_INIT_GAIN, 2));
    TRY(nninit_initializer_apply(init, t, g));
    TRY(nninit_initializer_fill(parsed, NNINIT_FLOAT32, data, (const int64_t[]){2, 2}, 2, g));
    TRY(nninit_tensor_read(t, again, 4));
    TRY(nninit_tensor_write(w, again, 4));
    TRY(nninit_generator_save(g, state, sizeof state));
    TRY(nninit_generator_restore(g, state, sizeof state));
    nninit_tensor_destroy(&t);
    return NNINIT_OK;
}

static int write_nothing(void *user, const int64_t *shape, int rank, nninit_dtype dtype, void *values,
                         nninit_generator *generator) {
    (void)user, (void)shape, (void)rank, (void)dtype, (void)values, (void)generator;
    return 0;
}

static nninit_status use_rules(nninit_context *c) {
    static const int64_t shape[] = {2, 3};
    static const double values[6] = {1, 2, 3};
    nninit_generator *g;
    nninit_initializer *sparse, *array, *file, *callback;
    nninit_tensor *t;
    nninit_explanation e = {.size = sizeof e};
    nninit_selftest drawn = {.size = sizeof drawn};
    uint16_t halves[6];
    double x[6];
    char text[400];
    TRY_MAKE(g, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 1));
    TRY_MAKE(t, nninit_tensor_create(&t, c, "t", shape, 2));
    TRY_MAKE(sparse, nninit_initializer_parse(&sparse, c, "sparse:sparsity=0.5"));
    TRY_MAKE(array, nninit_initializer_from_array(&array, c, NNINIT_FLOAT64, values, shape, 2));
    TRY_MAKE(file, nninit_initializer_open(&file, c, suite_path("fuzz/corpus/npy/fortran.npy"), NULL));
    TRY_MAKE(callback, nninit_initializer_from_callback(&callback, c, write_nothing, NULL));
    TRY(nninit_initializer_fill(sparse, NNINIT_BFLOAT16, halves, shape, 2, g));
    TRY(nninit_initializer_fill(callback, NNINIT_FLOAT64, x, shape, 2, NULL));
    TRY(nninit_initializer_apply(array, t, NULL));
    TRY(nninit_initializer_apply(file, t, NULL));
    TRY(nninit_initializer_explain(file, shape, 2, &e));
    TRY(nninit_initializer_explain_text(sparse, shape, 2, text, sizeof text));
    TRY(nninit_selftest_tensor(file, t, &drawn));
    TRY(nninit_initializer_selftest(sparse, shape, 2, g, &drawn));
    TRY(nninit_selftest_values(array, NNINIT_FLOAT64, values, shape, 2, &drawn));
    nninit_initializer_destroy(&array);
    return NNINIT_OK;
}

static nninit_status use_models(nninit_context *c) {
    static const float x[6] = {1, 2, 3, 4, 5, 6}, targets[4] = {0};
    static const int64_t labels[2] = {0, 1}, widths[] = {3, 4, 2};
    nninit_generator *g;
    nninit_layer *linear, *relu, *both, *mlp;
    nninit_tensor *gradient;
    nninit_optimizer *sgd, *adam;
    nninit_report *report;
    float y[4], cost;
    TRY_MAKE(g, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 1));
    TRY_MAKE(linear, nninit_linear_create(&linear, c, 3, 2, 1, g));
    TRY_MAKE(relu, nninit_activation_create(&relu, c, NNINIT_LEAKY_RELU, 0.1));
    TRY_MAKE(both, nninit_sequential_create(&both, c, (nninit_layer *[]){linear, relu}, 2));
    TRY_MAKE(mlp, nninit_mlp_create(&mlp, c, widths, 3, NNINIT_TANH, g));
    TRY_MAKE(sgd, nninit_optimizer_parse(&sgd, c, "sgd:lr=0.1,momentum=0.9,nesterov=1"));
    TRY_MAKE(adam, nninit_optimizer_create(&adam, c, NNINIT_ADAM));
    TRY(nninit_layer_forward(both, x, 2, y));
    TRY(nninit_gradient(both, NNINIT_MEAN_SQUARED_ERROR, x, targets, 2, &cost));
    TRY(nninit_layer_gradient(both, 0, &gradient));
    const nninit_report_options watched = {.size = sizeof watched, .optimizer = sgd};
    TRY_MAKE(report, nninit_report_create(&report, both, NNINIT_MEAN_SQUARED_ERROR, x, targets, 2, &watched));
    TRY(nninit_step(both, NNINIT_MEAN_SQUARED_ERROR, sgd, x, targets, 2, &cost));
    TRY(nninit_step(mlp, NNINIT_CROSS_ENTROPY, adam, x, labels, 2, &cost));
    nninit_layer_destroy(&linear);
    nninit_layer_destroy(&both);
    nninit_optimizer_destroy(&sgd);
    return NNINIT_OK;
}

static nninit_status use_initialization(nninit_context *c) {
    static const float x[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t widths[] = {3, 4, 2};
    nninit_generator *g;
    nninit_layer *mlp;
    nninit_rules *rules;
    nninit_initializer *zeros;
    TRY_MAKE(g, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 1));
    TRY_MAKE(mlp, nninit_mlp_create(&mlp, c, widths, 3, NNINIT_TANH, g));
    TRY_MAKE(rules, nninit_rules_parse(&rules, c, "*.weight = xavier_uniform; first *.bias = uniform:low=-1"));
    TRY_MAKE(zeros, nninit_initializer_create(&zeros, c, NNINIT_INIT_ZEROS));
    TRY(nninit_rules_add(rules, NNINIT_RULES_LINEAR, NNINIT_RULES_LAST, "*", zeros));
    nninit_initializer_destroy(&zeros);
    TRY(nninit_rules_apply(rules, mlp, g));
    nninit_rules_destroy(&rules);
    TRY_MAKE(rules, nninit_rules_create(&rules, c));
    TRY(nninit_pretrain_lsuv(mlp, x, 2, NULL, g));
    return NNINIT_OK;
}

/* A stack with a joint top, saved, resumed and sampled from; then what a machine alone can do. */
static nninit_status use_machines(nninit_context *c) {
    static const float x[18] = {1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1};
    static const int64_t labels[6] = {0, 1, 0, 1, 1, 0}, widths[] = {3, 4, 2};
    static const double betas[] = {0, .5, 1};
    const nninit_dbn_options options = {.size = sizeof options, .epochs = 1, .batch = 4};
    const nninit_rbm_ais_options ais = {.size = sizeof ais, .chains = 3, .betas = betas, .temperatures = 3};
    nninit_rbm_ais_result estimate = {.size = sizeof estimate};
    nninit_generator *g, *torch;
    nninit_dataset *data, *above;
    nninit_loader *loader;
    nninit_dbn *dbn;
    nninit_rbm *rbm;
    nninit_layer *net, *code;
    char path[64];
    float v[18];
    double value, energy[6];
    int64_t named[6];
    snprintf(path, sizeof path, "/tmp/nninit-oom-%ld", (long)getpid());
    TRY_MAKE(g, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 1));
    TRY_MAKE(torch, nninit_generator_create(&torch, c, NNINIT_STREAM_TORCH, 1));
    TRY_MAKE(data, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, x, labels, 6, 3));
    TRY_MAKE(dbn, nninit_dbn_create(&dbn, c, "bernoulli:chains=2", widths, 3, 2, g));
    TRY(nninit_dbn_pretrain(dbn, data, &options));
    TRY(nninit_dbn_save(dbn, path));
    TRY(nninit_dbn_resume(dbn, path));
    remove(path);
    memcpy(v, x, sizeof v);
    TRY(nninit_dbn_sample(dbn, v, 6, 2, labels));
    TRY(nninit_dbn_classify(dbn, x, 6, named));
    TRY_MAKE(above, nninit_dbn_transform(dbn, data, 1, NNINIT_RBM_MEANS, &above));
    TRY_MAKE(net, nninit_dbn_to_model(dbn, 2, NULL, NULL, &net));
    TRY_MAKE(rbm, nninit_rbm_create(&rbm, c, NNINIT_RBM_BERNOULLI, 3, 2, torch));
    TRY_MAKE(loader, nninit_loader_create(&loader, data, 4, NNINIT_SHUFFLE, torch));
    TRY(nninit_rbm_epoch(rbm, loader, NULL));
    TRY(nninit_rbm_reconstruction(rbm, data, &value, &value));
    TRY(nninit_rbm_free_energy(rbm, x, 6, energy));
    TRY(nninit_rbm_free_energy_gap(rbm, data, data, 0, &value));
    TRY(nninit_rbm_pseudo_likelihood(rbm, x, 6, torch, &value));
    TRY(nninit_rbm_log_partition(rbm, &value));
    TRY(nninit_rbm_kl(rbm, x, 6, &value));
    TRY(nninit_rbm_ais(rbm, &ais, g, &estimate));
    TRY_MAKE(above, nninit_rbm_transform(rbm, data, NNINIT_RBM_SAMPLES, &above));
    TRY_MAKE(dbn, nninit_dbn_create(&dbn, c, NULL, widths, 3, 0, g));
    TRY_MAKE(code, nninit_dbn_autoencoder(dbn, 1, &code));
    TRY(nninit_pretrain_rbm(code, data, NULL, &options, torch));
    return NNINIT_OK;
}

static nninit_status use_training(nninit_context *c) {
    static const uint8_t pixels[30] = {3, 200, 7};
    static const float targets[20] = {0};
    static const int64_t labels[10] = {0, 1}, widths[] = {3, 4, 2};
    nninit_generator *g;
    nninit_dataset *bytes, *vectors, *part, *called, *file;
    nninit_loader *batches, *called_batches;
    nninit_layer *mlp;
    nninit_optimizer *adam;
    nninit_trainer *trainer;
    char hash[NNINIT_SHA256_SIZE];
    double loss, accuracy;
    int64_t prediction;
    TRY_MAKE(g, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 1));
    TRY_MAKE(bytes, nninit_dataset_wrap(&bytes, c, NNINIT_UINT8, pixels, labels, 10, 3));
    TRY_MAKE(vectors, nninit_dataset_wrap_targets(&vectors, c, NNINIT_UINT8, pixels, targets, 10, 3, 2));
    TRY_MAKE(part, nninit_dataset_slice(&part, bytes, 1, 9));
    TRY_MAKE(called, nninit_dataset_from_callback(&called, c, 10, 3, 2, read_rows, NULL));
    TRY_MAKE(file, nninit_dataset_open_idx(&file, c, suite_path("../examples/data/mnist/t10k-labels-idx1-ubyte.gz"),
                                           suite_path("../examples/data/mnist/t10k-labels-idx1-ubyte.gz")));
    TRY_MAKE(batches, nninit_loader_create(&batches, part, 4, NNINIT_SHUFFLE, g));
    TRY_MAKE(called_batches, nninit_loader_create(&called_batches, called, 4, NNINIT_SHUFFLE, g));
    TRY_MAKE(mlp, nninit_mlp_create(&mlp, c, widths, 3, NNINIT_RELU, g));
    TRY_MAKE(adam, nninit_optimizer_create(&adam, c, NNINIT_ADAMW));
    TRY_MAKE(trainer, nninit_trainer_create(&trainer, mlp, NNINIT_CROSS_ENTROPY, adam));
    TRY(nninit_trainer_epoch(trainer, batches, NULL));
    TRY(nninit_trainer_epoch(trainer, called_batches, NULL));
    TRY(nninit_trainer_evaluate(trainer, bytes, &loss, &accuracy));
    TRY(nninit_trainer_predict(trainer, bytes, 0, &prediction));
    TRY(nninit_layer_sha256(mlp, hash));
    TRY(nninit_layer_save(mlp, oom_file()));
    TRY(nninit_layer_load(mlp, oom_file()));
    TRY(nninit_trainer_save(trainer, batches, oom_file()));
    TRY(nninit_trainer_resume(trainer, batches, oom_file()));
    return NNINIT_OK;
}

typedef nninit_status (*use)(nninit_context *);

static bool goes_well(use what, const char *backend, long n, bool for_ever) {
    struct heap heap = {0, n, 0, for_ever};
    nninit_context_options options = {.size = sizeof options, .backend = backend, .threads = 2, .alloc = heap_alloc,
                                      .free = heap_free, .alloc_user = &heap, .modules = suite_modules()};
    nninit_context *context;
    nninit_status status = nninit_context_create(&context, &options);
    ck_assert((status < 0) == (context == NULL));
    if (status == NNINIT_OK) {
        status = what(context);
        if (status < 0)
            ck_assert_msg(strstr(nninit_context_message(context), "out of memory"), "allocation %ld: %s", n,
                          nninit_context_message(context));
        heap.fail_at = -1;
        heap.for_ever = false;
        ck_assert_ok(context, what(context));
    }
    ck_assert_msg(status == NNINIT_OK || status == NNINIT_ERR_MEMORY, "allocation %ld: %s", n, nninit_status_name(status));
    nninit_context_destroy(&context);
    ck_assert_msg(heap.live == 0, "allocation %ld: %ld blocks leaked", n, heap.live);
    return status == NNINIT_OK;
}

static void fail_each(use what) {
    for (int b = 0; b < (suite_modules() ? 1 : 2); b++)
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            const char *backend = b ? "ref" : suite_fast();
            long n = 0;
            while (!goes_well(what, backend, n, for_ever))
                ck_assert_int_lt(n++, 10000);
            ck_assert_int_gt(n, 5);
        }
    remove(oom_file());
}

START_TEST(tensors) {
    fail_each(use_tensors);
}
END_TEST

START_TEST(initializers) {
    fail_each(use_rules);
}
END_TEST

START_TEST(models) {
    fail_each(use_models);
}
END_TEST

START_TEST(initialization) {
    fail_each(use_initialization);
}
END_TEST

/* What changes a model in many steps puts it and the generator back. */
START_TEST(half_an_initialization_is_undone) {
    static const float x[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t widths[] = {3, 4, 2};
    static unsigned char state[2][NNINIT_TORCH_STATE_SIZE];
    struct heap heap = {0, -1, 0, false};
    nninit_context_options options = {.size = sizeof options, .alloc = heap_alloc, .free = heap_free, .alloc_user = &heap,
                                      .modules = suite_modules()};
    nninit_context *c;
    nninit_generator *g;
    nninit_layer *mlp;
    nninit_rules *rules;
    char before[NNINIT_SHA256_SIZE], after[NNINIT_SHA256_SIZE];
    int failed = 0, changed = 0;
    ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(c, nninit_mlp_create(&mlp, c, widths, 3, NNINIT_TANH, g));
    ck_assert_ok(c, nninit_rules_parse(&rules, c, "* = normal"));
    for (int lsuv = 0; lsuv < 2; lsuv++)
        for (long n = 0;; n++) {
            ck_assert_ok(c, nninit_layer_sha256(mlp, before));
            ck_assert_ok(c, nninit_generator_save(g, state[0], sizeof state[0]));
            heap.next = 0;
            heap.fail_at = n;
            nninit_status status = lsuv ? nninit_pretrain_lsuv(mlp, x, 2, NULL, g) : nninit_rules_apply(rules, mlp, g);
            heap.fail_at = -1;
            ck_assert_ok(c, nninit_layer_sha256(mlp, after));
            ck_assert_ok(c, nninit_generator_save(g, state[1], sizeof state[1]));
            if (status == NNINIT_OK)
                break;
            failed++;
            changed += strcmp(before, after) != 0 || memcmp(state[0], state[1], sizeof state[0]) != 0;
        }
    ck_assert_int_gt(failed, 20);
    ck_assert_int_eq(changed, 0);
    nninit_context_destroy(&c);
    ck_assert_int_eq(heap.live, 0);
}
END_TEST

START_TEST(machines) {
    fail_each(use_machines);
}
END_TEST

START_TEST(training) {
    fail_each(use_training);
}
END_TEST

SUITE(oom, tensors, initializers, models, initialization, half_an_initialization_is_undone, machines, training)
