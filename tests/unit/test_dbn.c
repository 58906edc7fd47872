/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <math.h>
#include <unistd.h>

enum { V = 12, H1 = 9, H2 = 7, ROWS = 40, CLASSES = 4 };

struct bench {
    nninit_context *c;
    nninit_generator *g;
    nninit_dataset *data;
    nninit_dbn *dbn;
    float x[ROWS * V];
    int64_t labels[ROWS];
};

/* Class k lights units 3k … 3k + 2, and one in six units is wrong. */
static void bench_open(struct bench *b, const char *machine, int64_t labels) {
    static const int64_t widths[] = {V, H1, H2};
    b->c = suite_context();
    ck_assert_ok(b->c, nninit_generator_create(&b->g, b->c, NNINIT_STREAM_PHILOX, 5));
    for (int r = 0; r < ROWS; r++) {
        b->labels[r] = r % CLASSES;
        for (int i = 0; i < V; i++)
            b->x[r * V + i] = (float)((i / 3 == r % CLASSES) != ((r * V + i) * 7 % 6 == 0 && r >= CLASSES));
    }
    ck_assert_ok(b->c, nninit_dataset_wrap(&b->data, b->c, NNINIT_FLOAT32, b->x, b->labels, ROWS, V));
    ck_assert_ok(b->c, nninit_dbn_create(&b->dbn, b->c, machine, widths, 3, labels, b->g));
}

static void bench_close(struct bench *b) {
    nninit_context_destroy(&b->c);
}

static void read_machine(nninit_context *c, nninit_rbm *rbm, float *values) {
    nninit_tensor *const tensors[] = {nninit_rbm_weight(rbm), nninit_rbm_visible_bias(rbm), nninit_rbm_hidden_bias(rbm)};
    for (int t = 0; t < 3; t++) {
        ck_assert_ok(c, nninit_tensor_read(tensors[t], values, nninit_tensor_numel(tensors[t])));
        values += nninit_tensor_numel(tensors[t]);
    }
}

static const nninit_dbn_options five_epochs = {.size = sizeof five_epochs, .epochs = 5, .batch = 10};

/* A stack is what its parts do one after the other. */
START_TEST(a_stack_is_its_machines) {
    static float want[2][300], got[2][300];
    memset(want, 0, sizeof want);
    memset(got, 0, sizeof got);
    struct bench b;
    bench_open(&b, "bernoulli:lr=0.05", 0);
    ck_assert_int_eq(nninit_dbn_machine_count(b.dbn), 2);
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &five_epochs));
    for (int k = 0; k < 2; k++)
        read_machine(b.c, nninit_dbn_machine(b.dbn, k), got[k]);
    bench_close(&b);

    bench_open(&b, "bernoulli", 0); /* another stack, so that the generator has drawn as much */
    nninit_dbn_destroy(&b.dbn);
    ck_assert_ok(b.c, nninit_generator_seed(b.g, 5));
    nninit_rbm *first, *second;
    nninit_dataset *above;
    nninit_loader *loader;
    ck_assert_ok(b.c, nninit_rbm_parse(&first, b.c, "bernoulli:lr=0.05", V, H1, b.g));
    ck_assert_ok(b.c, nninit_rbm_parse(&second, b.c, "bernoulli:lr=0.05", H1, H2, b.g));
    ck_assert_ok(b.c, nninit_rbm_init_visible_bias(first, b.data));
    ck_assert_ok(b.c, nninit_loader_create(&loader, b.data, 10, NNINIT_SHUFFLE, b.g));
    for (int epoch = 0; epoch < 5; epoch++)
        ck_assert_ok(b.c, nninit_rbm_epoch(first, loader, NULL));
    ck_assert_ok(b.c, nninit_rbm_transform(first, b.data, NNINIT_RBM_MEANS, &above));
    ck_assert_ok(b.c, nninit_rbm_init_visible_bias(second, above));
    ck_assert_ok(b.c, nninit_loader_create(&loader, above, 10, NNINIT_SHUFFLE, b.g));
    for (int epoch = 0; epoch < 5; epoch++)
        ck_assert_ok(b.c, nninit_rbm_epoch(second, loader, NULL));
    read_machine(b.c, first, want[0]);
    read_machine(b.c, second, want[1]);
    ck_assert_mem_eq(want, got, sizeof got);
    bench_close(&b);
}
END_TEST

