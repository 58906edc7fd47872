/* SPDX-License-Identifier: MIT */
/* The handle of a machine: what it computes, how it goes on, what it refuses. */
#include "machine.h"

#include <math.h>
#include <unistd.h>

/* Means of both directions within the bound of a chain of roundings, and reconstruction errors from their definition. */
START_TEST(means_and_errors) {
    struct bench b;
    static float w[H * V], h[ROWS * H], v[ROWS * V];
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_generator_normal(b.g, NNINIT_FLOAT32, w, H * V, 0, .5));
    ck_assert_ok(b.c, nninit_tensor_write(nninit_rbm_weight(b.rbm), w, H * V));
    ck_assert_ok(b.c, nninit_rbm_init_visible_bias(b.rbm, b.data));
    ck_assert_ok(b.c, nninit_rbm_up(b.rbm, b.x, ROWS, h));
    ck_assert_ok(b.c, nninit_rbm_down(b.rbm, h, ROWS, v));
    double worst = 0, squared = 0, entropy = 0, got_squared, got_entropy;
    float bias[V];
    ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_visible_bias(b.rbm), bias, V));
    for (int r = 0; r < ROWS; r++) {
        for (int j = 0; j < H; j++) {
            double a = 0;
            for (int i = 0; i < V; i++)
                a += (double)b.x[r * V + i] * (double)w[j * V + i];
            worst = fmax(worst, fabs((double)h[r * H + j] - 1 / (1 + exp(-a))));
        }
        for (int i = 0; i < V; i++) {
            double a = (double)bias[i], x = (double)b.x[r * V + i];
            for (int j = 0; j < H; j++)
                a += (double)h[r * H + j] * (double)w[j * V + i];
            const double p = 1 / (1 + exp(-a));
            worst = fmax(worst, fabs((double)v[r * V + i] - p));
            squared += (x - p) * (x - p) / (ROWS * V);
            entropy -= (x * log(p) + (1 - x) * log(1 - p)) / ROWS;
        }
    }
    ck_assert_double_le(worst, 1e-6);
    ck_assert_ok(b.c, nninit_rbm_reconstruction(b.rbm, b.data, &got_squared, &got_entropy));
    ck_assert_double_eq_tol(got_squared, squared, 1e-6 * squared);
    ck_assert_double_eq_tol(got_entropy, entropy, 1e-6 * entropy);
    bench_close(&b);
}
END_TEST

/* Log-odds of means, held to [.001, .999]. */
START_TEST(visible_bias_from_data) {
    struct bench b;
    float bias[V];
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    for (int r = 0; r < ROWS; r++) {
        b.x[r * V] = 0;
        b.x[r * V + 1] = 1;
        b.x[r * V + 2] = r % 4 == 0;
    }
    ck_assert_ok(b.c, nninit_rbm_init_visible_bias(b.rbm, b.data));
    ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_visible_bias(b.rbm), bias, V));
    ck_assert_double_eq_tol((double)bias[0], log(.001 / .999), 1e-6);
    ck_assert_double_eq_tol((double)bias[1], log(.999 / .001), 1e-6);
    ck_assert_double_eq_tol((double)bias[2], log(1. / 3), 1e-6);
    /* of labels log p, of Gaussian units the mean */
    nninit_rbm *gaussian;
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < 2; i++)
            b.x[r * V + V - 2 + i] = (r % 4 == 0) == i;
    ck_assert_ok(b.c, nninit_rbm_parse(&gaussian, b.c, "gaussian:labels=2", V, H, b.g));
    ck_assert_ok(b.c, nninit_rbm_init_visible_bias(gaussian, b.data));
    ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_visible_bias(gaussian), bias, V));
    ck_assert_double_eq_tol((double)bias[2], .25, 1e-6);
    ck_assert_double_eq_tol((double)bias[V - 2], log(.75), 1e-6);
    ck_assert_double_eq_tol((double)bias[V - 1], log(.25), 1e-6);
    bench_close(&b);
}
END_TEST

