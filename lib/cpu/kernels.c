/* SPDX-License-Identifier: MIT */
/* Every kind, on a slice; compiled once for each instruction set, with LEVEL as the suffix of its table. Buffers have rows
 * padded to GROUP; their padding holds zeros wherever a product may read it. */
#include "lists.h"

#include "../host/fill.h"

#define F(operand) ((float *)(operand).data)
#define I(operand) ((int32_t *)(operand).data)
#define ROW(operand, b) (F(operand) + (b) * (operand).stride)
#define SLOT(operand) (*(float *)operand_slot(&(operand), step))
#define KERNEL(name)                                                                                                   \
    static void name(const struct task *t, int64_t step, const struct slice *s, const struct workspace *work)
#define UNUSED(x) ((void)(x))

/* Is x / divisor, for every byte x, what one correction of x * (1 / divisor) gives? For 255 and for powers of two it is. */
static bool bytes_divide(float divisor, float inverse) {
    bool equal = true;
    for (int x = 0; x < 256; x++) {
        float guess = (float)x * inverse, rest = fmaf(-guess, divisor, (float)x);
        equal &= fmaf(rest, inverse, guess) == (float)x / divisor;
    }
    return equal;
}

/* The next step's row is fetched meanwhile: rows in random order from memory that no cache holds. */
INLINE void prefetch_row(const struct task *t, int64_t step, int64_t b) {
    if (step + 1 >= t->in[1].rows)
        return;
    int64_t row = ((const int32_t *)operand_slot(&t->in[1], step + 1))[b], n = t->out[0].cols;
    const uint8_t *x = (const uint8_t *)t->in[0].data + (row < t->in[0].rows ? row : 0) * n;
    for (int64_t j = 0; j < n; j += 64)
        __builtin_prefetch(x + j, 0, 2);
    __builtin_prefetch(x + n - 1, 0, 2);
}

KERNEL(gather_u8) {
    UNUSED(work);
    const int32_t *index = operand_slot(&t->in[1], step);
    const int64_t n = t->out[0].cols, whole = n / WIDTH * WIDTH;
    const float divisor = t->node.arg.number, inverse = 1.0f / divisor;
    const vec d = vec_all(-divisor), r = vec_all(inverse);
    const bool quick = bytes_divide(divisor, inverse);
    for (int64_t b = s->b; b < s->b_end; b++) {
        const uint8_t *bytes = (const uint8_t *)t->in[0].data + index[b] * n;
        float *y = ROW(t->out[0], b);
        prefetch_row(t, step, b);
        for (int64_t j = 0; quick && j < whole; j += WIDTH) {
            vec x = vec_from_bytes(bytes + j), guess = vec_mul(x, r);
            vec_store(y + j, vec_fma(vec_fma(guess, d, x), r, guess));
        }
        for (int64_t j = quick ? whole : 0; j < n; j++)
            y[j] = (float)bytes[j] / divisor;
    }
}

KERNEL(gather_32) {
    UNUSED(work);
    const int32_t *index = operand_slot(&t->in[1], step);
    for (int64_t b = s->b; b < s->b_end; b++)
        memcpy(ROW(t->out[0], b), F(t->in[0]) + index[b] * t->out[0].cols, (size_t)t->out[0].cols * 4);
}

/* Lists of the non-zeros of some rows if they pay, else NULL. */
INLINE const uint8_t *lists_of(const struct product *p, int64_t b, int64_t b_end, float limit, const struct workspace *work) {
    int64_t rows = b_end - b, count = count_nonzeros(p->a + b * p->a_stride, p->a_stride, rows, p->n);
    if (!lists_pay(limit, count, rows * p->n))
        return NULL;
    list_rows(p, b, b_end, work->list);
    return work->list;
}

INLINE void piece(const struct product *p, int64_t b, int64_t b_end, int64_t o, int64_t left, const float *w, int64_t width,
                  const uint8_t *lists) {
    if (lists)
        list_piece(p, b, b_end, o, left, w, width, lists);
    else
        dense_piece(p, b, b_end, o, left, w, width);
}

