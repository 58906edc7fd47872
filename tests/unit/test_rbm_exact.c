/* SPDX-License-Identifier: MIT */
/* Measures of machines against sums over all states, written out in long double. */
#include "stripes.h"
#include "suite.h"

#include <math.h>

enum { MOST = 16 };

/* A machine and its values, exact in long double. */
struct small {
    nninit_context *c;
    nninit_generator *g;
    nninit_rbm *rbm;
    bool gaussian;
    int visible, hidden, labels;
    long double w[MOST][MOST], b[MOST], h[MOST];
};

static void small_open(struct small *s, const char *text, int visible, int hidden, int labels, double scale, uint64_t seed) {
    float w[MOST * MOST], b[MOST], h[MOST];
    *s = (struct small){.gaussian = text[0] == 'g', .visible = visible, .hidden = hidden, .labels = labels};
    s->c = suite_context();
    ck_assert_ok(s->c, nninit_generator_create(&s->g, s->c, NNINIT_STREAM_TORCH, seed));
    ck_assert_ok(s->c, nninit_rbm_parse(&s->rbm, s->c, text, visible, hidden, s->g));
    ck_assert_ok(s->c, nninit_rbm_set(s->rbm, NNINIT_RBM_LABELS, labels));
    ck_assert_ok(s->c, nninit_generator_normal(s->g, NNINIT_FLOAT32, w, visible * hidden, 0, scale));
    ck_assert_ok(s->c, nninit_generator_normal(s->g, NNINIT_FLOAT32, b, visible, 0, scale));
    ck_assert_ok(s->c, nninit_generator_normal(s->g, NNINIT_FLOAT32, h, hidden, 0, scale));
    ck_assert_ok(s->c, nninit_tensor_write(nninit_rbm_weight(s->rbm), w, visible * hidden));
    ck_assert_ok(s->c, nninit_tensor_write(nninit_rbm_visible_bias(s->rbm), b, visible));
    ck_assert_ok(s->c, nninit_tensor_write(nninit_rbm_hidden_bias(s->rbm), h, hidden));
    for (int j = 0; j < hidden; j++)
        for (int i = 0; i < visible; i++)
            s->w[j][i] = (long double)w[j * visible + i];
    for (int i = 0; i < visible; i++)
        s->b[i] = (long double)b[i];
    for (int j = 0; j < hidden; j++)
        s->h[j] = (long double)h[j];
}

static void small_close(struct small *s) {
    nninit_context_destroy(&s->c);
}

/* Is exactly one label on? */
static bool is_state(const struct small *s, int v) {
    int on = 0;
    for (int i = s->visible - s->labels; i < s->visible; i++)
        on += v >> i & 1;
    return s->labels == 0 || on == 1;
}

static long double minus_energy(const struct small *s, int v, int h) {
    long double sum = 0;
    for (int i = 0; i < s->visible; i++)
        sum += (v >> i & 1) * s->b[i];
    for (int j = 0; j < s->hidden; j++)
        for (int i = -1; i < s->visible && h >> j & 1; i++)
            sum += i < 0 ? s->h[j] : (v >> i & 1) * s->w[j][i];
    return sum;
}

/* Sum over hidden states of exp(-E(v, h)). */
static long double mass(const struct small *s, int v) {
    long double sum = 0;
    for (int h = 0; h < 1 << s->hidden; h++)
        sum += expl(minus_energy(s, v, h));
    return sum;
}

static long double partition(const struct small *s) {
    long double z = 0;
    for (int v = 0; v < 1 << s->visible; v++)
        z += is_state(s, v) ? mass(s, v) : 0;
    return z;
}

static void row_of(const struct small *s, int v, float *row) {
    for (int i = 0; i < s->visible; i++)
        row[i] = (float)(v >> i & 1);
}

static double free_energy(const struct small *s, const float *row) {
    double energy;
    ck_assert_ok(s->c, nninit_rbm_free_energy(s->rbm, row, 1, &energy));
    return energy;
}

static double log_partition(const struct small *s) {
    double log_z;
    ck_assert_ok(s->c, nninit_rbm_log_partition(s->rbm, &log_z));
    return log_z;
}

static const struct {
    int visible, hidden, labels;
    double scale;
} shapes[] = {{1, 1, 0, 1}, {3, 7, 0, 1}, {8, 5, 0, 2}, {9, 9, 0, .1}, {7, 4, 3, 1}, {4, 8, 2, 2}, {3, 3, 2, 1}, {6, 10, 0, 5}};

