/* SPDX-License-Identifier: MIT */
/* The public draws, and PyTorch's CPU streams: how words become numbers (ATen/core/DistributionsHelper.h,
 * native/cpu/DistributionTemplates.h). generator_counted.c has what the counter-based streams draw. */
#include "generator.h"

#include "fpenv.h"
#include "host/torch_normal.h"

#include <math.h>
#include <string.h>

static const struct object_type generator_type = {"generator", NULL, NULL};

nninit_status nninit_generator_create(nninit_generator **out, nninit_context *context, nninit_stream stream,
                                      uint64_t seed) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
    if (stream < NNINIT_STREAM_TORCH || stream > NNINIT_STREAM_CURAND)
        return context_fail(context, NNINIT_ERR_INVALID, "stream %d is unknown", (int)stream);
    nninit_generator *generator = object_create(context, &generator_type, sizeof *generator);
    if (!generator)
        return NNINIT_ERR_MEMORY;
    generator->stream = stream;
    generator->counted =
        stream == NNINIT_STREAM_PHILOX ? &philox_counted : stream == NNINIT_STREAM_CURAND ? &curand_counted : NULL;
    generator->fill = fill_choose();
    nninit_generator_seed(generator, seed);
    *out = generator;
    return NNINIT_OK;
}

void nninit_generator_destroy(nninit_generator **generator) {
    if (!generator)
        return;
    object_drop(*generator);
    *generator = NULL;
}

nninit_status nninit_generator_seed(nninit_generator *generator, uint64_t seed) {
    if (!generator)
        return NNINIT_ERR_INVALID;
    mt19937_seed(&generator->mt, seed);
    generator->has_next_normal = generator->has_next_float_normal = false;
    generator->next_normal = 0;
    generator->next_float_normal = 0;
    generator->philox.seed = generator->curand.seed = seed;
    generator->philox.draw = generator->curand.next = 0;
    generator->curand.doubles = false;
    return NNINIT_OK;
}

/* NNINIT_OK if a draw may go on: else the failure, with its message. */
static nninit_status generator_check(const nninit_generator *generator, nninit_dtype dtype, const void *values,
                                     int64_t count) {
    if (!generator)
        return NNINIT_ERR_INVALID;
    nninit_context *context = generator->object.context;
    if (dtype != NNINIT_FLOAT32 && dtype != NNINIT_FLOAT64)
        return context_fail(context, NNINIT_ERR_INVALID, "dtype %d; it must be float32 or float64", (int)dtype);
    if (count < 0 || (count > 0 && !values))
        return context_fail(context, NNINIT_ERR_INVALID, "values is NULL, or count (%lld) is negative",
                            (long long)count);
    return NNINIT_OK;
}

static float uniform24(nninit_generator *generator) {
    return (float)(mt19937_draw(&generator->mt) & 0xffffff) * 0x1p-24f;
}

