/* SPDX-License-Identifier: MIT */
/* Rules whose weights are orthogonal: normals are drawn, then made so on the host (host/orthogonal.h). */
#include "fpenv.h"
#include "generator.h"
#include "host/orthogonal.h"
#include "initializer.h"

#include <math.h>

/* The weight as a matrix: its first dimension against all others. */
static int64_t columns_of(const int64_t *shape, int rank) {
    int64_t columns = 1;
    for (int i = 1; i < rank; i++)
        columns *= shape[i];
    return columns;
}

/* The lesser of rows and columns are of length gain, so that the mean square of an element is gain^2 / the greater. */
static void set_orthogonal(const nninit_initializer *init, double rows, double columns, double part, struct distribution *d) {
    double gain = fabs(init->option[NNINIT_INIT_GAIN]);
    *d = (struct distribution){
        DISTRIBUTION_STRUCTURED, 0, gain * sqrt(part / fmax(rows, columns)), -gain, gain, 0, 0};
}

nninit_status orthogonal_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                      struct distribution *d) {
    if (rank < 2)
        return context_fail(init->object.context, NNINIT_ERR_SHAPE, "orthogonal needs 2 dimensions or more, not %d", rank);
    set_orthogonal(init, (double)shape[0], (double)columns_of(shape, rank), 1, d);
    return NNINIT_OK;
}

nninit_status delta_orthogonal_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                            struct distribution *d) {
    nninit_context *context = init->object.context;
    if (rank < 3)
        return context_fail(context, NNINIT_ERR_SHAPE, "delta_orthogonal needs 3 dimensions or more, not %d", rank);
    if (shape[0] < shape[1])
        return context_fail(context, NNINIT_ERR_SHAPE, "delta_orthogonal needs as many outputs as inputs: %lld < %lld",
                            (long long)shape[0], (long long)shape[1]);
    double taps = (double)columns_of(shape, rank) / (double)shape[1];
    set_orthogonal(init, (double)shape[0], (double)shape[1], 1 / taps, d);
    return NNINIT_OK;
}

/* rows x columns normals, which the host makes orthogonal. */
static nninit_status fill_orthogonal(const struct filling *f, int64_t rows, int64_t columns, bool delta) {
    nninit_context *context = f->init->object.context;
    const double gain = f->init->option[NNINIT_INIT_GAIN];
    int64_t size = host_orthogonal_room(rows, columns);
    double *room = mem_array(context, size, sizeof *room); /* -1, an overflow, is refused there */
    if (!room)
        return NNINIT_ERR_MEMORY;
    nninit_status status = nninit_generator_normal(f->generator, f->dtype, f->values, rows * columns, 0, 1);
    fenv_t caller;
    fpenv_enter(&caller);
    if (status == NNINIT_OK && delta)
        host_delta_orthogonal(f->dtype, f->values, f->shape, f->rank, gain, room);
    else if (status == NNINIT_OK)
        host_orthogonal(f->dtype, f->values, rows, columns, gain, room);
    fpenv_leave(&caller);
    mem_free(context, room);
    return status;
}

nninit_status orthogonal_fill(const struct filling *f) {
    return fill_orthogonal(f, f->shape[0], columns_of(f->shape, f->rank), false);
}

nninit_status delta_orthogonal_fill(const struct filling *f) {
    return fill_orthogonal(f, f->shape[0], f->shape[1], true);
}