START_TEST(partition_functions_and_free_energies) {
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct small s;
        small_open(&s, "bernoulli", shapes[k].visible, shapes[k].hidden, shapes[k].labels, shapes[k].scale, k);
        const double log_z = log_partition(&s);
        double worst = 0, sum = 0;
        ck_assert_double_eq_tol(log_z, (double)logl(partition(&s)), 1e-12 * fmax(1, fabs(log_z)));
        for (int v = 0; v < 1 << s.visible; v++) {
            float row[MOST];
            row_of(&s, v, row);
            const double energy = free_energy(&s, row), exact = (double)-logl(mass(&s, v));
            worst = fmax(worst, fabs(energy - exact) / fmax(1, fabs(exact)));
            sum += is_state(&s, v) ? exp(-energy - log_z) : 0;
        }
        ck_assert_double_le(worst, 1e-12);
        ck_assert_double_eq_tol(sum, 1, 1e-10);
        small_close(&s);
    }
}
END_TEST

/* Gaussian units: Z by the trapezoidal rule over one unit, with and without labels, and F at a point by its definition. */
START_TEST(gaussian_units) {
    for (int labels = 0; labels <= 2; labels += 2) {
        struct small s;
        small_open(&s, "gaussian", 1 + labels, 4, labels, 1, 3);
        long double z = 0;
        const long double step = 1e-3L;
        for (int group = 0; group < (labels ? labels : 1); group++)
            for (int k = -20000; k <= 20000; k++) {
                const long double v = k * step;
                long double sum = 0;
                for (int h = 0; h < 16; h++) {
                    long double x = -.5L * (v - s.b[0]) * (v - s.b[0]) + (labels ? s.b[1 + group] : 0);
                    for (int j = 0; j < 4; j++)
                        x += (h >> j & 1) * (s.h[j] + s.w[j][0] * v + (labels ? s.w[j][1 + group] : 0));
                    sum += expl(x);
                }
                z += step * sum;
                const float row[3] = {(float)v, labels && group == 0, labels && group == 1};
                if (k % 5000 == 0 && (long double)row[0] == v)
                    ck_assert_double_eq_tol(free_energy(&s, row), (double)-logl(sum), 1e-10 * fmax(1, fabs((double)logl(sum))));
            }
        ck_assert_double_eq_tol(log_partition(&s), (double)logl(z), 1e-10);
        small_close(&s);
    }
}
END_TEST

/* The exact pseudo-likelihood by its definition; the estimate's units are randint's, and its mean over all units is exact. */
START_TEST(pseudo_likelihoods) {
    struct small s;
    nninit_generator *g, *twin;
    float row[MOST], rows[500 * MOST];
    small_open(&s, "bernoulli", 8, 5, 0, 1, 3);
    double worst = 0, value, total = 0;
    for (int v = 0; v < 256; v++) {
        double exact = 0;
        for (int i = 0; i < 8; i++)
            exact += (double)logl(mass(&s, v) / (mass(&s, v) + mass(&s, v ^ 1 << i)));
        row_of(&s, v, row);
        ck_assert_ok(s.c, nninit_rbm_pseudo_likelihood(s.rbm, row, 1, NULL, &value));
        worst = fmax(worst, fabs(value - exact));
    }
    ck_assert_double_le(worst, 1e-11);
    for (int r = 0; r < 500; r++)
        row_of(&s, r * 7 % 256, rows + r * 8);
    ck_assert_ok(s.c, nninit_generator_create(&g, s.c, NNINIT_STREAM_PHILOX, 1));
    ck_assert_ok(s.c, nninit_generator_create(&twin, s.c, NNINIT_STREAM_PHILOX, 1));
    int64_t units[500];
    ck_assert_ok(s.c, nninit_generator_randint(twin, units, 500, 0, 8));
    for (int r = 0; r < 500; r++) {
        const int v = r * 7 % 256;
        total += 8 * (double)logl(mass(&s, v) / (mass(&s, v) + mass(&s, v ^ 1 << units[r]))) / 500;
    }
    ck_assert_ok(s.c, nninit_rbm_pseudo_likelihood(s.rbm, rows, 500, g, &value));
    ck_assert_double_eq_tol(value, total, 1e-10);
    small_close(&s);
}
END_TEST

/* d(log likelihood) / dw = E[hv] of the data less E[hv] of the model: the left side by differences of what the library
 * computes, the right one by sums over all states. */
