/* SPDX-License-Identifier: MIT */
/* One layer's numbers, in double, each sum in the order of memory. */
#include "report.h"

#include "host/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double report_derivative(const nninit_layer *leaf, float y) {
    if (leaf->kind == LAYER_LINEAR)
        return 1;
    switch (leaf->activation) {
    case NNINIT_SIGMOID: return (double)y * (1 - (double)y);
    case NNINIT_TANH: return 1 - (double)y * y;
    case NNINIT_LEAKY_RELU: return y > 0 ? 1 : leaf->slope;
    default: return y > 0;
    }
}

double report_signal(const float *values, int64_t rows, int64_t columns, double *sums) {
    double *mean = sums, *squares = sums + columns, total = 0;
    memset(sums, 0, (size_t)(2 * columns) * sizeof *sums);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t u = 0; u < columns; u++)
            mean[u] += values[r * columns + u];
    for (int64_t u = 0; u < columns; u++)
        mean[u] /= (double)rows;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t u = 0; u < columns; u++) {
            double away = values[r * columns + u] - mean[u];
            squares[u] += away * away;
        }
    for (int64_t u = 0; u < columns; u++)
        total += squares[u] / (double)rows;
    return total / (double)columns;
}

static double norm(const float *values, int64_t count) {
    double squares = 0;
    for (int64_t i = 0; i < count; i++)
        squares += (double)values[i] * values[i];
    return sqrt(squares);
}

static void range(const float *values, int64_t count, double *min, double *max) {
    float low = values[0], high = values[0];
    for (int64_t i = 1; i < count; i++) {
        low = values[i] < low || isnan(values[i]) ? values[i] : low;
        high = values[i] > high || isnan(values[i]) ? values[i] : high;
    }
    *min = low;
    *max = high;
}

/* Shares of units whose derivative is 0 in all rows, and of outputs where it is below .05 of its greatest. */
static void measure_derivatives(struct reporting *r, const nninit_layer *leaf, nninit_report_layer *layer) {
    const int64_t rows = r->report->rows, units = layer->units;
    const bool active = leaf->kind == LAYER_ACTIVATION, sigmoid = active && leaf->activation == NNINIT_SIGMOID;
    const bool bounded = sigmoid || (active && leaf->activation == NNINIT_TANH);
    const double flat = 0.05 * (sigmoid ? 0.25 : 1);
    int64_t saturated = 0, dead = 0;
    memset(r->marks, 0, (size_t)units * sizeof *r->marks);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t u = 0; u < units; u++) {
            double derivative = report_derivative(leaf, layer->outputs[i * units + u]);
            r->marks[u] |= derivative != 0;
            saturated += bounded && derivative < flat;
        }
    for (int64_t u = 0; u < units; u++)
        dead += !r->marks[u];
    layer->dead = (double)dead / (double)units;
    layer->saturated = (double)saturated / (double)(rows * units);
}

/* Mix the bits of a value into a mark; 0 and -0 are the same. */
static uint64_t mix(uint64_t mark, float value) {
    uint32_t bits;
    value += 0.0f;
    memcpy(&bits, &value, sizeof bits);
    mark = (mark ^ bits) * 0x9e3779b97f4a7c15u;
    return mark ^ mark >> 32;
}

static void mix_columns(uint64_t *marks, const float *values, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t u = 0; u < columns; u++)
            marks[u] = mix(marks[u], values[i * columns + u]);
}

static void mix_rows(uint64_t *marks, const float *values, int64_t rows, int64_t columns) {
    for (int64_t u = 0; u < rows; u++)
        for (int64_t i = 0; i < columns; i++)
            marks[u] = mix(marks[u], values[u * columns + i]);
}

static int compare_marks(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Units are alike if their weights (of a linear layer, in r->weight), outputs and gradients are, to the bit. */
static int64_t count_distinct(struct reporting *r, const nninit_layer *leaf, const nninit_report_layer *layer) {
    memset(r->marks, 0, (size_t)layer->units * sizeof *r->marks);
    if (leaf->kind == LAYER_LINEAR)
        mix_rows(r->marks, r->weight, leaf->outputs, leaf->inputs);
    mix_columns(r->marks, layer->outputs, r->report->rows, layer->units);
    if (layer->gradients)
        mix_columns(r->marks, layer->gradients, r->report->rows, layer->units);
    qsort(r->marks, (size_t)layer->units, sizeof *r->marks, compare_marks);
    int64_t distinct = 1;
    for (int64_t u = 1; u < layer->units; u++)
        distinct += r->marks[u] != r->marks[u - 1];
    return distinct;
}

static nninit_status measure_weight(struct reporting *r, const nninit_layer *leaf, nninit_report_layer *layer) {
    const nninit_optimizer *optimizer = r->options.optimizer;
    const struct storage *storage = leaf->parameters[0]->storage;
    const int64_t count = storage->rows * storage->cols;
    const int position = layer_position(r->model, storage);
    nninit_status status = storage_read(storage, r->weight);
    if (status == NNINIT_OK)
        status = arena_read(r->model->gradient_arena, position, r->gradient);
    if (status < 0)
        return status;
    layer->distinct = count_distinct(r, leaf, layer);
    layer->weight_norm = norm(r->weight, count);
    layer->weight_gradient_norm = norm(r->gradient, count);
    if (!optimizer)
        return NNINIT_OK;
    status = optimizer_preview(optimizer, position, count, r->gradient, r->weight, r->m, r->v);
    if (status == NNINIT_OK)
        status = storage_read(storage, r->gradient); /* the weight before the update */
    double squares = 0;
    for (int64_t i = 0; i < count; i++) {
        double change = (double)r->weight[i] - r->gradient[i];
        squares += change * change;
    }
    layer->update_ratio = sqrt(squares) / layer->weight_norm;
    return status;
}

nninit_status report_measure(struct reporting *r, int index) {
    nninit_report_layer *layer = &r->report->layers[index];
    const nninit_layer *leaf = r->leaves[index];
    const int64_t count = r->report->rows * layer->units;
    statistics_moments(layer->outputs, count, &layer->mean, &layer->variance);
    layer->signal = report_signal(layer->outputs, r->report->rows, layer->units, r->sums);
    range(layer->outputs, count, &layer->min, &layer->max);
    measure_derivatives(r, leaf, layer);
    layer->gradient_mean = layer->gradient_variance = layer->gradient_norm = NAN;
    layer->weight_norm = layer->weight_gradient_norm = layer->update_ratio = NAN;
    layer->weight_rank = -1;
    if (layer->gradients) {
        statistics_moments(layer->gradients, count, &layer->gradient_mean, &layer->gradient_variance);
        layer->gradient_norm = norm(layer->gradients, count);
    }
    if (leaf->kind == LAYER_LINEAR)
        return measure_weight(r, leaf, layer);
    layer->distinct = count_distinct(r, leaf, layer);
    return NNINIT_OK;
}
