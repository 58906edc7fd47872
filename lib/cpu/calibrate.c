/* SPDX-License-Identifier: MIT */
/* Where lists of non-zeros begin to pay depends on the processor: where tiles reach the peak of two wide multipliers, at
 * a third of non-zeros, elsewhere at more than a half. So it is measured before the first large program, in one or two
 * milliseconds, on products that are as large, for a core's caches, as those of a real layer. No bit depends on it. */
#include "cpu.h"

enum { ROWS = 64, INPUTS = 512, OUTPUTS = 128, STRIDE = INPUTS + GROUP, RUNS = 7 };

_Static_assert(ROWS * INPUTS * OUTPUTS == CALIBRATION_MULTIPLICATIONS, "the trial's size");

/* Everything that the three products touch. */
struct bench {
    float x[ROWS * STRIDE], dy[ROWS * STRIDE], w[OUTPUTS * INPUTS], out[ROWS * STRIDE], gradient[OUTPUTS * INPUTS];
    float strip[OUTPUTS * PANEL];
    uint8_t list[ROWS * (INPUTS / CHUNK) * CHUNK_ROOM];
};

static struct operand buffer(float *data, int64_t cols) {
    return (struct operand){data, ROWS, cols, STRIDE, PLACE_BUFFER, ELEMENT_F32};
}

static struct operand weight(float *data) {
    return (struct operand){data, OUTPUTS, INPUTS, INPUTS, PLACE_ARENA, ELEMENT_F32};
}

/* Every second one, on average, is zero. */
static void fill(float *values, int64_t count) {
    uint32_t seed = 1;
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        values[i] = seed >> 31 ? 1.0f : 0.0f;
    }
}

static int64_t time_of(struct bench *b, cpu_kernel kernel, const struct task *task, const struct slice *slice, float limit) {
    const struct workspace work = {b->strip, b->list, {limit, limit, limit}};
    int64_t start = nanoseconds();
    kernel(task, 0, slice, &work);
    return nanoseconds() - start;
}

/* The least times of some runs in turn. At half of non-zeros lists take theirs; it grows as their number does. */
static float limit_of(struct bench *b, cpu_kernel kernel, const struct task *task, const struct slice *slice) {
    int64_t dense = INT64_MAX, listed = INT64_MAX;
    for (int r = 0; r < RUNS; r++) {
        int64_t without = time_of(b, kernel, task, slice, LISTS_NEVER), with = time_of(b, kernel, task, slice, LISTS_ALWAYS);
        dense = least(dense, without);
        listed = least(listed, with);
    }
    return 0.5f * (float)dense / (float)(listed + 1);
}

nninit_status cpu_calibrate(struct limits *limits, const struct host *host, const cpu_kernel *kernels) {
    struct bench *b = host->alloc(host->context, sizeof *b);
    if (!b)
        return NNINIT_ERR_MEMORY;
    fill(b->x, ROWS * STRIDE);
    fill(b->dy, ROWS * STRIDE);
    const struct operand x = buffer(b->x, INPUTS), dy = buffer(b->dy, OUTPUTS), w = weight(b->w);
    const struct task forward = {.kind = KIND_GEMM_NT, .in = {x, w}, .out = {buffer(b->out, OUTPUTS)}};
    const struct task backward = {.kind = KIND_GEMM_NN, .in = {dy, w}, .out = {buffer(b->out, INPUTS)}};
    const struct task weights = {.kind = KIND_GEMM_TN, .in = {dy, x}, .out = {weight(b->gradient)}};
    const struct slice whole = {.b_end = ROWS, .i_end = INPUTS, .o_end = OUTPUTS};
    limits->forward = limit_of(b, kernels[KIND_GEMM_NT], &forward, &whole);
    limits->backward = limit_of(b, kernels[KIND_GEMM_NN], &backward, &whole);
    limits->weights = limit_of(b, kernels[KIND_GEMM_TN], &weights, &whole);
    host->free(host->context, b);
    return NNINIT_OK;
}
