/* SPDX-License-Identifier: MIT */
/* What chains come to: the machine's distribution, the gradient of its likelihood, its partition function. */
#include "machine.h"

#include <math.h>
#include <stddef.h>

/* Probabilities of all states of a machine of 3 visible (the last 2 of them labels if asked for) and 2 hidden units. */
static void enumerate(const float *w, const float *bias, const float *c, int labels, double p[8]) {
    double sum = 0;
    for (int s = 0; s < 8; s++) {
        p[s] = 0;
        if (labels && (s >> 1 & 1) + (s >> 2 & 1) != 1)
            continue;
        for (int t = 0; t < 4; t++) {
            double minus_energy = 0;
            for (int i = 0; i < 3; i++)
                minus_energy += (s >> i & 1) * (double)bias[i];
            for (int j = 0; j < 2; j++)
                for (int i = -1; i < 3; i++)
                    minus_energy += (t >> j & 1) * (i < 0 ? (double)c[j] : (s >> i & 1) * (double)w[j * 3 + i]);
            p[s] += exp(minus_energy);
        }
        sum += p[s];
    }
    for (int s = 0; s < 8; s++)
        p[s] /= sum;
}

static const float small_w[6] = {1, -2, .5f, -1, 1.5f, 1}, small_b[3] = {.3f, -.4f, .2f}, small_c[2] = {-.5f, .7f};

static nninit_rbm *small_machine(nninit_context *c, const char *text, nninit_generator *g) {
    nninit_rbm *rbm;
    ck_assert_ok(c, nninit_rbm_parse(&rbm, c, text, 3, 2, g));
    ck_assert_ok(c, nninit_tensor_write(nninit_rbm_weight(rbm), small_w, 6));
    ck_assert_ok(c, nninit_tensor_write(nninit_rbm_visible_bias(rbm), small_b, 3));
    ck_assert_ok(c, nninit_tensor_write(nninit_rbm_hidden_bias(rbm), small_c, 2));
    return rbm;
}

/* 20,000 independent chains come to the machine's distribution: chi-square of 7 degrees of freedom at most (3 of labels),
 * 1 in 10^7 runs would be above 46.6 (36.2). */
START_TEST(chains_come_to_the_distribution) {
    enum { N = 20000 };
    static float v[3 * N];
    static const char *const texts[] = {"bernoulli", "bernoulli:labels=2"};
    static const nninit_stream streams[] = {NNINIT_STREAM_PHILOX, NNINIT_STREAM_TORCH, NNINIT_STREAM_CURAND};
    for (int k = 0; k < 6; k++) {
        nninit_context *c = suite_context();
        nninit_generator *g;
        double p[8], count[8] = {0}, chi = 0;
        const bool labels = k % 2;
        ck_assert_ok(c, nninit_generator_create(&g, c, streams[k / 2], 3));
        nninit_rbm *rbm = small_machine(c, texts[k % 2], g);
        memset(v, 0, sizeof v);
        for (int i = 1; i < 3 * N; i += 3)
            v[i] = 1;
        ck_assert_ok(c, nninit_rbm_sample(rbm, v, N, 25, NULL, NULL));
        for (int r = 0; r < N; r++)
            count[(int)v[3 * r] + 2 * (int)v[3 * r + 1] + 4 * (int)v[3 * r + 2]]++;
        enumerate(small_w, small_b, small_c, labels, p);
        for (int s = 0; s < 8; s++)
            chi += p[s] > 0 ? pow(count[s] - N * p[s], 2) / (N * p[s]) : count[s] > 0 ? INFINITY : 0;
        ck_assert_double_le(chi, labels ? 36.2 : 46.6);
        nninit_context_destroy(&c);
    }
}
END_TEST

/* Units that are kept stay; the others come to their distribution given those. */
START_TEST(kept_units_stay) {
    enum { N = 20000 };
    static float v[3 * N], fixed[3 * N], means[3 * N];
    nninit_context *c = suite_context();
    nninit_generator *g;
    double p[8], ones = 0, mean = 0;
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 4));
    nninit_rbm *rbm = small_machine(c, "bernoulli", g);
    for (int r = 0; r < N; r++) {
        v[3 * r] = 1;
        fixed[3 * r] = fixed[3 * r + 1] = 1;
    }
    ck_assert_ok(c, nninit_rbm_sample(rbm, v, N, 25, fixed, means));
    bool kept = true;
    for (int r = 0; r < N; r++) {
        kept = kept && v[3 * r] == 1 && v[3 * r + 1] == 0 && means[3 * r] == 1 && means[3 * r + 1] == 0;
        ones += (double)v[3 * r + 2];
        mean += (double)means[3 * r + 2] / N;
    }
    ck_assert(kept);
    enumerate(small_w, small_b, small_c, 0, p);
    const double expected = p[5] / (p[5] + p[1]);
    ck_assert_double_eq_tol(ones / N, expected, 5.4 * sqrt(expected * (1 - expected) / N)); /* 1 in 10^7 */
    ck_assert_double_eq_tol(mean, expected, 5.4 * .5 / sqrt(N));
    ck_assert_ok(c, nninit_rbm_sample(rbm, v, 1, 0, NULL, means));
    ck_assert(means[0] == v[0] && means[2] == v[2]);
    nninit_context_destroy(&c);
}
END_TEST

