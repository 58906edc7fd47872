/* SPDX-License-Identifier: MIT */
#include "orthogonal.h"

#include "linalg.h"

#include <stdbool.h>

int64_t host_orthogonal_room(int64_t rows, int64_t cols) {
    if (rows < 0 || cols < 0 || (cols > 0 && rows > INT64_MAX / 2 / cols) || rows > INT64_MAX / 4 || cols > INT64_MAX / 4)
        return -1;
    return rows * cols + rows + cols;
}

static double load(nninit_dtype dtype, const void *values, int64_t i) {
    return dtype == NNINIT_FLOAT32 ? ((const float *)values)[i] : ((const double *)values)[i];
}

static void store(nninit_dtype dtype, void *values, int64_t i, double value) {
    if (dtype == NNINIT_FLOAT32)
        ((float *)values)[i] = (float)value;
    else
        ((double *)values)[i] = value;
}

/* Leave the matrix in room: [rows][cols] if that is tall, else its transpose. */
static void orthonormalize(nninit_dtype dtype, const void *values, int64_t rows, int64_t cols, double *room) {
    const bool wide = rows < cols;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            room[wide ? j * rows + i : i * cols + j] = load(dtype, values, i * cols + j);
    linalg_orthonormalize(room, wide ? cols : rows, wide ? rows : cols, room + rows * cols);
}

void host_orthogonal(nninit_dtype dtype, void *values, int64_t rows, int64_t cols, double gain, double *room) {
    const bool wide = rows < cols;
    if (rows == 0 || cols == 0)
        return;
    orthonormalize(dtype, values, rows, cols, room);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            store(dtype, values, i * cols + j, gain * room[wide ? j * rows + i : i * cols + j]);
}

void host_delta_orthogonal(nninit_dtype dtype, void *values, const int64_t *shape, int rank, double gain, double *room) {
    const int64_t taps = shape[0] * shape[1];
    int64_t field = 1, centre = 0;
    for (int i = 2; i < rank; i++) {
        field *= shape[i];
        centre = centre * shape[i] + (shape[i] - 1) / 2;
    }
    if (taps == 0 || field == 0)
        return;
    orthonormalize(dtype, values, shape[0], shape[1], room);
    for (int64_t i = 0; i < taps * field; i++)
        store(dtype, values, i, 0);
    for (int64_t i = 0; i < taps; i++)
        store(dtype, values, i * field + centre, gain * room[i]);
}