/* y = x w^T: rows and outputs. */
INLINE void nt(const struct task *t, const float *bias, bool is_relu, const struct slice *s, const struct workspace *work) {
    const struct operand *w = &t->in[1];
    const struct product p = {F(t->in[0]), t->in[0].stride, F(t->out[0]), t->out[0].stride, w->cols,
                              {.bias = bias, .relu = is_relu}};
    for (int64_t b = s->b, b_end; b < s->b_end; b = b_end) {
        b_end = least(b + NT_ROWS, s->b_end);
        const uint8_t *lists = lists_of(&p, b, b_end, work->limits.forward, work);
        for (int64_t o = s->o, left; o < s->o_end; o += left) {
            left = panel_left(o, round_up(s->o_end, GROUP));
            piece(&p, b, b_end, o, left, F(*w) + panel_offset(w->cols, o), panel_width(w->rows, o), lists);
        }
    }
}

/* dx = dy w (, where y > 0): rows and inputs. */
INLINE void nn(const struct task *t, const struct operand *y, const struct slice *s, const struct workspace *work) {
    const struct operand *w = &t->in[1];
    const struct product p = {F(t->in[0]), t->in[0].stride, F(t->out[0]), t->out[0].stride, w->rows,
                              {.positive = y ? F(*y) : NULL, .positive_stride = y ? y->stride : 0}};
    for (int64_t b = s->b, b_end; b < s->b_end; b = b_end) {
        b_end = least(b + NN_ROWS, s->b_end);
        const uint8_t *lists = lists_of(&p, b, b_end, work->limits.backward, work);
        for (int64_t i = s->i; i < s->i_end; i += PANEL) {
            int64_t inputs = least(s->i_end - i, PANEL);
            transpose_strip(w, i, inputs, work->strip);
            piece(&p, b, b_end, i, round_up(inputs, GROUP), work->strip, PANEL, lists);
        }
    }
}

/* A product dw = dy^T x, a block of inputs at a time. */
struct tn_product {
    const struct operand *dy, *x;
    struct workspace work;
    bool listed; /* the block at hand */
};

INLINE void tn_block(struct tn_product *p, int64_t i, int64_t inputs) {
    const float *x = F(*p->x) + i;
    int64_t count = count_nonzeros(x, p->x->stride, p->x->rows, inputs);
    p->listed = lists_pay(p->work.limits.weights, count, p->x->rows * inputs);
    if (p->listed)
        list_block(&p->work, x, p->x->stride, p->x->rows, inputs);
}

/* The block's sums for at most PANEL outputs. */
INLINE void tn_sums(const struct tn_product *p, int64_t i, int64_t inputs, int64_t o, int64_t left, float *sum,
                    const struct ahead *ahead) {
    if (p->listed)
        list_sums(&p->work, F(*p->dy) + o, p->dy->stride, p->x->rows, inputs, left, sum, ahead);
    else
        dense_sums(F(*p->x) + i, p->x->stride, F(*p->dy) + o, p->dy->stride, p->x->rows, inputs, left, sum, ahead);
}

/* What a block and a panel have in common: inputs i …, outputs o …, their place in the packed weight. */
#define EACH_BLOCK(i, inputs, s)                                                                                       \
    for (int64_t i = (s)->i, inputs; i < (s)->i_end && ((inputs) = least((s)->i_end - i, BLOCK), true); i += inputs)
#define EACH_PANEL(o, left, s)                                                                                         \
    for (int64_t o = (s)->o, left; o < (s)->o_end && ((left) = panel_left(o, round_up((s)->o_end, GROUP)), true); o += left)

