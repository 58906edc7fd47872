/* SPDX-License-Identifier: MIT */
/* WIDTH floats at a time: one name for each operation, whatever the instruction set. The same IEEE-754 operation in each. */
#ifndef NNINIT_LIB_CPU_VEC_H
#define NNINIT_LIB_CPU_VEC_H

#include "../law.h"

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

enum { WIDTH = 8 };
typedef __m256 vec;

INLINE vec vec_zero(void) { return _mm256_setzero_ps(); }
INLINE vec vec_all(float x) { return _mm256_set1_ps(x); }
INLINE vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void vec_store(float *p, vec a) { _mm256_storeu_ps(p, a); }
INLINE vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
INLINE vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
INLINE vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
INLINE vec vec_div(vec a, vec b) { return _mm256_div_ps(a, b); }
INLINE vec vec_sqrt(vec a) { return _mm256_sqrt_ps(a); }
INLINE vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
/* x < 0 ? 0 : x: the instruction gives its second operand when one is NaN or both are zeros. */
INLINE vec vec_relu(vec x) { return _mm256_max_ps(_mm256_setzero_ps(), x); }
/* y > 0 ? a : 0 */
INLINE vec vec_where_positive(vec y, vec a) {
    return _mm256_and_ps(_mm256_cmp_ps(y, _mm256_setzero_ps(), _CMP_GT_OQ), a);
}
INLINE vec vec_tiny(vec x) {
    vec magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
    return _mm256_andnot_ps(_mm256_cmp_ps(magnitude, _mm256_set1_ps(LAW_TINY), _CMP_LT_OQ), x);
}

#else

enum { WIDTH = 8 };
typedef struct {
    float x[WIDTH];
} vec;

#define VEC_EACH(expression)                                                                                           \
    vec result;                                                                                                        \
    for (int i = 0; i < WIDTH; i++)                                                                                    \
        result.x[i] = expression;                                                                                      \
    return result

INLINE vec vec_zero(void) { VEC_EACH(0.0f); }
INLINE vec vec_all(float x) { VEC_EACH(x); }
INLINE vec vec_load(const float *p) { VEC_EACH(p[i]); }
INLINE void vec_store(float *p, vec a) {
    for (int i = 0; i < WIDTH; i++)
        p[i] = a.x[i];
}
INLINE vec vec_add(vec a, vec b) { VEC_EACH(a.x[i] + b.x[i]); }
INLINE vec vec_sub(vec a, vec b) { VEC_EACH(a.x[i] - b.x[i]); }
INLINE vec vec_mul(vec a, vec b) { VEC_EACH(a.x[i] * b.x[i]); }
INLINE vec vec_div(vec a, vec b) { VEC_EACH(a.x[i] / b.x[i]); }
INLINE vec vec_sqrt(vec a) { VEC_EACH(sqrtf(a.x[i])); }
INLINE vec vec_fma(vec a, vec b, vec c) { VEC_EACH(fmaf(a.x[i], b.x[i], c.x[i])); }
INLINE vec vec_relu(vec a) { VEC_EACH(law_relu(a.x[i])); }
INLINE vec vec_where_positive(vec y, vec a) { VEC_EACH(y.x[i] > 0.0f ? a.x[i] : 0.0f); }
INLINE vec vec_tiny(vec a) { VEC_EACH(law_tiny(a.x[i])); }

#endif
#endif