START_TEST(gradients_of_the_likelihood) {
    struct small s;
    float w[MOST * MOST], row[MOST];
    small_open(&s, "bernoulli", 6, 4, 0, 1, 8);
    const int data = 0x2d;
    const long double z = partition(&s), m = mass(&s, data);
    ck_assert_ok(s.c, nninit_tensor_read(nninit_rbm_weight(s.rbm), w, 24));
    row_of(&s, data, row);
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 6; i++) {
            long double exact = 0;
            for (int v = 0; v < 64; v++)
                for (int h = 0; h < 16; h++)
                    if (v >> i & 1 && h >> j & 1)
                        exact += expl(minus_energy(&s, v, h)) * ((v == data ? 1 / m : 0) - 1 / z);
            const float old = w[j * 6 + i], step = 0x1p-9f;
            double sides[2], change = 0;
            for (int k = 0; k < 2; k++) {
                w[j * 6 + i] = old + (k ? step : -step);
                change += k ? (double)w[j * 6 + i] : -(double)w[j * 6 + i];
                ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_weight(s.rbm), w, 24));
                sides[k] = -free_energy(&s, row) - log_partition(&s);
            }
            w[j * 6 + i] = old;
            ck_assert_double_eq_tol((sides[1] - sides[0]) / change, (double)exact, 2e-6);
        }
    small_close(&s);
}
END_TEST

/* More units than one product of factors takes: sums over hidden states, each from scratch. */
START_TEST(wide_machines) {
    enum { V = 1100, H = 7 };
    static float w[H * V], b[V], c[H];
    nninit_context *context = suite_context();
    nninit_generator *g;
    nninit_rbm *rbm;
    double log_z;
    long double z = 0;
    ck_assert_ok(context, nninit_generator_create(&g, context, NNINIT_STREAM_TORCH, 6));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, w, H * V, 0, .3));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, b, V, -1, 1));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, c, H, 0, 1));
    ck_assert_ok(context, nninit_rbm_create(&rbm, context, NNINIT_RBM_BERNOULLI, V, H, NULL));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_weight(rbm), w, H * V));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_visible_bias(rbm), b, V));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_hidden_bias(rbm), c, H));
    for (int h = 0; h < 1 << H; h++) {
        long double term = 0;
        for (int j = 0; j < H; j++)
            term += (h >> j & 1) * (long double)c[j];
        for (int i = 0; i < V; i++) {
            long double input = (long double)b[i];
            for (int j = 0; j < H; j++)
                input += (h >> j & 1) * (long double)w[j * V + i];
            term += logl(1 + expl(input));
        }
        z += expl(term);
    }
    ck_assert_ok(context, nninit_rbm_log_partition(rbm, &log_z));
    ck_assert_double_eq_tol(log_z, (double)logl(z), 1e-12 * log_z);
    nninit_context_destroy(&context);
}
END_TEST

/* 2^18 hidden states, over many refreshed inputs: with one visible unit beside two labels Z is a product over hidden units for
 * each of the four visible states. */
START_TEST(many_states) {
    enum { H = 18 };
    struct small s = {.c = suite_context()};
    float w[H * 3], b[3], c[H];
    long double z = 0;
    ck_assert_ok(s.c, nninit_generator_create(&s.g, s.c, NNINIT_STREAM_TORCH, 7));
    ck_assert_ok(s.c, nninit_generator_normal(s.g, NNINIT_FLOAT32, w, H * 3, 0, 1));
    ck_assert_ok(s.c, nninit_generator_normal(s.g, NNINIT_FLOAT32, b, 3, 0, 1));
    ck_assert_ok(s.c, nninit_generator_normal(s.g, NNINIT_FLOAT32, c, H, 0, 1));
    ck_assert_ok(s.c, nninit_rbm_parse(&s.rbm, s.c, "bernoulli:labels=2", 3, H, NULL));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_weight(s.rbm), w, H * 3));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_visible_bias(s.rbm), b, 3));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_hidden_bias(s.rbm), c, H));
    for (int v = 0; v < 2; v++)
        for (int label = 1; label <= 2; label++) {
            long double product = expl(v * (long double)b[0] + (long double)b[label]);
            for (int j = 0; j < H; j++)
                product *= 1 + expl((long double)c[j] + v * (long double)w[3 * j] + (long double)w[3 * j + label]);
            z += product;
        }
    ck_assert_double_eq_tol(log_partition(&s), (double)logl(z), 1e-12);
    small_close(&s);
}
END_TEST

/* The most units that are enumerated. All alike, beside one Gaussian unit: Z is sqrt(2 pi) times the sum over k, how many are
 * on, of binomial(25, k) exp(k (c + b w) + k^2 w^2 / 2). */