static void weights_of(const struct bench *b, float *values) {
    ck_assert_ok(b->c, nninit_tensor_read(nninit_rbm_weight(b->rbm), values, H * V));
    ck_assert_ok(b->c, nninit_tensor_read(nninit_rbm_visible_bias(b->rbm), values + H * V, V));
    ck_assert_ok(b->c, nninit_tensor_read(nninit_rbm_hidden_bias(b->rbm), values + H * V + V, H));
}

enum { ALL = H * V + V + H };

static int stop_at(void *user, const nninit_progress *p) {
    int *left = user;
    ck_assert_int_eq(p->steps, 3);
    return --*left == 0;
}

/* Stopped within an epoch, saved, and resumed in another process's objects: the bits of a run that never stopped. */
START_TEST(resumed_training_is_the_same) {
    static const char *const texts[] = {"bernoulli:sparsity_cost=0.1", "bernoulli:chains=5,lr_epochs=8", "bernoulli:cd_steps=2"};
    for (int k = 0; k < 3; k++) {
        const nninit_stream stream = k == 2 ? NNINIT_STREAM_TORCH : NNINIT_STREAM_PHILOX;
        static float want[ALL], got[ALL];
        struct bench b;
        char path[64];
        snprintf(path, sizeof path, "/tmp/nninit-rbm-%ld", (long)getpid());
        bench_open(&b, texts[k], stream);
        for (int epoch = 0; epoch < 7; epoch++)
            ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        weights_of(&b, want);
        bench_close(&b);
        bench_open(&b, texts[k], stream);
        int left = 4 * 3 + 2; /* in the fifth epoch */
        ck_assert_ok(b.c, nninit_rbm_on_progress(b.rbm, stop_at, &left));
        for (int epoch = 0; epoch < 4; epoch++)
            ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        ck_assert_int_eq(nninit_rbm_epoch(b.rbm, b.loader, NULL), NNINIT_ERR_CANCELLED);
        ck_assert_ok(b.c, nninit_rbm_save(b.rbm, b.loader, path));
        bench_close(&b);
        bench_open(&b, texts[k], stream);
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_LR, 3)); /* the file's counts */
        ck_assert_ok(b.c, nninit_rbm_resume(b.rbm, b.loader, path));
        ck_assert_int_eq(nninit_rbm_epochs(b.rbm), 4);
        for (int epoch = 4; epoch < 7; epoch++)
            ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        weights_of(&b, got);
        ck_assert_msg(memcmp(want, got, sizeof got) == 0, "%s", texts[k]);
        bench_close(&b);
        remove(path);
    }
}
END_TEST

/* A file for other units, or that lies, changes nothing. */
START_TEST(resume_refuses) {
    struct bench b;
    char path[64];
    nninit_rbm *other;
    static float before[ALL], after[ALL];
    snprintf(path, sizeof path, "/tmp/nninit-rbm-%ld", (long)getpid());
    bench_open(&b, "bernoulli:chains=5", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
    ck_assert_ok(b.c, nninit_rbm_save(b.rbm, NULL, path));
    weights_of(&b, before);
    ck_assert_ok(b.c, nninit_rbm_create(&other, b.c, NNINIT_RBM_GAUSSIAN, V, H, b.g));
    ck_assert_int_eq(nninit_rbm_resume(other, NULL, path), NNINIT_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "units"));
    ck_assert_ok(b.c, nninit_rbm_create(&other, b.c, NNINIT_RBM_BERNOULLI, V + 1, H, b.g));
    ck_assert_int_lt(nninit_rbm_resume(other, NULL, path), 0);
    ck_assert_ok(b.c, nninit_rbm_create(&other, b.c, NNINIT_RBM_BERNOULLI, V, H, b.g));
    ck_assert_int_eq(nninit_rbm_resume(other, NULL, path), NNINIT_ERR_STATE); /* without chains */
    ck_assert_int_eq(nninit_rbm_resume(b.rbm, b.loader, path), NNINIT_ERR_NOT_FOUND); /* no loader in it */
    ck_assert_int_eq(nninit_rbm_resume(b.rbm, NULL, "/nowhere/at/all"), NNINIT_ERR_IO);
    ck_assert_int_eq(nninit_rbm_save(b.rbm, NULL, "/nowhere/at/all"), NNINIT_ERR_IO);
    ck_assert_int_eq(nninit_rbm_save(b.rbm, NULL, NULL), NNINIT_ERR_INVALID);
    /* "option.cd_steps" of 1.5 in a file that is right otherwise */
    FILE *file = fopen(path, "r+b");
    static char bytes[1 << 16];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    const char *name = NULL;
    for (size_t i = 0; i + 17 < size && !name; i++)
        name = memcmp(bytes + i, "\"option.cd_steps\"", 17) == 0 ? bytes + i : NULL;
    ck_assert_ptr_nonnull(name);
    uint64_t header;
    memcpy(&header, bytes, 8);
    const long offset = 8 + (long)header + strtol(strstr(strstr(name, "data_offsets"), "[") + 1, NULL, 10);
    const double lie = 1.5;
    fseek(file, offset, SEEK_SET);
    fwrite(&lie, sizeof lie, 1, file);
    fclose(file);
    ck_assert_int_eq(nninit_rbm_resume(b.rbm, NULL, path), NNINIT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "whole"));
    weights_of(&b, after);
    ck_assert_mem_eq(before, after, sizeof after);
    remove(path);
    bench_close(&b);
}
END_TEST

