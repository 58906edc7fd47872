/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "law.h"

#include <math.h>
#include <stddef.h>
#include <unistd.h>

enum { V = 23, H = 11, ROWS = 20, BATCH = 8, CHAINS = 5, MOST = 20 };

struct bench {
    nninit_context *c;
    nninit_generator *g, *order;
    nninit_dataset *data;
    nninit_loader *loader;
    nninit_rbm *rbm;
    float x[ROWS * V];
};

static void bench_open(struct bench *b, const char *text, nninit_stream stream) {
    b->c = suite_context();
    ck_assert_ok(b->c, nninit_generator_create(&b->g, b->c, stream, 5));
    ck_assert_ok(b->c, nninit_generator_create(&b->order, b->c, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(b->c, nninit_generator_uniform(b->order, NNINIT_FLOAT32, b->x, ROWS * V, 0, 1));
    for (int i = 0; i < ROWS * V; i += 3)
        b->x[i] = 0;
    ck_assert_ok(b->c, nninit_dataset_wrap(&b->data, b->c, NNINIT_FLOAT32, b->x, NULL, ROWS, V));
    ck_assert_ok(b->c, nninit_loader_create(&b->loader, b->data, BATCH, 0, b->order));
    ck_assert_ok(b->c, nninit_rbm_parse(&b->rbm, b->c, text, V, H, b->g));
}

static void bench_close(struct bench *b) {
    nninit_context_destroy(&b->c);
}

/* ---- the update, written by hand from docs/numerics.md ---- */

struct hand {
    float w[H][V], b[V], c[H], dw[H][V], db[V], dc[H], q[H], chains[CHAINS][H];
    nninit_context *context;
    nninit_generator *g;
};

struct phase {
    int rows;
    float v[MOST][V], h[MOST][H];
};

static float draws[MOST * V];

static void draw(struct hand *m, int count) {
    ck_assert_ok(m->context, nninit_generator_uniform(m->g, NNINIT_FLOAT32, draws, count, 0, 1));
}

static void up(const struct hand *m, struct phase *p) {
    for (int r = 0; r < p->rows; r++)
        for (int j = 0; j < H; j++) {
            float a = 0;
            for (int i = 0; i < V; i++)
                a = fmaf(p->v[r][i], m->w[j][i], a);
            p->h[r][j] = law_sigmoid(a + 0.0f + m->c[j]);
        }
}

static void down(const struct hand *m, const struct phase *p, struct phase *to) {
    to->rows = p->rows;
    for (int r = 0; r < p->rows; r++)
        for (int i = 0; i < V; i++) {
            float a = 0;
            for (int j = 0; j < H; j++)
                a = fmaf(p->h[r][j], m->w[j][i], a);
            to->v[r][i] = law_sigmoid(a + 0.0f + m->b[i]);
        }
}

static void sample_h(struct hand *m, struct phase *p) {
    draw(m, p->rows * H);
    for (int k = 0; k < p->rows * H; k++)
        p->h[k / H][k % H] = draws[k] < p->h[k / H][k % H] ? 1.0f : 0.0f;
}

static void sample_v(struct hand *m, struct phase *p) {
    draw(m, p->rows * V);
    for (int k = 0; k < p->rows * V; k++)
        p->v[k / V][k % V] = draws[k] < p->v[k / V][k % V] ? 1.0f : 0.0f;
}

struct rates {
    float momentum, positive, negative, decay, l1;
};

static void move(const struct rates *o, float data, float model, float *p, float *m) {
    float d = o->positive * data - o->negative * model;
    if (o->decay != 0)
        d = d - o->decay * *p;
    if (o->l1 != 0)
        d = d - (*p > 0 ? o->l1 : *p < 0 ? -o->l1 : 0);
    *m = o->momentum * *m + d;
    *m = fabsf(*m) < 0x1p-100f ? 0 : *m;
    *p = *p + *m;
}

static void apply(struct hand *m, const struct rates *o, const struct phase *d, const struct phase *n) {
    const struct rates bias = {o->momentum, o->positive, o->negative, 0, 0};
    for (int j = 0; j < H; j++) {
        float data = 0, model = 0;
        for (int r = 0; r < d->rows; r++)
            data += d->h[r][j];
        for (int r = 0; r < n->rows; r++)
            model += n->h[r][j];
        move(&bias, data, model, &m->c[j], &m->dc[j]);
    }
    for (int i = 0; i < V; i++) {
        float data = 0, model = 0;
        for (int r = 0; r < d->rows; r++)
            data += d->v[r][i];
        for (int r = 0; r < n->rows; r++)
            model += n->v[r][i];
        move(&bias, data, model, &m->b[i], &m->db[i]);
    }
    for (int j = 0; j < H; j++)
        for (int i = 0; i < V; i++) {
            float data = 0, model = 0;
            for (int r = 0; r < d->rows; r++)
                data = fmaf(d->h[r][j], d->v[r][i], data);
            for (int r = 0; r < n->rows; r++)
                model = fmaf(n->h[r][j], n->v[r][i], model);
            move(o, data + 0.0f, model + 0.0f, &m->w[j][i], &m->dw[j][i]);
        }
}

/* What the options of a case mean, in the hand's own words. */
struct recipe {
    const char *text;
    nninit_stream stream;
    int steps, chains;
    bool visible, positive, binarize;
    double decay, l1;
    float cost, limit; /* limit: of a hidden unit's weights */
};

static void hand_step(struct hand *m, const struct recipe *o, const float *x, int rows, float momentum) {
    static struct phase data, means, chain;
    const struct rates rates = {momentum, (float)(.1 / rows), (float)(.1 / (o->chains ? o->chains : rows)),
                                (float)(.1 * o->decay), (float)(.1 * o->l1)};
    data.rows = rows;
    memcpy(data.v, x, (size_t)(rows * V) * sizeof *x);
    if (o->binarize)
        sample_v(m, &data);
    up(m, &data);
    means = data;
    if (o->positive || !o->chains)
        sample_h(m, &data);
    chain = data;
    if (o->chains) {
        chain.rows = o->chains;
        memcpy(chain.h, m->chains, sizeof m->chains);
    }
    for (int k = 0; k < o->steps; k++) {
        if (k > 0)
            sample_h(m, &chain);
        down(m, &chain, &chain);
        if (o->visible || o->chains)
            sample_v(m, &chain);
        up(m, &chain);
    }
    if (o->chains) {
        static struct phase next;
        next = chain;
        sample_h(m, &next);
        memcpy(m->chains, next.h, sizeof m->chains);
    }
    if (!o->positive)
        memcpy(data.h, means.h, sizeof data.h);
    for (int j = 0; j < H && o->cost > 0; j++) {
        float sum = 0;
        for (int r = 0; r < rows; r++)
            sum += data.h[r][j];
        m->q[j] = 0.9f * m->q[j] + (float)(1 - .9) * (sum / (float)rows);
        for (int r = 0; r < rows; r++)
            data.h[r][j] += o->cost * (0.1f - m->q[j]);
    }
    apply(m, &rates, &data, &chain);
    for (int j = 0; j < H && o->limit > 0; j++) {
        float s[16] = {0};
        for (int i = 0; i < V; i++)
            s[i % 16] += m->w[j][i] * m->w[j][i];
        for (int width = 8; width > 0; width /= 2)
            for (int i = 0; i < width; i++)
                s[i] += s[i + width];
        const float norm = sqrtf(s[0]), factor = norm > o->limit ? o->limit / norm : 1;
        for (int i = 0; i < V; i++)
            m->w[j][i] *= factor;
    }
}

static const struct recipe recipes[] = {
    {"bernoulli", NNINIT_STREAM_PHILOX, 1, 0, false, false, false, 2e-4, 0, 0, 0},
    {"bernoulli:cd_steps=3,sample_visible=1,sample_positive=1,l1=0.01", NNINIT_STREAM_PHILOX, 3, 0, true, true, false, 2e-4, .01, 0, 0},
    {"bernoulli:cd_steps=2", NNINIT_STREAM_TORCH, 2, 0, false, false, false, 2e-4, 0, 0, 0},
    {"bernoulli:chains=5,weight_decay=0", NNINIT_STREAM_PHILOX, 1, CHAINS, true, false, false, 0, 0, 0, 0},
    {"bernoulli:chains=5,cd_steps=2,binarize=1", NNINIT_STREAM_TORCH, 2, CHAINS, true, false, true, 2e-4, 0, 0, 0},
    {"bernoulli:sparsity_cost=0.5,max_norm=0.3", NNINIT_STREAM_PHILOX, 1, 0, false, false, false, 2e-4, 0, .5f, .3f},
};

/* Seven epochs, so that the momentum changes: three batches each, the last one smaller. */
START_TEST(training_is_the_hand_written_update) {
    for (size_t k = 0; k < sizeof recipes / sizeof *recipes; k++) {
        static struct hand m;
        static float values[H * V];
        struct bench b;
        memset(&m, 0, sizeof m);
        bench_open(&b, recipes[k].text, recipes[k].stream);
        m.context = b.c;
        ck_assert_ok(b.c, nninit_generator_create(&m.g, b.c, recipes[k].stream, 5));
        ck_assert_ok(b.c, nninit_generator_normal(m.g, NNINIT_FLOAT32, m.w, H * V, 0, .01));
        for (int j = 0; j < H; j++)
            m.q[j] = .1f;
        for (int epoch = 0; epoch < 7; epoch++) {
            ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
            for (int first = 0; first < ROWS; first += BATCH)
                hand_step(&m, &recipes[k], b.x + first * V, ROWS - first < BATCH ? ROWS - first : BATCH, epoch < 5 ? .5f : .9f);
        }
        ck_assert_int_eq(nninit_rbm_epochs(b.rbm), 7);
        ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_weight(b.rbm), values, H * V));
        ck_assert_msg(memcmp(values, m.w, sizeof m.w) == 0, "%s: weights differ", recipes[k].text);
        ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_visible_bias(b.rbm), values, V));
        ck_assert_msg(memcmp(values, m.b, sizeof m.b) == 0, "%s: visible biases differ", recipes[k].text);
        ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_hidden_bias(b.rbm), values, H));
        ck_assert_msg(memcmp(values, m.c, sizeof m.c) == 0, "%s: hidden biases differ", recipes[k].text);
        bench_close(&b);
    }
}
END_TEST

