/* SPDX-License-Identifier: MIT */
/* Filling: what is checked before anything is drawn, and the rules whose elements are each on their own. */
#include "initializer.h"

#include "fpenv.h"
#include "generator.h"
#include "host/truncated.h"
#include "tensor.h"

#include <float.h>
#include <math.h>
#include <string.h>

nninit_status initializer_count(nninit_context *context, const int64_t *shape, int rank, int64_t *count) {
    if (!shape || rank < 1 || rank > NNINIT_MAX_RANK)
        return context_fail(context, shape ? NNINIT_ERR_SHAPE : NNINIT_ERR_INVALID,
                            "shape is NULL, or its rank (%d) is not 1 to %d", rank, NNINIT_MAX_RANK);
    *count = 1;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0 || (shape[i] > 0 && *count > INT64_MAX / 16 / shape[i]))
            return context_fail(context, NNINIT_ERR_SHAPE, "shape[%d] is %lld: negative, or the product overflows", i,
                                (long long)shape[i]);
        *count *= shape[i];
    }
    return NNINIT_OK;
}

/* The largest finite number of a type; 0 for one that is not filled. */
static double type_limit(nninit_dtype dtype) {
    switch (dtype) {
    case NNINIT_FLOAT32: return FLT_MAX;
    case NNINIT_FLOAT64: return DBL_MAX;
    case NNINIT_FLOAT16: return 65504;
    case NNINIT_BFLOAT16: return 0x1.fep127;
    default: return 0;
    }
}

static bool is_beyond(double value, double limit) {
    return isfinite(value) && fabs(value) > limit;
}

static nninit_status check_range(nninit_context *context, const struct distribution *d, double limit) {
    if (d->kind == DISTRIBUTION_UNIFORM && !(d->low <= d->high))
        return context_fail(context, NNINIT_ERR_INVALID, "low is %g, above high, %g", d->low, d->high);
    if (is_beyond(d->low, limit) || is_beyond(d->high, limit) || is_beyond(d->location, limit) ||
        is_beyond(d->scale, limit / 2))
        return context_fail(context, NNINIT_ERR_INVALID, "values from %g to %g do not fit the type, which ends at %g",
                            d->low, d->high, limit);
    return NNINIT_OK;
}

static void fill_constant(const struct filling *f, double value) {
    for (int64_t i = 0; i < f->count; i++)
        real_set(f->dtype, f->values, i, value);
}

static nninit_status fill_torch_truncated(const struct filling *f, const struct distribution *d) {
    double from, to;
    bool fused = generator_is_fused(f->generator);
    truncated_torch_range(d->location, d->scale, d->low, d->high, &from, &to);
    nninit_status status = nninit_generator_uniform(f->generator, f->dtype, f->values, f->count, from, to);
    if (status < 0)
        return status;
    if (f->dtype == NNINIT_FLOAT32)
        truncated_torch_f32(f->values, f->count, d->location, d->scale, d->low, d->high, fused);
    else
        truncated_torch_f64(f->values, f->count, d->location, d->scale, d->low, d->high, fused);
    return NNINIT_OK;
}

static void fill_truncated(const struct filling *f, const struct distribution *d) {
    enum { PIECE = 256 };
    double x[PIECE];
    for (int64_t at = 0; at < f->count; at += PIECE) {
        int64_t n = f->count - at < PIECE ? f->count - at : PIECE;
        generator_unit(f->generator, NNINIT_FLOAT64, x, n);
        truncated_from_uniform(x, n, d->location, d->scale, d->low, d->high);
        for (int64_t i = 0; i < n; i++)
            real_set(f->dtype, f->values, at + i, x[i]);
    }
}

static nninit_status fill_reals(const struct filling *f, const struct distribution *d) {
    const struct initializer_rule *rule = &initializer_rules[f->init->kind];
    if (rule->fill)
        return rule->fill(f);
    switch (d->kind) {
    case DISTRIBUTION_UNIFORM:
        return nninit_generator_uniform(f->generator, f->dtype, f->values, f->count, d->low, d->high);
    case DISTRIBUTION_NORMAL:
        return nninit_generator_normal(f->generator, f->dtype, f->values, f->count, d->mean, d->std);
    case DISTRIBUTION_TRUNCATED:
        if (f->init->kind == NNINIT_INIT_TRUNC_NORMAL)
            return fill_torch_truncated(f, d);
        fill_truncated(f, d);
        return NNINIT_OK;
    default: fill_constant(f, d->mean); return NNINIT_OK;
    }
}