static double uniform53(nninit_generator *generator) {
    return (double)(mt19937_draw64(&generator->mt) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

static void fill_uniform_f64(nninit_generator *generator, double *x, int64_t count, double low, double width) {
    for (int64_t i = 0; i < count; i++)
        x[i] = generator_is_fused(generator) ? fma(uniform53(generator), width, low) : uniform53(generator) * width + low;
}

nninit_status nninit_generator_uniform(nninit_generator *generator, nninit_dtype dtype, void *values, int64_t count,
                                       double low, double high) {
    nninit_status status = generator_check(generator, dtype, values, count);
    if (status < 0)
        return status;
    double limit = dtype == NNINIT_FLOAT32 ? 3.4028234663852886e38 : 1.7976931348623157e308;
    if (!(low >= -limit && low <= high && high <= limit && high - low <= limit))
        return context_fail(generator->object.context, NNINIT_ERR_INVALID,
                            "bounds %g and %g; they must be finite, in order, and within the type's range", low, high);
    fenv_t caller;
    fpenv_enter(&caller);
    low = fpenv_opaque(low);
    high = fpenv_opaque(high);
    if (generator->counted)
        generator->counted->uniform(generator, dtype, values, count, low, high);
    else if (dtype == NNINIT_FLOAT32)
        generator->fill->uniform(&generator->mt, values, count, (float)low, (float)high - (float)low,
                                 generator_is_fused(generator));
    else
        fill_uniform_f64(generator, values, count, low, high - low);
    fpenv_leave(&caller);
    return NNINIT_OK;
}

void generator_unit(nninit_generator *generator, nninit_dtype dtype, void *values, int64_t count) {
    if (generator->counted)
        counted_unit(generator, dtype, values, count);
    else if (dtype == NNINIT_FLOAT32)
        generator->fill->uniform(&generator->mt, values, count, 0, 1, generator_is_fused(generator));
    else
        fill_uniform_f64(generator, values, count, 0, 1);
}

/* One at a time, in double whatever the type. */
static double normal_single(nninit_generator *generator, double mean, double std) {
    double z;
    if (generator->has_next_normal) {
        z = generator->next_normal;
        generator->has_next_normal = false;
        generator->next_normal = 0;
    } else {
        double u1 = uniform53(generator), u2 = uniform53(generator);
        double radius = sqrt(-2 * log(1 - u2)), angle = 2 * 3.14159265358979323846 * u1;
        generator->next_normal = radius * sin(angle);
        generator->has_next_normal = true;
        z = radius * cos(angle);
    }
    return generator_is_fused(generator) ? fma(z, std, mean) : z * std + mean;
}

static void fill_blocks_f32(nninit_generator *generator, float *x, int64_t count, float mean, float std) {
    if (generator_is_fused(generator)) {
        generator->fill->normal(&generator->mt, x, count, mean, std);
    } else {
        generator->fill->uniform(&generator->mt, x, count, 0, 1, false);
        torch_normal_f32(x, count / TORCH_BLOCK, mean, std);
    }
}

/* Blocks of 16; a remainder is drawn anew into the last 16 places. */
static void fill_normal_f32(nninit_generator *generator, float *x, int64_t count, float mean, float std) {
    fill_blocks_f32(generator, x, count, mean, std);
    if (count % TORCH_BLOCK)
        fill_blocks_f32(generator, x + count - TORCH_BLOCK, TORCH_BLOCK, mean, std);
}

static void fill_normal_f64(nninit_generator *generator, double *x, int64_t count, double mean, double std) {
    fill_uniform_f64(generator, x, count, 0, 1);
    torch_normal_f64(x, count / TORCH_BLOCK, mean, std, generator_is_fused(generator));
    if (count % TORCH_BLOCK) {
        x += count - TORCH_BLOCK;
        fill_uniform_f64(generator, x, TORCH_BLOCK, 0, 1);
        torch_normal_f64(x, 1, mean, std, generator_is_fused(generator));
    }
}

nninit_status nninit_generator_normal(nninit_generator *generator, nninit_dtype dtype, void *values, int64_t count,
                                      double mean, double std) {
    nninit_status status = generator_check(generator, dtype, values, count);
    if (status < 0)
        return status;
    if (!isfinite(mean) || !isfinite(std) || std < 0)
        return context_fail(generator->object.context, NNINIT_ERR_INVALID,
                            "mean %g and std %g; both must be finite and std at least 0", mean, std);
    fenv_t caller;
    fpenv_enter(&caller);
    mean = fpenv_opaque(mean);
    std = fpenv_opaque(std);
    bool f32 = dtype == NNINIT_FLOAT32;
    if (generator->counted)
        generator->counted->normal(generator, dtype, values, count, mean, std);
    else if (count < TORCH_BLOCK)
        for (int64_t i = 0; i < count; i++) {
            double z = normal_single(generator, mean, std);
            if (f32)
                ((float *)values)[i] = (float)z;
            else
                ((double *)values)[i] = z;
        }
    else if (f32)
        fill_normal_f32(generator, values, count, (float)mean, (float)std);
    else
        fill_normal_f64(generator, values, count, mean, std);
    fpenv_leave(&caller);
    return NNINIT_OK;
}

int64_t generator_random(nninit_generator *generator) {
    int64_t value;
    if (!generator->counted)
        return (int64_t)(mt19937_draw64(&generator->mt) & INT64_MAX);
    counted_random(generator, &value, 1);
    return value;
}

nninit_status nninit_generator_random(nninit_generator *generator, int64_t *values, int64_t count) {
    nninit_status status = generator_check(generator, NNINIT_FLOAT64, values, count);
    if (status < 0)
        return status;
    if (generator->counted)
        counted_random(generator, values, count);
    else
        for (int64_t i = 0; i < count; i++)
            values[i] = generator_random(generator);
    return NNINIT_OK;
}

nninit_status nninit_generator_randint(nninit_generator *generator, int64_t *values, int64_t count, int64_t low,
                                       int64_t high) {
    nninit_status status = generator_check(generator, NNINIT_FLOAT64, values, count);
    if (status < 0)
        return status;
    uint64_t range = (uint64_t)high - (uint64_t)low;
    if (low >= high || range > INT64_MAX)
        return context_fail(generator->object.context, NNINIT_ERR_INVALID,
                            "bounds %lld and %lld; low must be below high, and both less than 2^63 apart",
                            (long long)low, (long long)high);
    if (generator->counted) {
        counted_randint(generator, values, count, low, range);
        return NNINIT_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        uint64_t word = range >> 32 ? mt19937_draw64(&generator->mt) : mt19937_draw(&generator->mt);
        values[i] = (int64_t)((uint64_t)low + word % range);
    }
    return NNINIT_OK;
}

static void torch_bernoulli(nninit_generator *generator, nninit_dtype dtype, void *values, int64_t count, double p) {
    for (int64_t i = 0; i < count; i++) {
        const bool one = uniform53(generator) < p;
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = one;
        else
            ((double *)values)[i] = one;
    }
}

nninit_status nninit_generator_bernoulli(nninit_generator *generator, nninit_dtype dtype, void *values, int64_t count,
                                         double p) {
    nninit_status status = generator_check(generator, dtype, values, count);
    if (status < 0)
        return status;
    if (!(p >= 0 && p <= 1))
        return context_fail(generator->object.context, NNINIT_ERR_INVALID, "p is %g; it must be 0 to 1", p);
    fenv_t caller;
    fpenv_enter(&caller);
    if (generator->counted)
        counted_bernoulli(generator, dtype, values, count, p);
    else
        torch_bernoulli(generator, dtype, values, count, p);
    fpenv_leave(&caller);
    return NNINIT_OK;
}

static void torch_bernoulli_each(nninit_generator *generator, nninit_dtype dtype, void *values, const void *p, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = uniform24(generator) < ((const float *)p)[i];
        else
            ((double *)values)[i] = uniform53(generator) < ((const double *)p)[i];
}

nninit_status nninit_generator_bernoulli_each(nninit_generator *generator, nninit_dtype dtype, void *values,
                                              const void *p, int64_t count) {
    nninit_status status = generator_check(generator, dtype, values, count);
    if (status < 0)
        return status;
    if (!p && count > 0)
        return context_fail(generator->object.context, NNINIT_ERR_INVALID, "p is NULL");
    bool f32 = dtype == NNINIT_FLOAT32;
    for (int64_t i = 0; i < count; i++) {
        double each = f32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
        if (!(each >= 0 && each <= 1))
            return context_fail(generator->object.context, NNINIT_ERR_INVALID, "p[%lld] is %g; it must be 0 to 1",
                                (long long)i, each);
    }
    fenv_t caller;
    fpenv_enter(&caller);
    if (generator->counted)
        counted_bernoulli_each(generator, dtype, values, p, count);
    else
        torch_bernoulli_each(generator, dtype, values, p, count);
    fpenv_leave(&caller);
    return NNINIT_OK;
}

nninit_status nninit_generator_randperm(nninit_generator *generator, int64_t *order, int64_t n) {
    nninit_status status = generator_check(generator, NNINIT_FLOAT64, order, n);
    if (status < 0)
        return status;
    if (n > INT32_MAX)
        return context_fail(generator->object.context, NNINIT_ERR_INVALID, "n is %lld; it must be at most %d",
                            (long long)n, INT32_MAX);
    generator_permutation(generator, order, n);
    return NNINIT_OK;
}

void generator_permutation(nninit_generator *generator, int64_t *order, int64_t n) {
    if (generator->counted)
        counted_permutation(generator, order, n);
    else
        host_randperm(&generator->mt, order, n);
}