INLINE void tn(const struct task *t, const struct tn_target *target, const struct slice *s, const struct workspace *work) {
    const struct operand *dw = &t->out[0];
    struct tn_product p = {&t->in[0], &t->in[1], *work, false};
    float sum[BLOCK * PANEL];
    EACH_BLOCK(i, inputs, s) {
        tn_block(&p, i, inputs);
        EACH_PANEL(o, left, s) {
            int64_t width = panel_width(dw->rows, o), at = panel_offset(dw->cols, o) + i * width;
            const struct ahead ahead = target_ahead(target, at, width);
            tn_sums(&p, i, inputs, o, left, sum, &ahead);
            tn_finish(target, sum, inputs, left, at, width);
        }
    }
}

KERNEL(k_gemm_nt) {
    UNUSED(step);
    nt(t, NULL, false, s, work);
}

KERNEL(k_linear) {
    UNUSED(step);
    nt(t, F(t->in[2]), false, s, work);
}

KERNEL(k_linear_relu) {
    UNUSED(step);
    nt(t, F(t->in[2]), true, s, work);
}

KERNEL(k_gemm_nn) {
    UNUSED(step);
    nn(t, NULL, s, work);
}

KERNEL(k_gemm_nn_relu_gradient) {
    UNUSED(step);
    nn(t, &t->in[2], s, work);
}

KERNEL(k_gemm_tn) {
    UNUSED(step);
    const struct tn_target target = {.gradient = F(t->out[0])};
    tn(t, &target, s, work);
}

KERNEL(k_gemm_tn_adam) {
    const struct tn_target target = {NULL, F(t->out[0]), F(t->out[1]), F(t->out[2]), &t->node.arg.adam,
                                     SLOT(t->in[2]), SLOT(t->in[3]), SLOT(t->in[4])};
    tn(t, &target, s, work);
}

/* Two products at a time: the second one's lists lie behind the first one's. */
KERNEL(k_gemm_tn_contrast) {
    const struct operand *w = &t->out[0], *m = &t->out[1];
    struct tn_product data = {&t->in[0], &t->in[1], *work, false}, model = {&t->in[2], &t->in[3], *work, false};
    model.work.strip += tn_strip(t->in[1].rows);
    model.work.list += tn_list(t->in[1].rows);
    float sums[2][BLOCK * PANEL];
    struct law_contrast rates;
    memcpy(&rates, operand_slot(&t->in[4], step), sizeof rates);
    EACH_BLOCK(i, inputs, s) {
        tn_block(&data, i, inputs);
        tn_block(&model, i, inputs);
        EACH_PANEL(o, left, s) {
            int64_t width = panel_width(w->rows, o), at = panel_offset(w->cols, o) + i * width;
            const struct ahead ahead = {{F(*w) + at, F(*m) + at, F(*m) + at}, width};
            tn_sums(&data, i, inputs, o, left, sums[0], &ahead);
            tn_sums(&model, i, inputs, o, left, sums[1], &ahead);
            contrast_finish(&rates, sums[0], sums[1], inputs, left, F(*w) + at, F(*m) + at, width);
        }
    }
}

KERNEL(bias) {
    UNUSED(step), UNUSED(work);
    for (int64_t b = s->b; b < s->b_end; b++)
        for (int64_t o = 0; o < t->out[0].cols; o++)
            ROW(t->out[0], b)[o] = ROW(t->in[0], b)[o] + F(t->in[1])[o];
}

KERNEL(column_sum) {
    UNUSED(step), UNUSED(work);
    float *sum = F(t->out[0]);
    for (int64_t o = s->o; o < s->o_end; o++)
        sum[o] = 0.0f;
    for (int64_t b = 0; b < t->in[0].rows; b++) {
        const float *dy = ROW(t->in[0], b);
        for (int64_t o = s->o; o < s->o_end; o++)
            sum[o] += dy[o];
    }
}

