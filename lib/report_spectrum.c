/* SPDX-License-Identifier: MIT */
/* Singular values of weights, and of the Jacobians d outputs / d x in one row: J = W diag(f') W diag(f') … W. */
#include "report.h"

#include "host/linalg.h"

#include <math.h>
#include <string.h>

/* The singular values of r->matrix [rows, columns], which is destroyed; none where it is not finite. */
static nninit_status spectrum(struct reporting *r, int64_t rows, int64_t columns, const double **out, int64_t *count) {
    for (int64_t i = 0; i < rows * columns; i++)
        if (!isfinite(r->matrix[i]))
            return NNINIT_OK;
    int64_t least = rows < columns ? rows : columns;
    double *values = mem_array(r->context, least, sizeof *values);
    double *room = mem_array(r->context, rows + columns, sizeof *room);
    if (values && room)
        linalg_singular_values(r->matrix, rows, columns, values, room);
    mem_free(r->context, room);
    *out = values;
    *count = values ? least : 0;
    return values && room ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

static nninit_status weight_spectrum(struct reporting *r, const nninit_layer *leaf, nninit_report_layer *layer) {
    const int64_t rows = leaf->outputs, columns = leaf->inputs;
    for (int64_t i = 0; i < rows * columns; i++)
        r->matrix[i] = r->weight[i];
    nninit_status status = spectrum(r, rows, columns, &layer->weight_spectrum, &layer->weight_spectrum_count);
    if (status < 0 || layer->weight_spectrum_count == 0)
        return status;
    const double *values = layer->weight_spectrum;
    layer->weight_rank = 0;
    for (int64_t i = 0; i < layer->weight_spectrum_count; i++)
        layer->weight_rank += values[i] > values[0] * (double)(rows > columns ? rows : columns) * 0x1p-23;
    return NNINIT_OK;
}

/* r->jacobian = W r->jacobian, whose rows have `inputs` elements. */
static void multiply(struct reporting *r, const nninit_layer *leaf, int64_t inputs) {
    double *product = r->product;
    memset(product, 0, (size_t)(leaf->outputs * inputs) * sizeof *product);
    for (int64_t o = 0; o < leaf->outputs; o++)
        for (int64_t k = 0; k < leaf->inputs; k++) {
            const double w = r->weight[o * leaf->inputs + k], *row = r->jacobian + k * inputs;
            for (int64_t i = 0; i < inputs; i++)
                product[o * inputs + i] += w * row[i];
        }
    r->product = r->jacobian;
    r->jacobian = product;
}

/* Before the first linear layer the Jacobian is diagonal: sums [inputs]. */
static void begin(struct reporting *r, const nninit_layer *leaf) {
    for (int64_t o = 0; o < leaf->outputs; o++)
        for (int64_t i = 0; i < leaf->inputs; i++)
            r->jacobian[o * leaf->inputs + i] = r->weight[o * leaf->inputs + i] * r->sums[i];
}

static void through_activation(struct reporting *r, const nninit_layer *leaf, const nninit_report_layer *layer,
                               double *rows, int64_t inputs) {
    const float *y = layer->outputs + r->options.row * layer->units;
    for (int64_t u = 0; u < layer->units; u++)
        for (int64_t i = 0; i < inputs; i++)
            rows[u * inputs + i] *= report_derivative(leaf, y[u]);
}

nninit_status report_spectra(struct reporting *r) {
    const int64_t inputs = r->model->inputs;
    nninit_status status = NNINIT_OK;
    bool begun = false;
    for (int64_t i = 0; i < inputs; i++)
        r->sums[i] = 1;
    for (int k = 0; k < r->report->layer_count && status == NNINIT_OK; k++) {
        const nninit_layer *leaf = r->leaves[k];
        nninit_report_layer *layer = &r->report->layers[k];
        if (leaf->kind != LAYER_LINEAR) {
            through_activation(r, leaf, layer, begun ? r->jacobian : r->sums, begun ? inputs : 1);
        } else {
            status = storage_read(leaf->parameters[0]->storage, r->weight);
            if (status == NNINIT_OK)
                status = weight_spectrum(r, leaf, layer);
            if (begun)
                multiply(r, leaf, inputs);
            else
                begin(r, leaf);
            begun = true;
        }
        if (status < 0 || !begun)
            continue;
        memcpy(r->matrix, r->jacobian, (size_t)(layer->units * inputs) * sizeof *r->matrix);
        status = spectrum(r, layer->units, inputs, &layer->jacobian_spectrum, &layer->jacobian_spectrum_count);
    }
    return status;
}