/* A rate at which values overflow: the error names epoch and step, and everything is as it was before the epoch, so that
 * the epoch goes well at another rate, with the bits that it has then. */
START_TEST(nothing_is_lost_when_values_overflow) {
    static const char *const texts[] = {"bernoulli", "bernoulli:chains=5"};
    /* at once, and only in the last step, which a smaller batch takes: decay multiplies weights by -2e13 a step */
    static const double rates[] = {1e38, 1}, decays[] = {1e30, 2e13};
    static const char *const places[] = {"epoch 2, step 2", "after the last step of epoch 2"};
    static float before[ALL], after[ALL], want[ALL];
    for (int k = 0; k < 4; k++) {
        struct bench b;
        bench_open(&b, texts[k % 2], NNINIT_STREAM_PHILOX);
        ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        weights_of(&b, want);
        bench_close(&b);
        bench_open(&b, texts[k % 2], NNINIT_STREAM_PHILOX);
        ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        weights_of(&b, before);
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_LR, rates[k / 2]));
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_WEIGHT_DECAY, decays[k / 2]));
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_MOMENTUM, 0));
        ck_assert_int_eq(nninit_rbm_epoch(b.rbm, b.loader, NULL), NNINIT_ERR_NUMERIC);
        ck_assert_msg(strstr(nninit_context_message(b.c), places[k / 2]) != NULL, "%s", nninit_context_message(b.c));
        weights_of(&b, after);
        ck_assert_mem_eq(before, after, sizeof after);
        ck_assert_int_eq(nninit_rbm_epochs(b.rbm), 1);
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_LR, .1));
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_WEIGHT_DECAY, 2e-4));
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_MOMENTUM, .5));
        ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        weights_of(&b, after);
        ck_assert_mem_eq(want, after, sizeof after);
        bench_close(&b);
    }
}
END_TEST

/* The last step of an epoch is checked too. */
START_TEST(the_last_step_is_checked) {
    struct bench b;
    static float before[ALL], after[ALL];
    nninit_loader *whole;
    bench_open(&b, "bernoulli:lr=1e30,weight_decay=1e30", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_loader_create(&whole, b.data, ROWS, 0, b.order));
    weights_of(&b, before);
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, whole, NULL), NNINIT_ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "last step of epoch 1"));
    weights_of(&b, after);
    ck_assert_mem_eq(before, after, sizeof after);
    bench_close(&b);
}
END_TEST

static int read_rows(void *user, const int64_t *indices, int64_t count, float *rows, int64_t *labels) {
    const float *x = user;
    for (int64_t i = 0; i < count; i++) {
        if (!x)
            return -1;
        memcpy(rows + i * V, x + indices[i] * V, V * sizeof *rows);
        labels[i] = indices[i] % 3;
    }
    return 0;
}

