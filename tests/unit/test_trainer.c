/* SPDX-License-Identifier: MIT */
/* Loaders, trainers and checkpoints: what they refuse, and how they stop. */
#include "suite.h"

#include "safetensors.h"

#include <math.h>
#include <unistd.h>

enum { ROWS = 50 };

static nninit_context *c;
static nninit_generator *g;
static nninit_dataset *data;
static nninit_loader *loader;
static nninit_layer *model;
static nninit_optimizer *adam;
static nninit_trainer *trainer;
static uint8_t pixels[ROWS * 4];
static int64_t labels[ROWS];

static void build_with(nninit_stream stream) {
    static const int64_t widths[] = {4, 16, 3};
    for (int i = 0; i < ROWS; i++) {
        labels[i] = i % 3;
        pixels[4 * i + i % 3] = 255;
    }
    ck_assert_ok(c, nninit_generator_create(&g, c, stream, 1));
    ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_UINT8, pixels, labels, ROWS, 4));
    ck_assert_ok(c, nninit_loader_create(&loader, data, 8, NNINIT_SHUFFLE, g));
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 3, NNINIT_RELU, g));
    ck_assert_ok(c, nninit_optimizer_parse(&adam, c, "adam:lr=0.05"));
    ck_assert_ok(c, nninit_trainer_create(&trainer, model, NNINIT_CROSS_ENTROPY, adam));
}

static void build(void) {
    build_with(NNINIT_STREAM_TORCH);
}

static void setup(void) {
    c = suite_context();
    build();
}