/* A rate that falls to 0 in two epochs: six steps of 1, 5/6, … of it. With a momentum of 0 and constant sums a step is
 * proportional to its rate: a machine whose only gradient is L1's, of weights far above 0, moves by their sum. */
START_TEST(rates_fall) {
    struct bench b;
    static float before[H * V], after[H * V];
    bench_open(&b, "bernoulli:lr=0.01,lr_epochs=2,momentum=0,weight_decay=0,l1=1", NNINIT_STREAM_PHILOX);
    memset(b.x, 0, sizeof b.x);
    for (int i = 0; i < H * V; i++)
        before[i] = 4;
    const float bias[V] = {0};
    float low[V];
    for (int i = 0; i < V; i++)
        low[i] = -1000;
    ck_assert_ok(b.c, nninit_tensor_write(nninit_rbm_weight(b.rbm), before, H * V));
    ck_assert_ok(b.c, nninit_tensor_write(nninit_rbm_visible_bias(b.rbm), low, V)); /* all reconstructions are 0 */
    ck_assert_ok(b.c, nninit_tensor_write(nninit_rbm_hidden_bias(b.rbm), bias, H));
    const double sums[] = {.01 * (6 + 5 + 4) / 6, .01 * 21 / 6, .01 * 21 / 6};
    for (int epoch = 0; epoch < 3; epoch++) {
        ck_assert_ok(b.c, nninit_rbm_epoch(b.rbm, b.loader, NULL));
        ck_assert_ok(b.c, nninit_tensor_read(nninit_rbm_weight(b.rbm), after, H * V));
        ck_assert_double_eq_tol((double)after[17], 4 - sums[epoch], 2e-6);
    }
    bench_close(&b);
}
END_TEST