/* The model computes what the machines do; its last layer is the initializer's. */
START_TEST(models_compute_what_machines_do) {
    static float h1[ROWS * H1], h2[ROWS * H2], y[ROWS * H2], w[3 * H2], expected[3 * H2], code[ROWS * H1], out[ROWS * V], want[ROWS * V];
    struct bench b;
    nninit_layer *model, *unrolled;
    nninit_initializer *xavier;
    nninit_generator *g, *twin;
    nninit_dataset *above;
    bench_open(&b, NULL, 0);
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &five_epochs));
    nninit_rbm *first = nninit_dbn_machine(b.dbn, 0), *second = nninit_dbn_machine(b.dbn, 1);
    ck_assert_ok(b.c, nninit_rbm_up(first, b.x, ROWS, h1));
    ck_assert_ok(b.c, nninit_rbm_up(second, h1, ROWS, h2));
    ck_assert_ok(b.c, nninit_dbn_to_model(b.dbn, 0, NULL, NULL, &model));
    ck_assert_int_eq(nninit_layer_outputs(model), H2);
    ck_assert_ok(b.c, nninit_layer_forward(model, b.x, ROWS, y));
    ck_assert_mem_eq(y, h2, sizeof h2);
    ck_assert_ok(b.c, nninit_dbn_transform(b.dbn, b.data, 2, NNINIT_RBM_MEANS, &above));
    for (int64_t r = 0; r < ROWS; r++) {
        ck_assert_ok(b.c, nninit_dataset_read(above, &r, 1, y, NULL));
        ck_assert_mem_eq(y, h2 + r * H2, H2 * sizeof *y);
    }
    ck_assert_ok(b.c, nninit_initializer_parse(&xavier, b.c, "xavier_uniform"));
    ck_assert_ok(b.c, nninit_generator_create(&g, b.c, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(b.c, nninit_generator_create(&twin, b.c, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(b.c, nninit_dbn_to_model(b.dbn, 3, xavier, g, &model));
    ck_assert_int_eq(nninit_layer_parameter_count(model), 6);
    ck_assert_ok(b.c, nninit_tensor_read(nninit_layer_parameter(model, 4), w, 3 * H2));
    ck_assert_ok(b.c, nninit_initializer_fill(xavier, NNINIT_FLOAT32, expected, (const int64_t[]){3, H2}, 2, twin));
    ck_assert_mem_eq(w, expected, sizeof w);
    ck_assert_ok(b.c, nninit_tensor_read(nninit_layer_parameter(model, 5), w, 3));
    ck_assert(w[0] == 0 && w[1] == 0 && w[2] == 0);
    ck_assert_ok(b.c, nninit_dbn_autoencoder(b.dbn, 0, &unrolled));
    ck_assert_ok(b.c, nninit_layer_forward(unrolled, b.x, ROWS, out));
    ck_assert_ok(b.c, nninit_rbm_down(second, h2, ROWS, code));
    ck_assert_ok(b.c, nninit_rbm_down(first, code, ROWS, want));
    for (int i = 0; i < ROWS * V; i++) /* a chain over the same products in the same order: the transposed weight's */
        ck_assert(out[i] == want[i]);
    ck_assert_ok(b.c, nninit_dbn_autoencoder(b.dbn, 1, &unrolled));
    ck_assert_ok(b.c, nninit_layer_forward(unrolled, b.x, ROWS, want));
    ck_assert(memcmp(out, want, sizeof out) != 0);
    bench_close(&b);
}
END_TEST

/* One call for a model that is there: the stack's weights, and the last layer as it was. */
START_TEST(pretraining_a_model) {
    static const int64_t widths[] = {V, H1, H2, CLASSES};
    struct bench b;
    nninit_layer *model, *other;
    float before[CLASSES * H2], after[CLASSES * H2];
    char want[NNINIT_SHA256_SIZE], got[NNINIT_SHA256_SIZE], untouched[NNINIT_SHA256_SIZE];
    bench_open(&b, "bernoulli", 0);
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &five_epochs));
    ck_assert_ok(b.c, nninit_mlp_create(&model, b.c, widths, 4, NNINIT_SIGMOID, NULL));
    ck_assert_ok(b.c, nninit_layer_sha256(model, untouched));
    ck_assert_ok(b.c, nninit_generator_seed(b.g, 5));
    ck_assert_ok(b.c, nninit_tensor_read(nninit_layer_parameter(model, 4), before, CLASSES * H2));
    ck_assert_ok(b.c, nninit_pretrain_rbm(model, b.data, NULL, &five_epochs, b.g));
    ck_assert_ok(b.c, nninit_tensor_read(nninit_layer_parameter(model, 4), after, CLASSES * H2));
    ck_assert_mem_eq(before, after, sizeof after);
    nninit_initializer *zeros;
    ck_assert_ok(b.c, nninit_initializer_parse(&zeros, b.c, "zeros"));
    ck_assert_ok(b.c, nninit_dbn_to_model(b.dbn, CLASSES, zeros, b.g, &other));
    ck_assert_ok(b.c, nninit_layer_sha256(other, want));
    ck_assert_ok(b.c, nninit_layer_sha256(model, got));
    ck_assert_str_eq(got, want); /* the last layer of an MLP without a generator is 0 */
    /* failures leave the model as it was */
    nninit_layer *short_one;
    nninit_dataset *wide;
    ck_assert_ok(b.c, nninit_mlp_create(&short_one, b.c, widths, 2, NNINIT_SIGMOID, NULL));
    ck_assert_int_eq(nninit_pretrain_rbm(short_one, b.data, NULL, NULL, b.g), NNINIT_ERR_SHAPE);
    ck_assert_ok(b.c, nninit_dataset_wrap(&wide, b.c, NNINIT_FLOAT32, b.x, NULL, ROWS / 2, 2 * V));
    ck_assert_int_eq(nninit_pretrain_rbm(model, wide, NULL, NULL, b.g), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_pretrain_rbm(model, b.data, "bernoulli:lr=fast", NULL, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_pretrain_rbm(model, b.data, NULL, NULL, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_pretrain_rbm(model, b.data, "bernoulli:lr=3e38,weight_decay=3e38", NULL, b.g), NNINIT_ERR_NUMERIC);
    ck_assert_ok(b.c, nninit_layer_sha256(model, got));
    ck_assert_str_eq(got, want);
    bench_close(&b);
}
END_TEST

/* A joint top learns which class has which units: it names the class, and dreams it. */
START_TEST(joint_top) {
    static float v[ROWS * V];
    int64_t named[ROWS], wanted[ROWS];
    int right = 0, lit = 0;
    struct bench b;
    nninit_layer *model;
    float y[ROWS * CLASSES];
    const nninit_dbn_options options = {.size = sizeof options, .epochs = 400, .batch = 10};
    bench_open(&b, "bernoulli:lr=0.1", CLASSES);
    ck_assert_int_eq(nninit_rbm_visible_units(nninit_dbn_machine(b.dbn, 1)), H1 + CLASSES);
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &options));
    ck_assert_ok(b.c, nninit_dbn_classify(b.dbn, b.x, ROWS, named));
    for (int r = 0; r < ROWS; r++)
        right += named[r] == b.labels[r];
    ck_assert_int_ge(right, ROWS - 2);
    for (int r = 0; r < ROWS; r++) {
        wanted[r] = (r + 1) % CLASSES;
        for (int i = 0; i < V; i++)
            v[r * V + i] = .5f;
    }
    ck_assert_ok(b.c, nninit_dbn_sample(b.dbn, v, ROWS, 100, wanted));
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < V; i++)
            lit += (v[r * V + i] > .5f) == (i / 3 == wanted[r]);
    ck_assert_int_ge(lit, ROWS * V * 8 / 10);
    ck_assert_ok(b.c, nninit_dbn_sample(b.dbn, v, ROWS, 10, NULL));
    /* the model's last layer is what the labels have learnt: it classifies before any fine-tuning */
    ck_assert_ok(b.c, nninit_dbn_to_model(b.dbn, CLASSES, NULL, NULL, &model));
    ck_assert_ok(b.c, nninit_layer_forward(model, b.x, ROWS, y));
    right = 0;
    for (int r = 0; r < ROWS; r++) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            best = y[r * CLASSES + k] > y[r * CLASSES + best] ? k : best;
        right += best == b.labels[r];
    }
    ck_assert_int_ge(right, ROWS * 3 / 4);
    named[0] = CLASSES;
    ck_assert_int_eq(nninit_dbn_sample(b.dbn, v, 1, 10, named), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dbn_autoencoder(b.dbn, 0, &model), NNINIT_ERR_UNSUPPORTED);
    nninit_dataset *above;
    ck_assert_int_eq(nninit_dbn_transform(b.dbn, b.data, 2, NNINIT_RBM_MEANS, &above), NNINIT_ERR_INVALID);
    bench_close(&b);
}
END_TEST