START_TEST(as_many_as_allowed) {
    enum { H = NNINIT_RBM_ENUMERATION_LIMIT };
    struct small s = {.c = suite_context()};
    const float bias = .75f;
    float w[H], c[H];
    long double z = 0, binomial = 1;
    for (int j = 0; j < H; j++) {
        w[j] = .125f;
        c[j] = -.5f;
    }
    ck_assert_ok(s.c, nninit_rbm_create(&s.rbm, s.c, NNINIT_RBM_GAUSSIAN, 1, H, NULL));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_weight(s.rbm), w, H));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_visible_bias(s.rbm), &bias, 1));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_hidden_bias(s.rbm), c, H));
    for (int k = 0; k <= H; k++) {
        z += binomial * expl(k * (-.5L + .75L * .125L) + k * k * .125L * .125L / 2);
        binomial = binomial * (H - k) / (k + 1);
    }
    z *= sqrtl(2 * acosl(-1));
    ck_assert_double_eq_tol(log_partition(&s), (double)logl(z), 1e-11);
    small_close(&s);
}
END_TEST

/* 14 hidden x 784 visible units: log Z is that of two machines of 13, the last unit off and on. */
START_TEST(one_unit_at_a_time) {
    enum { V = 784, H = 14 };
    static float w[H * V], b[V], c[H];
    nninit_context *context = suite_context();
    nninit_generator *g;
    nninit_rbm *whole, *less;
    double log_z, off, on;
    ck_assert_ok(context, nninit_generator_create(&g, context, NNINIT_STREAM_TORCH, 5));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, w, H * V, 0, .3));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, b, V, -1, 1));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, c, H, 0, 1));
    for (int i = 0; i < V; i++) { /* multiples of 2^-10, so that their sums are exact */
        b[i] = rintf(b[i] * 0x1p10f) * 0x1p-10f;
        w[(H - 1) * V + i] = rintf(w[(H - 1) * V + i] * 0x1p10f) * 0x1p-10f;
    }
    ck_assert_ok(context, nninit_rbm_create(&whole, context, NNINIT_RBM_BERNOULLI, V, H, NULL));
    ck_assert_ok(context, nninit_rbm_create(&less, context, NNINIT_RBM_BERNOULLI, V, H - 1, NULL));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_weight(whole), w, H * V));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_visible_bias(whole), b, V));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_hidden_bias(whole), c, H));
    ck_assert_ok(context, nninit_rbm_log_partition(whole, &log_z));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_weight(less), w, (H - 1) * V));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_hidden_bias(less), c, H - 1));
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_visible_bias(less), b, V));
    ck_assert_ok(context, nninit_rbm_log_partition(less, &off));
    for (int i = 0; i < V; i++)
        b[i] += w[(H - 1) * V + i];
    ck_assert_ok(context, nninit_tensor_write(nninit_rbm_visible_bias(less), b, V));
    ck_assert_ok(context, nninit_rbm_log_partition(less, &on));
    on += (double)c[H - 1];
    const double most = fmax(off, on);
    ck_assert_double_eq_tol(log_z, most + log(exp(off - most) + exp(on - most)), 1e-12 * most);
    nninit_context_destroy(&context);
}
END_TEST

/* Without weights Z = 2^(visible + hidden); inputs of 800 overflow nothing. */
START_TEST(extremes) {
    struct small s;
    nninit_rbm *wide;
    float w[4] = {0}, row[2] = {1, 1};
    double log_z, energy;
    small_open(&s, "bernoulli", 2, 2, 0, 1, 1);
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_weight(s.rbm), w, 4));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_visible_bias(s.rbm), w, 2));
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_hidden_bias(s.rbm), w, 2));
    ck_assert_double_eq_tol(log_partition(&s), 4 * log(2), 1e-14);
    ck_assert_ok(s.c, nninit_rbm_create(&wide, s.c, NNINIT_RBM_BERNOULLI, 1100, 3, NULL)); /* 2^1100 is no double */
    ck_assert_ok(s.c, nninit_rbm_log_partition(wide, &log_z));
    ck_assert_double_eq_tol(log_z, 1103 * log(2), 1e-11);
    for (int k = 0; k < 4; k++)
        w[k] = 800;
    ck_assert_ok(s.c, nninit_tensor_write(nninit_rbm_weight(s.rbm), w, 4));
    ck_assert_ok(s.c, nninit_rbm_log_partition(s.rbm, &log_z));
    ck_assert_double_eq_tol(log_z, 3200, 1e-10);
    ck_assert_ok(s.c, nninit_rbm_free_energy(s.rbm, row, 1, &energy));
    ck_assert_double_eq_tol(energy, -3200, 1e-10);
    ck_assert_ok(s.c, nninit_rbm_pseudo_likelihood(s.rbm, row, 1, NULL, &energy));
    ck_assert_double_eq_tol(energy, 0, 1e-10);
    small_close(&s);
}
END_TEST