/* To nearest, ties to even; bit patterns. Beyond the largest number: infinity. */
static uint16_t to_float16(float value) {
    uint32_t u, sign, rest;
    memcpy(&u, &value, sizeof u);
    sign = u >> 16 & 0x8000;
    u &= 0x7fffffff;
    if (u > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (u >= 0x47800000) /* 2^16 */
        return (uint16_t)(sign | 0x7c00);
    if (u < 0x33000000) /* 2^-25: half of the smallest number */
        return (uint16_t)sign;
    uint32_t exponent = u >> 23, shift = exponent < 113 ? 126 - exponent : 13;
    uint32_t mantissa = exponent < 113 ? (u & 0x7fffff) | 0x800000 : u - (112u << 23);
    uint32_t half = mantissa >> shift;
    rest = mantissa & ((1u << shift) - 1);
    half += rest > 1u << (shift - 1) || (rest == 1u << (shift - 1) && (half & 1));
    return (uint16_t)(sign | half);
}

static uint16_t to_bfloat16(float value) {
    uint32_t u;
    memcpy(&u, &value, sizeof u);
    if ((u & 0x7fffffff) > 0x7f800000)
        return 0x7fc0;
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static nninit_status fill_halves(const struct filling *f, const struct distribution *d, nninit_dtype dtype) {
    nninit_context *context = f->init->object.context;
    struct filling reals = *f;
    float *room = mem_array(context, f->count, sizeof *room);
    if (!room)
        return NNINIT_ERR_MEMORY;
    reals.dtype = NNINIT_FLOAT32;
    reals.values = room;
    nninit_status status = fill_reals(&reals, d);
    for (int64_t i = 0; i < f->count && status == NNINIT_OK; i++)
        ((uint16_t *)f->values)[i] = dtype == NNINIT_FLOAT16 ? to_float16(room[i]) : to_bfloat16(room[i]);
    mem_free(context, room);
    return status;
}

nninit_status nninit_initializer_fill(const nninit_initializer *initializer, nninit_dtype dtype, void *values,
                                      const int64_t *shape, int rank, nninit_generator *generator) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    int64_t count = 0;
    struct distribution d;
    if (type_limit(dtype) == 0)
        return context_fail(context, NNINIT_ERR_INVALID, "dtype %d; it must be a type of real numbers", (int)dtype);
    nninit_status status = initializer_count(context, shape, rank, &count);
    if (status == NNINIT_OK)
        status = initializer_distribution(initializer, shape, rank, &d);
    if (status < 0)
        return status;
    if ((initializer_rules[initializer->kind].draws && !generator) || (generator && generator->object.context != context))
        return context_fail(context, NNINIT_ERR_INVALID, "the generator is NULL, or belongs to another context");
    if (count == 0) /* before the bounds are looked at: a fan of 0 makes them infinite, or not a number */
        return NNINIT_OK;
    if (!values)
        return context_fail(context, NNINIT_ERR_INVALID, "values is NULL");
    status = check_range(context, &d, type_limit(dtype));
    if (status < 0)
        return status;
    struct filling f = {initializer, dtype, values, shape, rank, count, generator};
    fenv_t caller;
    fpenv_enter(&caller);
    status = dtype == NNINIT_FLOAT32 || dtype == NNINIT_FLOAT64 ? fill_reals(&f, &d) : fill_halves(&f, &d, dtype);
    fpenv_leave(&caller);
    return status;
}

nninit_status nninit_initializer_apply(const nninit_initializer *initializer, nninit_tensor *tensor,
                                       nninit_generator *generator) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    if (!tensor || tensor->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the tensor is NULL, or belongs to another context");
    float *values = mem_array(context, tensor->count, sizeof *values);
    if (!values)
        return NNINIT_ERR_MEMORY;
    nninit_status status =
        nninit_initializer_fill(initializer, NNINIT_FLOAT32, values, tensor->shape, tensor->rank, generator);
    if (status == NNINIT_OK)
        status = nninit_tensor_write(tensor, values, tensor->count);
    mem_free(context, values);
    return status;
}