/* The label of a single joint machine against its definition: the most probable state by free energies. */
START_TEST(labels_by_free_energy) {
    static const int64_t widths[] = {V, H1};
    struct bench b;
    int64_t named[ROWS];
    const nninit_dbn_options options = {.size = sizeof options, .epochs = 30, .batch = 10};
    bench_open(&b, NULL, 0);
    nninit_dbn_destroy(&b.dbn);
    ck_assert_ok(b.c, nninit_dbn_create(&b.dbn, b.c, NULL, widths, 2, CLASSES, b.g));
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &options));
    ck_assert_ok(b.c, nninit_dbn_classify(b.dbn, b.x, ROWS, named));
    for (int r = 0; r < ROWS; r++) {
        double lowest = INFINITY, energy;
        int64_t best = -1;
        for (int k = 0; k < CLASSES; k++) {
            float row[V + CLASSES] = {0};
            memcpy(row, b.x + r * V, V * sizeof *row);
            row[V + k] = 1;
            ck_assert_ok(b.c, nninit_rbm_free_energy(nninit_dbn_machine(b.dbn, 0), row, 1, &energy));
            best = energy < lowest ? k : best;
            lowest = fmin(lowest, energy);
        }
        ck_assert_int_eq(named[r], best);
    }
    ck_assert_ok(b.c, nninit_dbn_sample(b.dbn, b.x, ROWS, 3, named));
    bench_close(&b);
}
END_TEST