/* Bars and stripes of 4 x 4: 32 rows, of which the empty and the full one occur twice. KL is what their likelihoods say, and
 * training lowers it. */
START_TEST(divergences) {
    enum { ROWS = STRIPES_ROWS, PIXELS = STRIPES_PIXELS };
    static float rows[ROWS][PIXELS];
    nninit_context *c = suite_context();
    nninit_generator *g;
    nninit_dataset *data;
    nninit_loader *loader;
    nninit_rbm *rbm;
    double before, kl, energy[ROWS], log_z, exact = 0;
    stripes_fill(rows);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 777));
    ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, rows, NULL, ROWS, PIXELS));
    ck_assert_ok(c, nninit_loader_create(&loader, data, ROWS, 0, g));
    ck_assert_ok(c, nninit_rbm_create(&rbm, c, NNINIT_RBM_BERNOULLI, PIXELS, 12, g));
    ck_assert_ok(c, nninit_rbm_kl(rbm, rows[0], ROWS, &before));
    for (int epoch = 0; epoch < 200; epoch++)
        ck_assert_ok(c, nninit_rbm_epoch(rbm, loader, NULL));
    ck_assert_ok(c, nninit_rbm_kl(rbm, rows[0], ROWS, &kl));
    ck_assert_ok(c, nninit_rbm_free_energy(rbm, rows[0], ROWS, energy));
    ck_assert_ok(c, nninit_rbm_log_partition(rbm, &log_z));
    for (int p = 0; p < ROWS; p++)
        exact += (log((p & 15) == 0 || (p & 15) == 15 ? 2. / ROWS : 1. / ROWS) + energy[p] + log_z) / ROWS;
    ck_assert_double_eq_tol(kl, exact, 1e-12);
    ck_assert(kl >= 0 && kl < before - 1);
    nninit_context_destroy(&c);
}
END_TEST

/* With labels p(v) is of rows with exactly one of them on; others have no probability, and no divergence. */
START_TEST(divergences_with_labels) {
    static const int states[] = {0x11, 0x22, 0x13, 0x11, 0x2f}, none = 0x07, two = 0x31;
    enum { ROWS = sizeof states / sizeof *states, V = 6 };
    struct small s;
    float rows[ROWS * V];
    double kl, exact = 0;
    small_open(&s, "bernoulli", V, 5, 2, 1, 4);
    const long double z = partition(&s);
    for (int r = 0; r < ROWS; r++) {
        const double share = states[r] == 0x11 ? 2. / ROWS : 1. / ROWS;
        row_of(&s, states[r], rows + r * V);
        exact += (log(share) - (double)logl(mass(&s, states[r]) / z)) / ROWS;
    }
    ck_assert_ok(s.c, nninit_rbm_kl(s.rbm, rows, ROWS, &kl));
    ck_assert_double_eq_tol(kl, exact, 1e-12);
    row_of(&s, none, rows + 3 * V);
    ck_assert_int_eq(nninit_rbm_kl(s.rbm, rows, ROWS, &kl), NNINIT_ERR_INVALID);
    ck_assert_str_eq(nninit_context_message(s.c), "row 3 has 0 labels on; it must be 1");
    row_of(&s, two, rows + 3 * V);
    ck_assert_int_eq(nninit_rbm_kl(s.rbm, rows, ROWS, &kl), NNINIT_ERR_INVALID);
    ck_assert_str_eq(nninit_context_message(s.c), "row 3 has 2 labels on; it must be 1");
    small_close(&s);
}
END_TEST