/* Rows from a callback give the bits of rows in memory; a transformation keeps labels. */
START_TEST(callbacks_and_transformations) {
    struct bench b;
    nninit_dataset *called, *above, *samples;
    nninit_loader *loader;
    static float want[ALL], got[ALL], h[ROWS * H], row[H];
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
    weights_of(&b, want);
    bench_close(&b);
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_dataset_from_callback(&called, b.c, ROWS, V, 3, read_rows, b.x));
    ck_assert_ok(b.c, nninit_loader_create(&loader, called, BATCH, 0, b.order));
    ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, loader, NULL));
    weights_of(&b, got);
    ck_assert_mem_eq(want, got, sizeof got);
    ck_assert_ok(b.c, nninit_rbm_up(b.rbm, b.x, ROWS, h));
    ck_assert_ok(b.c, nninit_rbm_transform(b.rbm, called, NNINIT_RBM_MEANS, &above));
    ck_assert_int_eq(nninit_dataset_count(above), ROWS);
    ck_assert_int_eq(nninit_dataset_features(above), H);
    ck_assert_int_eq(nninit_dataset_classes(above), 3);
    for (int64_t r = 0, label; r < ROWS; r++) {
        ck_assert_ok(b.c, nninit_dataset_read(above, &r, 1, row, &label));
        ck_assert(memcmp(row, h + r * H, sizeof row) == 0 && label == r % 3);
    }
    ck_assert_ok(b.c, nninit_rbm_transform(b.rbm, b.data, NNINIT_RBM_SAMPLES, &samples));
    bool states = true;
    for (int64_t r = 0; r < ROWS; r++) {
        ck_assert_ok(b.c, nninit_dataset_read(samples, &r, 1, row, NULL));
        for (int j = 0; j < H; j++)
            states = states && (row[j] == 0 || row[j] == 1);
    }
    ck_assert(states);
    ck_assert_int_eq(nninit_dataset_from_callback(&called, b.c, ROWS, V, 3, read_rows, NULL), NNINIT_OK);
    ck_assert_ok(b.c, nninit_loader_create(&loader, called, BATCH, 0, b.order));
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, loader, NULL), NNINIT_ERR_CALLBACK);
    bench_close(&b);
}
END_TEST

START_TEST(bad_data) {
    struct bench b;
    nninit_dataset *wide, *bytes, *called;
    nninit_loader *loader;
    static const unsigned char pixels[2 * V];
    static float x[ROWS * 2 * V];
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_dataset_wrap(&wide, b.c, NNINIT_FLOAT32, x, NULL, ROWS, 2 * V));
    ck_assert_ok(b.c, nninit_loader_create(&loader, wide, BATCH, 0, b.order));
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, loader, NULL), NNINIT_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "46"));
    b.x[3 * V + 7] = 1.25f;
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, b.loader, NULL), NNINIT_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "row 3, unit 7 is 1.25"));
    ck_assert_int_eq(nninit_rbm_init_visible_bias(b.rbm, b.data), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_reconstruction(b.rbm, b.data, NULL, NULL), NNINIT_ERR_INVALID);
    ck_assert_ok(b.c, nninit_dataset_from_callback(&called, b.c, ROWS, V, 3, read_rows, b.x));
    ck_assert_ok(b.c, nninit_loader_create(&loader, called, BATCH, 0, b.order));
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, loader, NULL), NNINIT_ERR_INVALID);
    b.x[3 * V + 7] = NAN;
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, b.loader, NULL), NNINIT_ERR_INVALID);
    ck_assert_ok(b.c, nninit_dataset_wrap(&bytes, b.c, NNINIT_UINT8, pixels, NULL, 2, V));
    ck_assert_ok(b.c, nninit_dataset_set_scale(bytes, NNINIT_SCALE_RAW));
    ck_assert_ok(b.c, nninit_loader_create(&loader, bytes, 2, 0, b.order));
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, loader, NULL), NNINIT_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "255"));
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, NULL, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_epoch(NULL, b.loader, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_epochs(b.rbm), 0);
    bench_close(&b);
}
END_TEST

