/* SPDX-License-Identifier: MIT */
/* WIDTH floats at a time: one name for each operation, whatever the instruction set. The same IEEE-754 operation in each. */
#ifndef NNINIT_LIB_CPU_VEC_H
#define NNINIT_LIB_CPU_VEC_H

#include "../law.h"

#define INLINE static inline __attribute__((always_inline))

#if defined(LEVEL_AVX512)

#include <immintrin.h>

enum { WIDTH = 16 };
#define VEC_IS_16_WIDE
typedef __m512 vec;

INLINE vec vec_zero(void) { return _mm512_setzero_ps(); }
INLINE vec vec_all(float x) { return _mm512_set1_ps(x); }
INLINE vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void vec_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
INLINE vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
INLINE vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
INLINE vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
INLINE vec vec_div(vec a, vec b) { return _mm512_div_ps(a, b); }
INLINE vec vec_sqrt(vec a) { return _mm512_sqrt_ps(a); }
INLINE vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
/* x < 0 ? 0 : x: the instruction gives its second operand when one is NaN or both are zeros. */
INLINE vec vec_relu(vec x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }
/* y > 0 ? a : 0 */
INLINE vec vec_where_positive(vec y, vec a) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ), a);
}
INLINE vec vec_tiny(vec x) {
    __m512 magnitude = _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x);
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(magnitude, _mm512_set1_ps(LAW_TINY), _CMP_NLT_UQ), x);
}
/* Bit i: element i is neither +0 nor -0. */
INLINE unsigned vec_nonzeros(vec x) { return _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ); }
/* Bytes as floats. */
INLINE vec vec_from_bytes(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
/* Keep x in a register of its own: gcc would else load it anew for each use. */
INLINE vec vec_once(vec x) {
    __asm__("" : "+v"(x));
    return x;
}

#elif defined(LEVEL_AVX2)

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
INLINE unsigned vec_nonzeros(vec x) {
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NEQ_UQ));
}
INLINE vec vec_from_bytes(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
INLINE vec vec_once(vec x) {
    __asm__("" : "+x"(x));
    return x;
}

#elif defined(LEVEL_NEON)

#include <arm_neon.h>

enum { WIDTH = 4 };
typedef float32x4_t vec;

INLINE vec vec_zero(void) { return vdupq_n_f32(0); }
INLINE vec vec_all(float x) { return vdupq_n_f32(x); }
INLINE vec vec_load(const float *p) { return vld1q_f32(p); }
INLINE void vec_store(float *p, vec a) { vst1q_f32(p, a); }
INLINE vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
INLINE vec vec_sub(vec a, vec b) { return vsubq_f32(a, b); }
INLINE vec vec_mul(vec a, vec b) { return vmulq_f32(a, b); }
INLINE vec vec_div(vec a, vec b) { return vdivq_f32(a, b); }
INLINE vec vec_sqrt(vec a) { return vsqrtq_f32(a); }
INLINE vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
INLINE vec vec_relu(vec x) { return vbslq_f32(vcltq_f32(x, vec_zero()), vec_zero(), x); }
INLINE vec vec_where_positive(vec y, vec a) { return vbslq_f32(vcgtq_f32(y, vec_zero()), a, vec_zero()); }
INLINE vec vec_tiny(vec x) { return vbslq_f32(vcltq_f32(vabsq_f32(x), vec_all(LAW_TINY)), vec_zero(), x); }
INLINE unsigned vec_nonzeros(vec x) {
    static const uint32_t bits[4] = {1, 2, 4, 8};
    return vaddvq_u32(vbicq_u32(vld1q_u32(bits), vceqq_f32(x, vec_zero())));
}
INLINE vec vec_from_bytes(const uint8_t *p) {
    const uint32_t x[4] = {p[0], p[1], p[2], p[3]};
    return vcvtq_f32_u32(vld1q_u32(x));
}
INLINE vec vec_once(vec x) { return x; }

enum { VEC_SQUARE = 4 };

/* to = the transposed square of 4 rows. */
INLINE void vec_square(const float *from, int64_t next, float *to, int64_t to_next) {
    float32x4x2_t a = vtrnq_f32(vec_load(from), vec_load(from + next));
    float32x4x2_t b = vtrnq_f32(vec_load(from + 2 * next), vec_load(from + 3 * next));
    vec_store(to, vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0])));
    vec_store(to + to_next, vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1])));
    vec_store(to + 2 * to_next, vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0])));
    vec_store(to + 3 * to_next, vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1])));
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
INLINE unsigned vec_nonzeros(vec a) {
    unsigned bits = 0;
    for (int i = 0; i < WIDTH; i++)
        bits |= (unsigned)(a.x[i] != 0.0f) << i;
    return bits;
}
INLINE vec vec_from_bytes(const uint8_t *p) { VEC_EACH((float)p[i]); }
INLINE vec vec_once(vec x) { return x; }

enum { VEC_SQUARE = 4 };

INLINE void vec_square(const float *from, int64_t next, float *to, int64_t to_next) {
    for (int i = 0; i < VEC_SQUARE; i++)
        for (int j = 0; j < VEC_SQUARE; j++)
            to[j * to_next + i] = from[i * next + j];
}

#endif

#if defined(LEVEL_AVX2) || defined(LEVEL_AVX512)

enum { VEC_SQUARE = 8 };

/* to = the transposed square of 8 rows. */
INLINE void vec_square(const float *from, int64_t next, float *to, int64_t to_next) {
    __m256 half[8], pair[8];
    for (int i = 0; i < 4; i++) { /* rows i and i + 4: columns 0 … 3 of both, then 4 … 7 */
        const float *a = from + i * next, *b = from + (i + 4) * next;
        half[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a)), _mm_loadu_ps(b), 1);
        half[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a + 4)), _mm_loadu_ps(b + 4), 1);
    }
    for (int k = 0; k < 8; k += 2) { /* rows k and k + 1 of each half, interleaved */
        pair[k] = _mm256_unpacklo_ps(half[k], half[k + 1]);
        pair[k + 1] = _mm256_unpackhi_ps(half[k], half[k + 1]);
    }
    for (int k = 0; k < 8; k += 4) {
        _mm256_storeu_ps(to + k * to_next, _mm256_shuffle_ps(pair[k], pair[k + 2], 0x44));
        _mm256_storeu_ps(to + (k + 1) * to_next, _mm256_shuffle_ps(pair[k], pair[k + 2], 0xee));
        _mm256_storeu_ps(to + (k + 2) * to_next, _mm256_shuffle_ps(pair[k + 1], pair[k + 3], 0x44));
        _mm256_storeu_ps(to + (k + 3) * to_next, _mm256_shuffle_ps(pair[k + 1], pair[k + 3], 0xee));
    }
}

#endif

/* to[j][i] = from[i][j] for i < n <= 16 and j < 16. */
INLINE void vec_transpose(const float *from, int64_t next, int n, float *to, int64_t to_next) {
    int i = 0;
    for (; i + VEC_SQUARE <= n; i += VEC_SQUARE)
        for (int j = 0; j < 16; j += VEC_SQUARE)
            vec_square(from + i * next + j, next, to + j * to_next + i, to_next);
    for (; i < n; i++)
        for (int j = 0; j < 16; j++)
            to[j * to_next + i] = from[i * next + j];
}

#endif