START_TEST(free_energy_gaps) {
    struct small s;
    nninit_dataset *train, *held, *wide;
    float rows[4 * 6];
    double gap, energy[4];
    small_open(&s, "bernoulli", 6, 4, 0, 1, 8);
    for (int r = 0; r < 4; r++)
        row_of(&s, 11 * r + 5, rows + r * 6);
    ck_assert_ok(s.c, nninit_dataset_wrap(&train, s.c, NNINIT_FLOAT32, rows, NULL, 2, 6));
    ck_assert_ok(s.c, nninit_dataset_wrap(&held, s.c, NNINIT_FLOAT32, rows + 12, NULL, 2, 6));
    ck_assert_ok(s.c, nninit_dataset_wrap(&wide, s.c, NNINIT_FLOAT32, rows, NULL, 2, 12));
    ck_assert_ok(s.c, nninit_rbm_free_energy(s.rbm, rows, 4, energy));
    ck_assert_ok(s.c, nninit_rbm_free_energy_gap(s.rbm, train, held, 0, &gap));
    ck_assert_double_eq_tol(gap, (energy[2] + energy[3] - energy[0] - energy[1]) / 2, 1e-12);
    ck_assert_ok(s.c, nninit_rbm_free_energy_gap(s.rbm, train, held, 1, &gap));
    ck_assert_double_eq_tol(gap, energy[2] - energy[0], 1e-12);
    ck_assert_int_eq(nninit_rbm_free_energy_gap(s.rbm, train, held, 3, &gap), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_free_energy_gap(s.rbm, train, NULL, 1, &gap), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_free_energy_gap(s.rbm, train, wide, 1, &gap), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_rbm_free_energy_gap(s.rbm, train, held, 1, NULL), NNINIT_ERR_INVALID);
    small_close(&s);
}
END_TEST

START_TEST(limits_and_bad_input) {
    struct small s;
    nninit_rbm *wide, *most;
    nninit_generator *foreign;
    nninit_context *other = suite_context();
    float row[MOST] = {0}, half[MOST] = {.5f};
    double value;
    small_open(&s, "bernoulli", 6, 4, 0, 1, 8);
    ck_assert_ok(s.c, nninit_rbm_create(&wide, s.c, NNINIT_RBM_BERNOULLI, 26, 26, NULL));
    ck_assert_int_eq(nninit_rbm_log_partition(wide, &value), NNINIT_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(s.c), "26"));
    ck_assert_ptr_nonnull(strstr(nninit_context_message(s.c), "25"));
    ck_assert_int_eq(nninit_rbm_kl(wide, row, 1, &value), NNINIT_ERR_SHAPE);
    ck_assert_ok(s.c, nninit_rbm_create(&wide, s.c, NNINIT_RBM_GAUSSIAN, 1, 26, NULL));
    ck_assert_int_eq(nninit_rbm_log_partition(wide, &value), NNINIT_ERR_SHAPE);
    ck_assert_ok(s.c, nninit_rbm_create(&most, s.c, NNINIT_RBM_BERNOULLI, 1, 100, NULL));
    ck_assert_ok(s.c, nninit_rbm_log_partition(most, &value));
    ck_assert_double_eq_tol(value, 101 * log(2), 1e-12);
    ck_assert_int_eq(nninit_rbm_kl(wide, row, 1, &value), NNINIT_ERR_UNSUPPORTED);
    ck_assert_int_eq(nninit_rbm_pseudo_likelihood(wide, row, 1, NULL, &value), NNINIT_ERR_UNSUPPORTED);
    ck_assert_int_eq(nninit_rbm_kl(s.rbm, half, 1, &value), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_kl(s.rbm, row, 0, &value), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_pseudo_likelihood(s.rbm, half, 1, NULL, &value), NNINIT_ERR_INVALID);
    ck_assert_ok(other, nninit_generator_create(&foreign, other, NNINIT_STREAM_TORCH, 1));
    ck_assert_int_eq(nninit_rbm_pseudo_likelihood(s.rbm, row, 1, foreign, &value), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_free_energy(s.rbm, NULL, 1, &value), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_free_energy(s.rbm, row, 0, &value), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_free_energy(NULL, row, 1, &value), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rbm_log_partition(s.rbm, NULL), NNINIT_ERR_INVALID);
    ck_assert_ok(s.c, nninit_rbm_set(s.rbm, NNINIT_RBM_LABELS, 2));
    ck_assert_int_eq(nninit_rbm_pseudo_likelihood(s.rbm, row, 1, NULL, &value), NNINIT_ERR_UNSUPPORTED);
    nninit_context_destroy(&other);
    small_close(&s);
}
END_TEST

SUITE(rbm_exact, partition_functions_and_free_energies, gaussian_units, pseudo_likelihoods, gradients_of_the_likelihood,
      wide_machines, many_states, as_many_as_allowed, one_unit_at_a_time, extremes, divergences, divergences_with_labels,
      free_energy_gaps, limits_and_bad_input)