START_TEST(learns) {
    float first = 0, last = 0;
    double loss, accuracy;
    int64_t prediction;
    setup();
    for (int e = 0; e < 20; e++)
        ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, e ? &last : &first));
    ck_assert_float_lt(last, first / 4);
    ck_assert_ok(c, nninit_trainer_evaluate(trainer, data, &loss, &accuracy));
    ck_assert_double_eq(accuracy, 1);
    ck_assert_double_lt(loss, 0.2);
    ck_assert_ok(c, nninit_trainer_predict(trainer, data, 4, &prediction));
    ck_assert_int_eq(prediction, 1);
    ck_assert_int_eq(nninit_optimizer_steps(adam), 20 * 7);
    ck_assert_int_eq(nninit_loader_epochs(loader), 20);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(refuses) {
    nninit_loader *l;
    nninit_dataset *d;
    nninit_optimizer *o;
    static float x[100];
    static int64_t far[10] = {5};
    setup();
    ck_assert_int_eq(nninit_loader_create(&l, data, 0, 0, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_create(&l, data, ROWS + 1, 0, g), NNINIT_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "1 to 50"));
    ck_assert_int_eq(nninit_loader_create(&l, data, 1, 4, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_optimizer_set(adam, NNINIT_OPT_LR, NAN), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_optimizer_set(adam, NNINIT_OPT_LR, INFINITY), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_optimizer_set(adam, NNINIT_OPT_EPS, 0), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_optimizer_set(adam, NNINIT_OPT_MOMENTUM, 0.9), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_optimizer_parse(&o, c, "sgd:nesterov=1"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_optimizer_parse(&o, c, "adam:lr=fast"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_optimizer_parse(&o, c, "adam:speed=1"), NNINIT_ERR_NOT_FOUND);
    ck_assert_ptr_null(o);
    ck_assert_ok(c, nninit_dataset_wrap(&d, c, NNINIT_FLOAT32, x, far, 10, 4)); /* a label beyond the outputs */
    ck_assert_ok(c, nninit_loader_create(&l, d, 2, 0, g));
    ck_assert_int_eq(nninit_trainer_epoch(trainer, l, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_step(model, NNINIT_CROSS_ENTROPY, adam, x, far, 2, NULL), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_dataset_wrap(&d, c, NNINIT_FLOAT32, x, far, 10, 5)); /* too wide */
    ck_assert_ok(c, nninit_loader_create(&l, d, 2, 0, g));
    ck_assert_int_eq(nninit_trainer_epoch(trainer, l, NULL), NNINIT_ERR_SHAPE);
    ck_assert_ok(c, nninit_dataset_wrap(&d, c, NNINIT_FLOAT32, x, NULL, 10, 4)); /* no labels */
    ck_assert_ok(c, nninit_loader_create(&l, d, 2, 0, g));
    ck_assert_int_eq(nninit_trainer_epoch(trainer, l, NULL), NNINIT_ERR_STATE);
    nninit_context_destroy(&c);
}
END_TEST

static int fail_later(void *user, const int64_t *indices, int64_t count, float *rows, int64_t *l) {
    for (int64_t i = 0; i < count; i++) {
        l[i] = indices[i] % 3;
        for (int j = 0; j < 4; j++)
            rows[4 * i + j] = j == l[i];
    }
    return ++*(int *)user > 3 ? -1 : 0;
}

START_TEST(callbacks_and_cancel) {
    nninit_dataset *d;
    nninit_loader *l;
    int calls = 0;
    setup();
    ck_assert_ok(c, nninit_dataset_from_callback(&d, c, ROWS, 4, 3, fail_later, &calls));
    ck_assert_ok(c, nninit_loader_create(&l, d, 8, NNINIT_SHUFFLE, g));
    ck_assert_int_eq(nninit_trainer_epoch(trainer, l, NULL), NNINIT_ERR_CALLBACK);
    calls = -100;
    ck_assert_ok(c, nninit_trainer_epoch(trainer, l, NULL));
    nninit_context_cancel(c);
    ck_assert_int_eq(nninit_trainer_epoch(trainer, loader, NULL), NNINIT_ERR_CANCELLED);
    ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
    ck_assert_int_eq(nninit_loader_epochs(loader), 1);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(stops_at_a_cost_that_is_not_finite) {
    setup();
    static const float biases[3] = {INFINITY, 0, 0}; /* an infinite weight may only ever meet zeros */
    ck_assert_ok(c, nninit_tensor_write(nninit_layer_parameter(model, 3), biases, 3));
    ck_assert_int_eq(nninit_trainer_epoch(trainer, loader, NULL), NNINIT_ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "epoch 1"));
    nninit_context_destroy(&c);
}
END_TEST

/* Overwrite the bytes of one tensor in a checkpoint. */
static void corrupt(const char *path, const char *name, const void *bytes, size_t size) {
    struct safetensors state;
    ck_assert_ok(c, safetensors_open(c, path, &state));
    for (int i = 0; i < state.count; i++)
        if (strcmp(state.items[i].name, name) == 0) {
            ck_assert_uint_ge(state.items[i].size, size);
            memcpy((void *)(uintptr_t)state.items[i].data, bytes, size);
        }
    ck_assert_ok(c, safetensors_save(c, path, state.items, state.count));
    safetensors_close(&state);
}

/* Values that would index memory out of bounds are refused, and nothing has changed then. */
START_TEST(checkpoints_that_lie) {
    static const int64_t far = -1000000000000, beyond = ROWS + 1, negative = -5;
    static const int32_t row = 1 << 30, before = -1, twice[] = {3, 3};
    static const unsigned char seven = 7, not_seeded[16] = {0};
    const struct {
        const char *name;
        const void *bytes;
        size_t size;
    } lies[] = {{"loader.position", &far, 8},      {"loader.position", &beyond, 8},   {"loader.permutation", &row, 4},
                {"loader.permutation", &before, 4}, {"loader.permutation", twice, 8},  {"loader.exhausted", &seven, 1},
                {"loader.begun", &seven, 1},       {"loader.ordered", &seven, 1},
                {"loader.epochs", &negative, 8},    {"optimizer.steps", &negative, 8}, {"generator", not_seeded, 16}};
    char path[] = "/tmp/nninit-XXXXXX", hash[2][NNINIT_SHA256_SIZE];
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    setup();
    ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        ck_assert_ok(c, nninit_trainer_save(trainer, loader, path));
        corrupt(path, lies[i].name, lies[i].bytes, lies[i].size);
        ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
        ck_assert_ok(c, nninit_layer_sha256(model, hash[0]));
        nninit_status status = nninit_trainer_resume(trainer, loader, path);
        ck_assert_msg(status == NNINIT_ERR_FORMAT, "%s: %s", lies[i].name, nninit_status_name(status));
        ck_assert_ok(c, nninit_layer_sha256(model, hash[1]));
        ck_assert_str_eq(hash[0], hash[1]);
    }
    nninit_context_destroy(&c);
    remove(path);
}
END_TEST

static int give_rows(void *user, const int64_t *indices, int64_t count, float *rows, int64_t *target) {
    (void)user;
    for (int64_t i = 0; i < count; i++) {
        for (int j = 0; j < 4; j++)
            rows[4 * i + j] = (float)pixels[4 * indices[i] + j];
        target[i] = labels[indices[i]];
    }
    return 0;
}

/* The second epoch and the second evaluation take no memory at all, wherever the rows come from. */
START_TEST(steady_state_allocates_nothing) {
    nninit_context_options options = {.size = sizeof options, .alloc = suite_count_alloc,
                                            .free = suite_count_free, .modules = suite_modules()};
    double loss, accuracy;
    for (int called = 0; called < 2; called++) {
        ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
        build();
        if (called) {
            ck_assert_ok(c, nninit_dataset_from_callback(&data, c, ROWS, 4, 3, give_rows, NULL));
            ck_assert_ok(c, nninit_loader_create(&loader, data, 8, NNINIT_SHUFFLE, g));
        }
        for (int e = 0; e < 2; e++) {
            ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
            ck_assert_ok(c, nninit_trainer_evaluate(trainer, data, &loss, &accuracy));
            if (e == 0)
                *suite_allocations() = 0;
        }
        ck_assert_int_eq(*suite_allocations(), 0);
        nninit_context_destroy(&c);
    }
}
END_TEST

START_TEST(checkpoints_compare_options) {
    char path[] = "/tmp/nninit-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    setup();
    ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
    ck_assert_ok(c, nninit_trainer_save(trainer, loader, path));
    ck_assert_ok(c, nninit_layer_load(model, path));
    ck_assert_ok(c, nninit_optimizer_set(adam, NNINIT_OPT_BETA1, 0.8));
    ck_assert_int_eq(nninit_trainer_resume(trainer, loader, path), NNINIT_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "beta1"));
    ck_assert_ok(c, nninit_optimizer_set(adam, NNINIT_OPT_BETA1, 0.9));
    ck_assert_ok(c, nninit_optimizer_set(adam, NNINIT_OPT_LR, 7));
    ck_assert_ok(c, nninit_trainer_resume(trainer, loader, path));
    double lr;
    ck_assert_ok(c, nninit_optimizer_get(adam, NNINIT_OPT_LR, &lr));
    ck_assert_double_eq(lr, 0.05);
    ck_assert_int_eq(nninit_trainer_save(trainer, loader, "/nowhere/at/all"), NNINIT_ERR_IO);
    ck_assert_int_eq(nninit_layer_load(model, "/nowhere/at/all"), NNINIT_ERR_IO);
    const int64_t widths[] = {4, 6, 3};
    nninit_layer *other;
    ck_assert_ok(c, nninit_mlp_create(&other, c, widths, 3, NNINIT_RELU, NULL));
    ck_assert_int_eq(nninit_layer_load(other, path), NNINIT_ERR_SHAPE);
    nninit_context_destroy(&c);
    remove(path);
}
END_TEST

/* Orders from the counter-based stream; a run that stopped after its first epoch ends with the same bits. */
START_TEST(counter_based_orders_resume) {
    char path[] = "/tmp/nninit-XXXXXX", straight[NNINIT_SHA256_SIZE], resumed[NNINIT_SHA256_SIZE];
    ck_assert_int_ge(mkstemp(path), 0);
    c = suite_context();
    build_with(NNINIT_STREAM_PHILOX);
    ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
    ck_assert_ok(c, nninit_trainer_save(trainer, loader, path));
    ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
    ck_assert_ok(c, nninit_layer_sha256(model, straight));
    build(); /* a generator of another kind has another state */
    ck_assert_int_lt(nninit_trainer_resume(trainer, loader, path), 0);
    build_with(NNINIT_STREAM_PHILOX);
    ck_assert_ok(c, nninit_generator_seed(g, 99));
    ck_assert_ok(c, nninit_trainer_resume(trainer, loader, path));
    ck_assert_ok(c, nninit_trainer_epoch(trainer, loader, NULL));
    ck_assert_ok(c, nninit_layer_sha256(model, resumed));
    ck_assert_str_eq(straight, resumed);
    nninit_context_destroy(&c);
    remove(path);
}
END_TEST

SUITE(trainer, counter_based_orders_resume, learns, refuses, callbacks_and_cancel, stops_at_a_cost_that_is_not_finite,
      steady_state_allocates_nothing, checkpoints_compare_options, checkpoints_that_lie)