/* After the first epoch, epochs take no memory: with a smaller last batch, chains that go from program to program, a callback
 * and host-drawn random numbers too. */
START_TEST(steady_state_allocates_nothing) {
    static const char *const texts[] = {"bernoulli", "bernoulli:chains=5"};
    static const nninit_stream streams[] = {NNINIT_STREAM_PHILOX, NNINIT_STREAM_TORCH};
    static float x[ROWS * V];
    for (int k = 0; k < 8; k++) {
        const nninit_context_options options = {.size = sizeof options, .alloc = suite_count_alloc,
                                            .free = suite_count_free, .modules = suite_modules()};
        nninit_context *c;
        nninit_generator *g;
        nninit_dataset *data;
        nninit_loader *loader;
        nninit_rbm *rbm;
        ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
        ck_assert_ok(c, nninit_generator_create(&g, c, streams[k / 2 % 2], 5));
        if (k < 4)
            ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, x, NULL, ROWS, V));
        else
            ck_assert_ok(c, nninit_dataset_from_callback(&data, c, ROWS, V, 3, read_rows, x));
        ck_assert_ok(c, nninit_loader_create(&loader, data, BATCH, NNINIT_SHUFFLE, g));
        ck_assert_ok(c, nninit_rbm_parse(&rbm, c, texts[k % 2], V, H, g));
        for (int epoch = 0; epoch < 3; epoch++) {
            *suite_allocations() = epoch == 1 ? 0 : *suite_allocations();
            ck_assert_ok(c, nninit_rbm_epoch(rbm, loader, NULL));
        }
        ck_assert_int_eq(*suite_allocations(), 0);
        nninit_context_destroy(&c);
    }
}
END_TEST

