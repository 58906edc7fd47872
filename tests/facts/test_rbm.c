/* SPDX-License-Identifier: MIT */
/* What machines learn, against numbers that are exact. */
#include "stripes.h"
#include "suite.h"

#include <math.h>

/* Bars and stripes of 4 x 4: with two of its 30 patterns at 2/32, no model's sum of log p is above 28 log(1/32) +
 * 2 log(2/32) = -102.59 (Fischer & Igel, Pattern Recognition 47, 2014, train on it). */
START_TEST(bars_and_stripes) {
    enum { ROWS = STRIPES_ROWS, PIXELS = STRIPES_PIXELS, EPOCHS = 20000 };
    static float rows[ROWS][PIXELS];
    nninit_context *c = suite_context();
    nninit_generator *g;
    nninit_dataset *data;
    nninit_loader *loader;
    nninit_rbm *rbm;
    double energy[ROWS], log_z, sum = 0;
    stripes_fill(rows);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 777));
    ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, rows, NULL, ROWS, PIXELS));
    ck_assert_ok(c, nninit_loader_create(&loader, data, ROWS, 0, g));
    ck_assert_ok(c, nninit_rbm_parse(&rbm, c, "bernoulli:cd_steps=100,sample_visible=1,lr=0.05,lr_epochs=20000,"
                                              "weight_decay=0,final_momentum=0.5", PIXELS, 16, g));
    nninit_status status = NNINIT_OK;
    for (int epoch = 0; epoch < EPOCHS && status == NNINIT_OK; epoch++)
        status = nninit_rbm_epoch(rbm, loader, NULL);
    ck_assert_ok(c, status);
    ck_assert_ok(c, nninit_rbm_free_energy(rbm, rows[0], ROWS, energy));
    ck_assert_ok(c, nninit_rbm_log_partition(rbm, &log_z));
    for (int p = 0; p < ROWS; p++)
        sum += p != 16 && p != 31 ? -energy[p] - log_z : 0; /* both came before */
    printf("sum of log p over the patterns: %.3f, at best -102.586\n", sum);
    ck_assert(sum >= -105 && sum <= -102.58);
    nninit_context_destroy(&c);
}
END_TEST

/* 20 hidden units on MNIST, where log Z is known: the annealed estimate is within three of its own errors, as in Salakhutdinov &
 * Murray, ICML 2008, table 1. */
START_TEST(annealing_on_mnist) {
    nninit_context *c = suite_context();
    nninit_generator *g;
    nninit_dataset *all, *data;
    nninit_loader *loader;
    nninit_rbm *rbm;
    double log_z;
    ck_assert_ok(c, nninit_dataset_open_mnist(&all, c, suite_path("../examples/data/mnist"), NNINIT_TRAIN));
    ck_assert_ok(c, nninit_dataset_slice(&data, all, 0, 10000));
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 777));
    ck_assert_ok(c, nninit_loader_create(&loader, data, 100, NNINIT_SHUFFLE, g));
    ck_assert_ok(c, nninit_rbm_parse(&rbm, c, "bernoulli:lr=0.05,binarize=1,sample_visible=1", 784, 20, g));
    ck_assert_ok(c, nninit_rbm_init_visible_bias(rbm, data));
    for (int epoch = 0; epoch < 20; epoch++)
        ck_assert_ok(c, nninit_rbm_epoch(rbm, loader, NULL));
    ck_assert_ok(c, nninit_rbm_log_partition(rbm, &log_z));
    const nninit_rbm_ais_options options = {.size = sizeof options, .base = data};
    nninit_rbm_ais_result r = {.size = sizeof r};
    ck_assert_ok(c, nninit_rbm_ais(rbm, &options, g, &r));
    printf("log Z: %.4f exact, %.4f +- %.4f annealed (%.4f to %.4f)\n", log_z, r.log_z, r.standard_error, r.low, r.high);
    ck_assert_double_le(fabs(r.log_z - log_z), 3 * r.standard_error);
    ck_assert_double_le(r.standard_error, .1);
    nninit_context_destroy(&c);
}
END_TEST

SUITE(rbm, bars_and_stripes, annealing_on_mnist)