/* ---- what the program computes, against double ---- */

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
    bench_close(&b);
}
END_TEST

/* ---- sampling ---- */

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

/* 100,000 independent chains come to the machine's distribution: chi-square of 7 degrees of freedom at most (3 of labels),
 * 1 in 10^7 runs would be above 46.6 (36.2). */
START_TEST(chains_come_to_the_distribution) {
    enum { N = 20000 };
    static float v[3 * N];
    static const char *const texts[] = {"bernoulli", "bernoulli:labels=2"};
    static const nninit_stream streams[] = {NNINIT_STREAM_PHILOX, NNINIT_STREAM_TORCH};
    for (int k = 0; k < 4; k++) {
        nninit_context *c = suite_context();
        nninit_generator *g;
        double p[8], count[8] = {0}, chi = 0;
        const bool labels = k % 2;
        ck_assert_ok(c, nninit_generator_create(&g, c, streams[k / 2], 3));
        nninit_rbm *rbm = small_machine(c, texts[k % 2], g);
        memset(v, 0, sizeof v);
        for (int i = 1; i < 3 * N; i += 3)
            v[i] = 1;
        ck_assert_ok(c, nninit_rbm_sample(rbm, v, N, 60, NULL, NULL));
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
    ck_assert_ok(c, nninit_rbm_sample(rbm, v, N, 40, fixed, means));
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
    ck_assert_ok(c, nninit_rbm_sample(rbm, v, N, 60, NULL, NULL));
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
    nninit_rbm *rbm = small_machine(c, "bernoulli:chains=20000,cd_steps=60,momentum=0,weight_decay=0", g);
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

/* ---- annealed importance sampling ---- */

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
    double betas[200];
    for (int k = 0; k < 200; k++)
        betas[k] = k / 199.;
    for (int k = 0; k < 16; k++) {
        nninit_context *c = suite_context();
        nninit_generator *g;
        nninit_dataset *base;
        const double exact = small_log_z(k & 1, k & 2);
        ck_assert_ok(c, nninit_generator_create(&g, c, k & 8 ? NNINIT_STREAM_TORCH : NNINIT_STREAM_PHILOX, 9));
        ck_assert_ok(c, nninit_dataset_wrap(&base, c, NNINIT_FLOAT32, rows, NULL, 4, 3));
        nninit_rbm *rbm = small_machine(c, texts[k % 4], g);
        const nninit_rbm_ais_options options = {.size = sizeof options, .chains = 2000, .betas = betas, .temperatures = 200,
                                                .base = k & 4 ? base : NULL};
        nninit_rbm_ais_result r = {.size = sizeof r};
        ck_assert_ok(c, nninit_rbm_ais(rbm, &options, g, &r));
        ck_assert_msg(fabs(r.log_z - exact) <= 3 * r.standard_error, "%s: %g, %g exact, error %g", texts[k % 4], r.log_z, exact,
                      r.standard_error);
        ck_assert(r.standard_error < .02 && r.low < exact && exact < r.high);
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

/* ---- going on ---- */

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
    static const double rates[] = {1e38, 3e38};
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
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_WEIGHT_DECAY, 1e30));
        ck_assert_int_eq(nninit_rbm_epoch(b.rbm, b.loader, NULL), NNINIT_ERR_NUMERIC);
        ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "epoch 2"));
        ck_assert_ptr_nonnull(strstr(nninit_context_message(b.c), "step"));
        weights_of(&b, after);
        ck_assert_mem_eq(before, after, sizeof after);
        ck_assert_int_eq(nninit_rbm_epochs(b.rbm), 1);
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_LR, .1));
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_WEIGHT_DECAY, 2e-4));
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

/* ---- data ---- */

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
        const nninit_context_options options = {.size = sizeof options, .alloc = suite_count_alloc, .free = suite_count_free};
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

/* ---- the handle ---- */

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

SUITE(rbm, training_is_the_hand_written_update, rates_fall, means_and_errors, visible_bias_from_data,
      chains_come_to_the_distribution, kept_units_stay, the_step_follows_the_likelihood, gaussian_chains, annealing_finds_log_z,
      annealing_of_no_weights_is_exact, resumed_training_is_the_same, resume_refuses, nothing_is_lost_when_values_overflow,
      the_last_step_is_checked, callbacks_and_transformations, bad_data, steady_state_allocates_nothing, options, without_a_generator)