START_TEST(options) {
    struct bench b;
    nninit_rbm *rbm;
    double value;
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    static const struct {
        nninit_rbm_option option;
        double initial, bad;
    } all[] = {{NNINIT_RBM_LR, .1, -1},          {NNINIT_RBM_LR_EPOCHS, 0, -1},        {NNINIT_RBM_MOMENTUM, .5, 1.1},
               {NNINIT_RBM_FINAL_MOMENTUM, .9, -.1}, {NNINIT_RBM_MOMENTUM_EPOCHS, 5, 1.5}, {NNINIT_RBM_WEIGHT_DECAY, 2e-4, -1},
               {NNINIT_RBM_L1, 0, NAN},          {NNINIT_RBM_CD_STEPS, 1, 0},          {NNINIT_RBM_CHAINS, 0, -1},
               {NNINIT_RBM_SAMPLE_HIDDEN, 1, 2}, {NNINIT_RBM_SAMPLE_VISIBLE, 0, .5},   {NNINIT_RBM_SAMPLE_POSITIVE, 0, -1},
               {NNINIT_RBM_BINARIZE, 0, 3},      {NNINIT_RBM_SPARSITY_TARGET, .1, 0},  {NNINIT_RBM_SPARSITY_COST, 0, -1},
               {NNINIT_RBM_SPARSITY_DECAY, .9, 1}, {NNINIT_RBM_MAX_NORM, 0, INFINITY}, {NNINIT_RBM_LABELS, 0, -1}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ck_assert_ok(b.c, nninit_rbm_get(b.rbm, all[i].option, &value));
        ck_assert_double_eq(value, all[i].initial);
        ck_assert_int_eq(nninit_rbm_set(b.rbm, all[i].option, all[i].bad), NNINIT_ERR_INVALID);
        ck_assert_ok(b.c, nninit_rbm_get(b.rbm, all[i].option, &value));
        ck_assert_double_eq(value, all[i].initial);
    }
    ck_assert_int_eq(nninit_rbm_set(b.rbm, (nninit_rbm_option)19, 1), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_rbm_get(b.rbm, (nninit_rbm_option)0, &value), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_rbm_get(b.rbm, NNINIT_RBM_LR, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_set(NULL, NNINIT_RBM_LR, 1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_parse(&rbm, b.c, "bernoulli:cd_steps=0", V, H, b.g), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(rbm);
    ck_assert_int_eq(nninit_rbm_parse(&rbm, b.c, "bernoulli:speed=3", V, H, b.g), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_rbm_parse(&rbm, b.c, "boltzmann", V, H, b.g), NNINIT_ERR_NOT_FOUND);
    ck_assert_int_eq(nninit_rbm_create(&rbm, b.c, (nninit_rbm_units)3, V, H, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_create(&rbm, b.c, NNINIT_RBM_BERNOULLI, 0, H, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_create(&rbm, b.c, NNINIT_RBM_BERNOULLI, V, -1, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_create(&rbm, b.c, NNINIT_RBM_BERNOULLI, INT64_C(1) << 30, 1 << 20, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_create(NULL, b.c, NNINIT_RBM_BERNOULLI, V, H, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_visible_units(b.rbm), V);
    ck_assert_int_eq(nninit_rbm_hidden_units(b.rbm), H);
    ck_assert(nninit_rbm_visible_units(NULL) == -1 && nninit_rbm_hidden_units(NULL) == -1 && nninit_rbm_epochs(NULL) == -1);
    ck_assert(!nninit_rbm_weight(NULL) && !nninit_rbm_visible_bias(NULL) && !nninit_rbm_hidden_bias(NULL));
    /* labels leave no other unit */
    ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_LABELS, V));
    ck_assert_int_eq(nninit_rbm_epoch(b.rbm, b.loader, NULL), NNINIT_ERR_SHAPE);
    bench_close(&b);
}
END_TEST

/* Without a generator: weights of 0, means, no sampling. */
START_TEST(without_a_generator) {
    struct bench b;
    nninit_rbm *rbm;
    nninit_dataset *above;
    static float h[H], v[V];
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_rbm_create(&rbm, b.c, NNINIT_RBM_BERNOULLI, V, H, NULL));
    ck_assert_ok(b.c, nninit_rbm_up(rbm, b.x, 1, h));
    for (int j = 0; j < H; j++)
        ck_assert(h[j] == .5f);
    ck_assert_int_eq(nninit_rbm_epoch(rbm, b.loader, NULL), NNINIT_ERR_STATE);
    ck_assert_int_eq(nninit_rbm_sample(rbm, v, 1, 1, NULL, NULL), NNINIT_ERR_STATE);
    ck_assert_int_eq(nninit_rbm_transform(rbm, b.data, NNINIT_RBM_SAMPLES, &above), NNINIT_ERR_STATE);
    ck_assert_ptr_null(above);
    ck_assert_ok(b.c, nninit_rbm_transform(rbm, b.data, NNINIT_RBM_MEANS, &above));
    ck_assert_int_eq(nninit_rbm_up(rbm, b.x, 0, h), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_down(rbm, NULL, 1, v), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_sample(b.rbm, v, 1, -1, NULL, NULL), NNINIT_ERR_INVALID);
    nninit_rbm_ais_result r = {.size = sizeof r};
    const double falling[] = {0, .7, .6, 1};
    nninit_rbm_ais_options o = {.size = sizeof o, .betas = falling, .temperatures = 4};
    ck_assert_int_eq(nninit_rbm_ais(b.rbm, &o, b.g, &r), NNINIT_ERR_INVALID);
    o.temperatures = 1;
    ck_assert_int_eq(nninit_rbm_ais(b.rbm, &o, b.g, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_ais(b.rbm, NULL, NULL, &r), NNINIT_ERR_INVALID);
    r.size = 0;
    ck_assert_int_eq(nninit_rbm_ais(b.rbm, NULL, b.g, &r), NNINIT_ERR_INVALID);
    bench_close(&b);
}
END_TEST

SUITE(rbm, means_and_errors, visible_bias_from_data, resumed_training_is_the_same, resume_refuses,
      nothing_is_lost_when_values_overflow, the_last_step_is_checked, callbacks_and_transformations, bad_data,
      steady_state_allocates_nothing, options, without_a_generator)