static int stop_at(void *user, int machine, const nninit_progress *p) {
    int *left = user;
    ck_assert_int_eq(p->steps, 4);
    return machine == 1 && --*left == 0;
}

/* Cancelled in the second machine: the first is done, and the second has its epochs after another call. */
START_TEST(cancelled_and_resumed) {
    struct bench b;
    int left = 6;
    char path[64];
    nninit_dbn_options options = five_epochs;
    static float want[300], got[300];
    snprintf(path, sizeof path, "/tmp/nninit-dbn-%ld", (long)getpid());
    options.progress = stop_at;
    options.user = &left;
    bench_open(&b, NULL, 0);
    ck_assert_int_eq(nninit_dbn_pretrain(b.dbn, b.data, &options), NNINIT_ERR_CANCELLED);
    ck_assert_int_eq(nninit_rbm_epochs(nninit_dbn_machine(b.dbn, 0)), 5);
    ck_assert_int_eq(nninit_rbm_epochs(nninit_dbn_machine(b.dbn, 1)), 1);
    ck_assert_ok(b.c, nninit_dbn_save(b.dbn, path));
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &five_epochs));
    ck_assert_int_eq(nninit_rbm_epochs(nninit_dbn_machine(b.dbn, 1)), 5);
    read_machine(b.c, nninit_dbn_machine(b.dbn, 1), want);
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &five_epochs)); /* nothing left to do */
    read_machine(b.c, nninit_dbn_machine(b.dbn, 1), got);
    ck_assert_mem_eq(want, got, sizeof got);
    bench_close(&b);
    bench_open(&b, NULL, 0);
    ck_assert_ok(b.c, nninit_dbn_resume(b.dbn, path));
    ck_assert_int_eq(nninit_rbm_epochs(nninit_dbn_machine(b.dbn, 0)), 5);
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &five_epochs));
    read_machine(b.c, nninit_dbn_machine(b.dbn, 1), got);
    ck_assert_mem_eq(want, got, sizeof got);
    bench_close(&b);
    bench_open(&b, NULL, CLASSES);
    ck_assert_int_lt(nninit_dbn_resume(b.dbn, path), 0);
    bench_close(&b);
    remove(path);
}
END_TEST