/* Gaussian units: p(v) is a mixture of normals, so that mean and variance are known. */
START_TEST(gaussian_chains) {
    enum { N = 20000 };
    static float v[N];
    const float w[2] = {1.5f, -1}, bias = .5f, hidden[2] = {.2f, -.3f};
    nninit_context *c = suite_context();
    nninit_generator *g;
    nninit_rbm *rbm;
    double z = 0, mean = 0, square = 0, got = 0, got_square = 0;
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 4));
    ck_assert_ok(c, nninit_rbm_create(&rbm, c, NNINIT_RBM_GAUSSIAN, 1, 2, g));
    ck_assert_ok(c, nninit_tensor_write(nninit_rbm_weight(rbm), w, 2));
    ck_assert_ok(c, nninit_tensor_write(nninit_rbm_visible_bias(rbm), &bias, 1));
    ck_assert_ok(c, nninit_tensor_write(nninit_rbm_hidden_bias(rbm), hidden, 2));
    for (int t = 0; t < 4; t++) { /* weights of h: exp(c.h + m^2 / 2 - b^2 / 2) with the mean m = W'h + b */
        const double m = (double)bias + (t & 1) * (double)w[0] + (t >> 1) * (double)w[1];
        const double weight = exp((t & 1) * (double)hidden[0] + (t >> 1) * (double)hidden[1] + .5 * m * m);
        z += weight;
        mean += weight * m;
        square += weight * (m * m + 1);
    }
    ck_assert_ok(c, nninit_rbm_sample(rbm, v, N, 25, NULL, NULL));
    for (int r = 0; r < N; r++) {
        got += (double)v[r] / N;
        got_square += (double)v[r] * (double)v[r] / N;
    }
    const double variance = square / z - mean / z * (mean / z);
    ck_assert_double_eq_tol(got, mean / z, 5.4 * sqrt(variance / N));
    ck_assert_double_eq_tol(got_square, square / z, 5.4 * sqrt(3 * pow(square / z, 2) / N));
    nninit_context_destroy(&c);
}
END_TEST

/* The step of a machine whose 20,000 persistent chains have come to its distribution is the rate times the gradient of the
 * likelihood, E[hv] of the data less E[hv] of the model, each by sums over all states. What the chains miss of it is noise of
 * at most 5.4 standard deviations (1 in 10^7). */
START_TEST(the_step_follows_the_likelihood) {
    enum { CHAINS_ = 20000 };
    static const float rows[12] = {1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1};
    const double rate = 0x1p-10;
    nninit_context *c = suite_context();
    nninit_generator *g;
    nninit_dataset *data;
    nninit_loader *loader;
    double p[8];
    float w[6], b[3], h[2];
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 3));
    nninit_rbm *rbm = small_machine(c, "bernoulli:chains=20000,cd_steps=25,momentum=0,weight_decay=0", g);
    ck_assert_ok(c, nninit_rbm_set(rbm, NNINIT_RBM_LR, rate));
    ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, rows, NULL, 4, 3));
    ck_assert_ok(c, nninit_loader_create(&loader, data, 4, 0, g));
    ck_assert_ok(c, nninit_rbm_epoch(rbm, loader, NULL));
    ck_assert_ok(c, nninit_tensor_read(nninit_rbm_weight(rbm), w, 6));
    ck_assert_ok(c, nninit_tensor_read(nninit_rbm_visible_bias(rbm), b, 3));
    ck_assert_ok(c, nninit_tensor_read(nninit_rbm_hidden_bias(rbm), h, 2));
    enumerate(small_w, small_b, small_c, 0, p);
    double of_w[6] = {0}, of_b[3] = {0}, of_h[2] = {0};
    for (int k = 0; k < 12; k++) /* four rows of data, then eight states of the model */
        for (int j = 0; j < 2; j++) {
            double a = (double)small_c[j], v[3];
            const double weight = k < 4 ? .25 : -p[k - 4];
            for (int i = 0; i < 3; i++) {
                v[i] = k < 4 ? (double)rows[3 * k + i] : (k - 4) >> i & 1;
                a += v[i] * (double)small_w[j * 3 + i];
            }
            of_h[j] += weight / (1 + exp(-a));
            for (int i = 0; i < 3; i++) {
                of_w[j * 3 + i] += weight * v[i] / (1 + exp(-a));
                of_b[i] += j == 0 ? weight * v[i] : 0;
            }
        }
    const double noise = 5.4 * .5 / sqrt(CHAINS_) + 2 * 0x1p-23 / rate; /* and a rounding of the parameter */
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(((double)w[i] - (double)small_w[i]) / rate, of_w[i], noise);
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol(((double)b[i] - (double)small_b[i]) / rate, of_b[i], noise);
    for (int j = 0; j < 2; j++)
        ck_assert_double_eq_tol(((double)h[j] - (double)small_c[j]) / rate, of_h[j], noise);
    nninit_context_destroy(&c);
}
END_TEST