#define ELEMENTWISE(name, expression)                                                                                  \
    KERNEL(name) {                                                                                                     \
        UNUSED(step), UNUSED(work);                                                                                 \
        const float slope = t->node.arg.number;                                                                        \
        UNUSED(slope);                                                                                                 \
        for (int64_t b = s->b; b < s->b_end; b++) {                                                                        \
            const float *X = ROW(t->in[0], b), *DY = ROW(t->in[1], b);                                                 \
            float *Y = ROW(t->out[0], b);                                                                              \
            UNUSED(DY);                                                                                                \
            for (int64_t j = 0; j < t->out[0].cols; j++) {                                                             \
                const float x = X[j];                                                                                  \
                Y[j] = expression;                                                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }

ELEMENTWISE(relu, law_relu(x))
ELEMENTWISE(leaky_relu, law_leaky_relu(x, slope))
ELEMENTWISE(sigmoid, law_sigmoid(x))
ELEMENTWISE(tanh_, law_tanh(x))
ELEMENTWISE(relu_gradient, x > 0.0f ? DY[j] : 0.0f)
ELEMENTWISE(leaky_relu_gradient, x > 0.0f ? DY[j] : slope * DY[j])
ELEMENTWISE(sigmoid_gradient, DY[j] * (x * (1.0f - x)))
ELEMENTWISE(tanh_gradient, DY[j] * (1.0f - x * x))
ELEMENTWISE(less, x < DY[j] ? 1.0f : 0.0f)
ELEMENTWISE(squared_error, (x - DY[j]) * (x - DY[j]))
ELEMENTWISE(squared_error_gradient, 2.0f * (x - DY[j]) / (float)(t->out[0].rows * t->out[0].cols))

ELEMENTWISE(add, x + DY[j])
ELEMENTWISE(select_, x != 0.0f ? DY[j] : ROW(t->in[2], b)[j])

KERNEL(scale) {
    UNUSED(work);
    const float factor = SLOT(t->in[1]);
    for (int64_t b = s->b; b < s->b_end; b++)
        for (int64_t j = 0; j < t->out[0].cols; j++)
            ROW(t->out[0], b)[j] = factor * ROW(t->in[0], b)[j];
}

KERNEL(softmax) {
    UNUSED(step), UNUSED(work);
    const int64_t first = t->node.arg.first;
    for (int64_t b = s->b; b < s->b_end; b++)
        law_softmax(ROW(t->in[0], b) + first, t->in[0].cols - first, ROW(t->out[0], b) + first);
}

KERNEL(pick) {
    UNUSED(step), UNUSED(work);
    const int64_t first = t->node.arg.first;
    for (int64_t b = s->b; b < s->b_end; b++)
        law_pick(ROW(t->in[0], b)[first], ROW(t->in[1], b) + first, t->in[1].cols - first, ROW(t->out[0], b) + first);
}

KERNEL(softplus_sum) {
    UNUSED(step), UNUSED(work);
    const int64_t n = t->in[0].cols, whole = n / 16 * 16;
    for (int64_t b = s->b; b < s->b_end; b++) {
        const float *x = ROW(t->in[0], b);
        float sum[16] = {0};
        for (int64_t j = 0; j < whole; j += 16)
            for (int k = 0; k < 16; k++)
                sum[k] += law_softplus(x[j + k]);
        for (int64_t j = whole; j < n; j++)
            sum[j % 16] += law_softplus(x[j]);
        *ROW(t->out[0], b) = law_fold(sum);
    }
}

KERNEL(cross_entropy) {
    UNUSED(step), UNUSED(work);
    for (int64_t b = s->b; b < s->b_end; b++)
        *ROW(t->out[0], b) = law_cross_entropy(ROW(t->in[0], b), t->in[0].cols, I(t->in[1])[b * t->in[1].stride]);
}

KERNEL(cross_entropy_gradient) {
    UNUSED(step), UNUSED(work);
    for (int64_t b = s->b; b < s->b_end; b++)
        law_cross_entropy_gradient(ROW(t->in[0], b), t->in[0].cols, I(t->in[1])[b * t->in[1].stride],
                                   (float)t->in[0].rows, ROW(t->out[0], b));
}

/* S over all elements in row-major order, without the padding. */
KERNEL(mean) {
    UNUSED(s), UNUSED(work);
    const int64_t n = t->in[0].cols;
    float sum[16] = {0};
    for (int64_t b = 0, i = 0; b < t->in[0].rows; b++) {
        const float *x = ROW(t->in[0], b);
        int64_t j = 0;
        for (; i % 16 == 0 && j + 16 <= n; j += 16)
            for (int k = 0; k < 16; k++)
                sum[k] += x[j + k];
        for (i += j; j < n; j++)
            sum[i++ % 16] += x[j];
    }
    SLOT(t->out[0]) = law_fold(sum) / (float)(t->in[0].rows * n);
}

/* Outputs of one panel are neighbours: EACH_RUN gives the place of each run of them in the slice of a packed tensor. */
#define EACH_RUN(operand, at, left)                                                                                    \
    for (int64_t o = s->o, left; o < s->o_end; o += left)                                                              \
        for (int64_t i = ((left) = panel_left(o, round_up(s->o_end, GROUP)), s->i), at;                                \
             i < s->i_end && ((at) = panel_offset((operand).cols, o) + i * panel_width((operand).rows, o), true); i++)

KERNEL(sgd) {
    UNUSED(work);
    const float lr = SLOT(t->in[1]), fresh = SLOT(t->in[2]);
    EACH_RUN(t->out[0], at, left)
    for (int64_t k = at; k < at + left; k++)
        law_sgd(&t->node.arg.sgd, lr, fresh, F(t->in[0])[k], F(t->out[0]) + k, t->out[1].data ? F(t->out[1]) + k : NULL);
}

KERNEL(adam) {
    UNUSED(work);
    const float size_ = SLOT(t->in[1]), root = SLOT(t->in[2]), shrink = SLOT(t->in[3]);
    EACH_RUN(t->out[0], at, left)
    for (int64_t k = at; k < at + left; k += WIDTH)
        adam_vec(&t->node.arg.adam, size_, root, shrink, vec_load(F(t->in[0]) + k), F(t->out[0]) + k, F(t->out[1]) + k,
                 F(t->out[2]) + k);
}

KERNEL(contrast) {
    UNUSED(work);
    struct law_contrast rates;
    memcpy(&rates, operand_slot(&t->in[2], step), sizeof rates);
    EACH_RUN(t->out[0], at, left)
    for (int64_t k = at; k < at + left; k += WIDTH)
        contrast_vec(&rates, vec_load(F(t->in[0]) + k), vec_load(F(t->in[1]) + k), F(t->out[0]) + k, F(t->out[1]) + k);
}

KERNEL(sparsity) {
    UNUSED(step), UNUSED(work);
    for (int64_t o = s->o; o < s->o_end; o++)
        law_sparsity(&t->node.arg.sparsity, F(t->in[0])[o], F(t->out[0]) + o, F(t->out[1]) + o);
}

/* A run of outputs at a time: their inputs lie `width` apart. */
KERNEL(max_norm) {
    UNUSED(step), UNUSED(work);
    const struct operand *w = &t->out[0];
    for (int64_t o = s->o; o < s->o_end; o += GROUP) {
        float *at = F(*w) + panel_offset(w->cols, o), sum[16][GROUP] = {{0}}, factor[GROUP];
        const int64_t width = panel_width(w->rows, o);
        for (int64_t i = 0; i < w->cols; i++)
            for (int j = 0; j < GROUP; j++)
                sum[i % 16][j] += at[i * width + j] * at[i * width + j];
        for (int j = 0; j < GROUP; j++) {
            float part[16];
            for (int k = 0; k < 16; k++)
                part[k] = sum[k][j];
            factor[j] = law_max_norm(law_fold(part), t->node.arg.number);
        }
        for (int64_t i = 0; i < w->cols; i++)
            for (int j = 0; j < GROUP; j++)
                at[i * width + j] *= factor[j];
    }
}

KERNEL(argmax) {
    UNUSED(step), UNUSED(work);
    for (int64_t b = s->b; b < s->b_end; b++)
        I(t->out[0])[b * t->out[0].stride] = law_argmax(ROW(t->in[0], b), t->in[0].cols);
}

KERNEL(count_equal) {
    UNUSED(s), UNUSED(work);
    int32_t count = 0;
    for (int64_t b = 0; b < t->in[0].rows; b++)
        count += I(t->in[0])[b * t->in[0].stride] == I(t->in[1])[b * t->in[1].stride];
    *(int32_t *)operand_slot(&t->out[0], step) = count;
}

#define FILL__(level) fill_##level
#define FILL_(level) FILL__(level)

/* Element i of a draw is that of row i / cols: rows are on their own. */
KERNEL(philox_uniform) {
    UNUSED(work);
    const int64_t cols = t->out[0].cols;
    uint64_t seed, draw;
    operand_draw(&t->in[0], step, &seed, &draw);
    for (int64_t b = s->b; b < s->b_end; b++)
        FILL_(LEVEL).philox_uniform(seed, draw, b * cols, ROW(t->out[0], b), cols, 0, 1);
}

KERNEL(philox_normal) {
    UNUSED(work);
    const int64_t cols = t->out[0].cols;
    uint64_t seed, draw;
    operand_draw(&t->in[0], step, &seed, &draw);
    for (int64_t b = s->b; b < s->b_end; b++)
        FILL_(LEVEL).philox_normal(seed, draw, b * cols, ROW(t->out[0], b), cols, 0, 1);
}

#define TABLE__(level) cpu_kernels_##level
#define TABLE_(level) TABLE__(level)

const cpu_kernel TABLE_(LEVEL)[KIND_COUNT] = {
    [KIND_GATHER_U8] = gather_u8,
    [KIND_GATHER_F32] = gather_32,
    [KIND_GATHER_I32] = gather_32,
    [KIND_GEMM_NT] = k_gemm_nt,
    [KIND_BIAS] = bias,
    [KIND_RELU] = relu,
    [KIND_LEAKY_RELU] = leaky_relu,
    [KIND_SIGMOID] = sigmoid,
    [KIND_TANH] = tanh_,
    [KIND_RELU_GRADIENT] = relu_gradient,
    [KIND_LEAKY_RELU_GRADIENT] = leaky_relu_gradient,
    [KIND_SIGMOID_GRADIENT] = sigmoid_gradient,
    [KIND_TANH_GRADIENT] = tanh_gradient,
    [KIND_CROSS_ENTROPY] = cross_entropy,
    [KIND_CROSS_ENTROPY_GRADIENT] = cross_entropy_gradient,
    [KIND_SQUARED_ERROR] = squared_error,
    [KIND_SQUARED_ERROR_GRADIENT] = squared_error_gradient,
    [KIND_MEAN] = mean,
    [KIND_GEMM_NN] = k_gemm_nn,
    [KIND_GEMM_TN] = k_gemm_tn,
    [KIND_COLUMN_SUM] = column_sum,
    [KIND_SGD] = sgd,
    [KIND_ADAM] = adam,
    [KIND_ARGMAX] = argmax,
    [KIND_COUNT_EQUAL] = count_equal,
    [KIND_PHILOX_UNIFORM] = philox_uniform,
    [KIND_PHILOX_NORMAL] = philox_normal,
    [KIND_LESS] = less,
    [KIND_ADD] = add,
    [KIND_SCALE] = scale,
    [KIND_SELECT] = select_,
    [KIND_SOFTMAX] = softmax,
    [KIND_PICK] = pick,
    [KIND_SOFTPLUS_SUM] = softplus_sum,
    [KIND_CONTRAST] = contrast,
    [KIND_SPARSITY] = sparsity,
    [KIND_MAX_NORM] = max_norm,
    [KIND_LINEAR] = k_linear,
    [KIND_LINEAR_RELU] = k_linear_relu,
    [KIND_GEMM_NN_RELU_GRADIENT] = k_gemm_nn_relu_gradient,
    [KIND_GEMM_TN_ADAM] = k_gemm_tn_adam,
    [KIND_GEMM_TN_CONTRAST] = k_gemm_tn_contrast,
};