START_TEST(bad_input) {
    static const int64_t widths[] = {V, H1, 0};
    struct bench b;
    nninit_dbn *dbn;
    nninit_dataset *plain, *other;
    int64_t labels[1];
    nninit_dbn_options options = five_epochs;
    bench_open(&b, NULL, CLASSES);
    ck_assert_int_eq(nninit_dbn_create(&dbn, b.c, NULL, widths, 3, 0, b.g), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(dbn);
    ck_assert_int_eq(nninit_dbn_create(&dbn, b.c, NULL, widths, 1, 0, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dbn_create(&dbn, b.c, NULL, widths, 2, -1, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dbn_create(&dbn, b.c, NULL, widths, 2, 0, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dbn_create(&dbn, b.c, "bernoulli:cd_steps=0", widths, 2, 0, b.g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dbn_create(&dbn, b.c, "perceptron", widths, 2, 0, b.g), NNINIT_ERR_NOT_FOUND);
    ck_assert_ok(b.c, nninit_dataset_wrap(&plain, b.c, NNINIT_FLOAT32, b.x, NULL, ROWS, V));
    ck_assert_int_eq(nninit_dbn_pretrain(b.dbn, plain, NULL), NNINIT_ERR_STATE);
    b.labels[0] = CLASSES;
    ck_assert_ok(b.c, nninit_dataset_wrap(&other, b.c, NNINIT_FLOAT32, b.x, b.labels, ROWS, V));
    ck_assert_int_eq(nninit_dbn_pretrain(b.dbn, other, NULL), NNINIT_ERR_SHAPE);
    options.epochs = -1;
    ck_assert_int_eq(nninit_dbn_pretrain(b.dbn, b.data, &options), NNINIT_ERR_INVALID);
    options.size = 1000;
    ck_assert_int_eq(nninit_dbn_pretrain(b.dbn, b.data, &options), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dbn_pretrain(b.dbn, NULL, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dbn_sample(b.dbn, b.x, 0, 1, NULL), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(nninit_dbn_machine(b.dbn, 2));
    ck_assert_ptr_null(nninit_dbn_machine(b.dbn, -1));
    bench_close(&b);
    bench_open(&b, "gaussian:lr=0.001", 0);
    ck_assert_int_eq(nninit_dbn_classify(b.dbn, b.x, 1, labels), NNINIT_ERR_STATE);
    labels[0] = 0;
    ck_assert_int_eq(nninit_dbn_sample(b.dbn, b.x, 1, 1, labels), NNINIT_ERR_STATE);
    ck_assert_ok(b.c, nninit_dbn_pretrain(b.dbn, b.data, &five_epochs)); /* Gaussian below, Bernoulli above */
    bench_close(&b);
}
END_TEST

SUITE(dbn, a_stack_is_its_machines, models_compute_what_machines_do, pretraining_a_model, joint_top, labels_by_free_energy,
      cancelled_and_resumed, bad_input)
