/* SPDX-License-Identifier: MIT */
/* A step of a machine, written by hand from docs/numerics.md, and the rates of steps. */
#include "machine.h"

#include "law.h"

#include <math.h>

enum { CHAINS = 5, MOST = 20 };

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
    bool visible, positive, binarize, means; /* means: hidden ones drive reconstructions */
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
    if (o->positive || (!o->chains && !o->means))
        sample_h(m, &data);
    chain = data;
    if (o->chains) {
        chain.rows = o->chains;
        memcpy(chain.h, m->chains, sizeof m->chains);
    }
    for (int k = 0; k < o->steps; k++) {
        if (k > 0 && !o->means)
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
    {.text = "bernoulli", .stream = NNINIT_STREAM_PHILOX, .steps = 1, .decay = 2e-4},
    {.text = "bernoulli:cd_steps=3,sample_visible=1,sample_positive=1,l1=0.01", .stream = NNINIT_STREAM_PHILOX, .steps = 3,
     .visible = true, .positive = true, .decay = 2e-4, .l1 = .01},
    {.text = "bernoulli:cd_steps=2", .stream = NNINIT_STREAM_TORCH, .steps = 2, .decay = 2e-4},
    {.text = "bernoulli:cd_steps=2,sample_hidden=0", .stream = NNINIT_STREAM_PHILOX, .steps = 2, .means = true, .decay = 2e-4},
    {.text = "bernoulli:chains=5,weight_decay=0", .stream = NNINIT_STREAM_PHILOX, .steps = 1, .chains = CHAINS},
    {.text = "bernoulli:chains=5,cd_steps=2,binarize=1", .stream = NNINIT_STREAM_TORCH, .steps = 2, .chains = CHAINS,
     .binarize = true, .decay = 2e-4},
    {.text = "bernoulli:sparsity_cost=0.5,max_norm=0.3", .stream = NNINIT_STREAM_PHILOX, .steps = 1, .decay = 2e-4, .cost = .5f,
     .limit = .3f},
};

static void hand_open(struct hand *m, const struct bench *b, nninit_stream stream) {
    memset(m, 0, sizeof *m);
    m->context = b->c;
    ck_assert_ok(b->c, nninit_generator_create(&m->g, b->c, stream, 5));
    ck_assert_ok(b->c, nninit_generator_normal(m->g, NNINIT_FLOAT32, m->w, H * V, 0, .01));
    for (int j = 0; j < H; j++)
        m->q[j] = .1f;
}

/* An epoch of both: three batches, the last one smaller. */
static void both_epochs(struct hand *m, struct bench *b, const struct recipe *o, int epoch) {
    ck_assert_ok(b->c, nninit_rbm_epoch(b->rbm, b->loader, NULL));
    for (int first = 0; first < ROWS; first += BATCH)
        hand_step(m, o, b->x + first * V, ROWS - first < BATCH ? ROWS - first : BATCH, epoch < 5 ? .5f : .9f);
}

static void compare(const struct hand *m, const struct bench *b, const char *text) {
    static float values[H * V];
    ck_assert_ok(b->c, nninit_tensor_read(nninit_rbm_weight(b->rbm), values, H * V));
    ck_assert_msg(memcmp(values, m->w, sizeof m->w) == 0, "%s: weights differ", text);
    ck_assert_ok(b->c, nninit_tensor_read(nninit_rbm_visible_bias(b->rbm), values, V));
    ck_assert_msg(memcmp(values, m->b, sizeof m->b) == 0, "%s: visible biases differ", text);
    ck_assert_ok(b->c, nninit_tensor_read(nninit_rbm_hidden_bias(b->rbm), values, H));
    ck_assert_msg(memcmp(values, m->c, sizeof m->c) == 0, "%s: hidden biases differ", text);
}

/* Seven epochs, so that the momentum changes. */
START_TEST(training_is_the_hand_written_update) {
    for (size_t k = 0; k < sizeof recipes / sizeof *recipes; k++) {
        static struct hand m;
        struct bench b;
        bench_open(&b, recipes[k].text, recipes[k].stream);
        hand_open(&m, &b, recipes[k].stream);
        for (int epoch = 0; epoch < 7; epoch++)
            both_epochs(&m, &b, &recipes[k], epoch);
        ck_assert_int_eq(nninit_rbm_epochs(b.rbm), 7);
        compare(&m, &b, recipes[k].text);
        bench_close(&b);
    }
}
END_TEST

/* Options that are part of the program change between epochs: momenta and chains go on. */
START_TEST(options_change_on_the_way) {
    static struct hand m;
    struct bench b;
    struct recipe o = {.stream = NNINIT_STREAM_PHILOX, .steps = 1, .chains = CHAINS, .decay = 2e-4};
    bench_open(&b, "bernoulli:chains=5", o.stream);
    hand_open(&m, &b, o.stream);
    for (int epoch = 0; epoch < 6; epoch++) {
        o.steps = 1 + epoch / 2;
        float h[H];
        ck_assert_ok(b.c, nninit_rbm_set(b.rbm, NNINIT_RBM_CD_STEPS, o.steps));
        ck_assert_ok(b.c, nninit_rbm_up(b.rbm, b.x, 1, h)); /* the program that holds the chains may go now, they may not */
        both_epochs(&m, &b, &o, epoch);
        compare(&m, &b, "cd_steps grows");
    }
    bench_close(&b);
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

SUITE(rbm_step, training_is_the_hand_written_update, options_change_on_the_way, rates_fall)