/* log Z of the small machine, by its four hidden states. */
static double small_log_z(bool labels, bool gaussian) {
    double z = 0;
    for (int t = 0; t < 4; t++) {
        double log_p = (t & 1) * (double)small_c[0] + (t >> 1) * (double)small_c[1], group = 0;
        for (int i = 0; i < 3; i++) {
            const double b = (double)small_b[i];
            const double a = b + (t & 1) * (double)small_w[i] + (t >> 1) * (double)small_w[3 + i];
            if (labels && i > 0)
                group += exp(a);
            else
                log_p += gaussian ? .5 * log(2 * 3.14159265358979323846) + .5 * a * a - .5 * b * b : log(1 + exp(a));
        }
        z += exp(log_p) * (labels ? group : 1);
    }
    return log(z);
}

/* The estimate is within its own error of the exact value, from an even base and from the data's; so are low and high. */
START_TEST(annealing_finds_log_z) {
    static const char *const texts[] = {"bernoulli", "bernoulli:labels=2", "gaussian", "gaussian:labels=2"};
    static const float rows[12] = {0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0};
    double betas[100];
    for (int k = 0; k < 100; k++)
        betas[k] = k / 99.;
    for (int k = 0; k < 16; k++) {
        nninit_context *c = suite_context();
        nninit_generator *g;
        nninit_dataset *base;
        const double exact = small_log_z(k & 1, k & 2);
        ck_assert_ok(c, nninit_generator_create(&g, c, k & 8 ? NNINIT_STREAM_TORCH : NNINIT_STREAM_PHILOX, 9));
        ck_assert_ok(c, nninit_dataset_wrap(&base, c, NNINIT_FLOAT32, rows, NULL, 4, 3));
        nninit_rbm *rbm = small_machine(c, texts[k % 4], g);
        const nninit_rbm_ais_options options = {.size = sizeof options, .chains = 1000, .betas = betas, .temperatures = 100,
                                                .base = k & 4 ? base : NULL};
        nninit_rbm_ais_result r = {.size = sizeof r};
        ck_assert_ok(c, nninit_rbm_ais(rbm, &options, g, &r));
        ck_assert_msg(fabs(r.log_z - exact) <= 3 * r.standard_error, "%s: %g, %g exact, error %g", texts[k % 4], r.log_z, exact,
                      r.standard_error);
        ck_assert(r.standard_error < .05 && r.low < exact && exact < r.high);
        ck_assert_double_eq_tol(r.high, r.log_z + log(1 + 3 * r.standard_error), 1e-12);
        ck_assert_double_eq_tol(r.low, r.log_z + log(1 - 3 * r.standard_error), 1e-12);
        nninit_context_destroy(&c);
    }
}
END_TEST

/* Without weights the base is the machine: nothing is estimated, whatever the temperatures. */
START_TEST(annealing_of_no_weights_is_exact) {
    static const double betas[] = {0, 1};
    struct bench b;
    const float zeros[H * V] = {0};
    bench_open(&b, "bernoulli", NNINIT_STREAM_PHILOX);
    ck_assert_ok(b.c, nninit_tensor_write(nninit_rbm_weight(b.rbm), zeros, H * V));
    ck_assert_ok(b.c, nninit_rbm_init_visible_bias(b.rbm, b.data));
    float bias[V];
    double log_z = H * log(2);
    ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_visible_bias(b.rbm), bias, V));
    for (int i = 0; i < V; i++)
        log_z += log(1 + exp((double)bias[i]));
    const nninit_rbm_ais_options options = {.size = sizeof options, .chains = 3, .betas = betas, .temperatures = 2, .base = b.data};
    nninit_rbm_ais_result r = {.size = sizeof r};
    ck_assert_ok(b.c, nninit_rbm_ais(b.rbm, &options, b.g, &r));
    ck_assert_double_eq_tol(r.log_z, log_z, 1e-9);
    ck_assert_double_eq_tol(r.log_base, log_z, 1e-9);
    ck_assert_double_le(r.standard_error, 1e-12);
    nninit_rbm_ais_result part = {.size = offsetof(nninit_rbm_ais_result, standard_error), .high = 7};
    ck_assert_ok(b.c, nninit_rbm_ais(b.rbm, &options, b.g, &part));
    ck_assert(part.log_z == r.log_z && part.high == 7); /* an older caller's struct is not written beyond */
    bench_close(&b);
}
END_TEST

SUITE(rbm_sampling, chains_come_to_the_distribution, kept_units_stay, gaussian_chains, the_step_follows_the_likelihood,
      annealing_finds_log_z, annealing_of_no_weights_is_exact)
