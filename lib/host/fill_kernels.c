/* SPDX-License-Identifier: MIT */
/* Plain loops for the compiler to vectorize; once for each instruction set, with LEVEL as the suffix of the table. */
#include "fill.h"

#include "../law.h"
#include "torch_normal.h"

enum { HALF = TORCH_BLOCK / 2, LINE = 16 /* floats in a line of a cache */ };

static const double pi = 3.14159265358979323846;

/* 24 bits, 0 <= u < 1; by way of int32_t, which every instruction set converts. */
static inline float unit(uint32_t word) {
    return (float)(int32_t)(mt19937_temper(word) & 0xffffff) * 0x1p-24f;
}

static inline void uniform_words(const uint32_t *restrict word, float *restrict x, int count, float low, float width,
                          bool fused) {
    if (fused)
        for (int i = 0; i < count; i++)
            x[i] = fmaf(unit(word[i]), width, low);
    else
        for (int i = 0; i < count; i++)
            x[i] = unit(word[i]) * width + low;
}

/* Memory that will be written: it arrives while other things are computed. */
static inline void ask(const float *x, int64_t count) {
    for (int64_t i = 0; i < count; i += LINE)
        __builtin_prefetch(x + i, 1);
}

static inline void draw(struct mt19937 *mt, float *x, int64_t count, float low, float width, bool fused, bool far) {
    while (count > 0) {
        if (mt->next >= MT19937_WORDS) {
            if (far)
                ask(x, count < MT19937_WORDS ? count : MT19937_WORDS);
            mt19937_twist(mt);
        }
        int left = MT19937_WORDS - mt->next, n = count < left ? (int)count : left;
        uniform_words(mt->word + mt->next, x, n, low, width, fused);
        mt->next += n;
        x += n;
        count -= n;
    }
}

static void uniform(struct mt19937 *mt, float *x, int64_t count, float low, float width, bool fused) {
    draw(mt, x, count, low, width, fused, true);
}

/* Sine and cosine of 0 <= t <= 2 pi by Cephes' sinf and cosf, reduced by pi/4 in three parts; every product that is
 * added to is fused. */
static inline void sincos_fused(float t, float *sine, float *cosine) {
    int32_t j = (int32_t)(t * 1.27323954473516f);
    j = (j + 1) & ~1;
    float y = (float)j;
    t = fmaf(y, -0.78515625f, t);
    t = fmaf(y, -2.4187564849853515625e-4f, t);
    t = fmaf(y, -3.77489497744594108e-8f, t);
    float z = t * t;
    float c = fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fmaf(c, z, 4.166664568298827e-2f);
    c = c * z;
    c = fmaf(c, z, -(z * 0.5f)) + 1.0f;
    float s = fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fmaf(s, z, -1.6666654611e-1f);
    s = s * z;
    s = fmaf(s, t, t);
    float a = j & 2 ? c : s, b = j & 2 ? s : c;
    /* Bit 2 becomes the sign. */
    *sine = law_float(law_bits(a) ^ (uint32_t)(j & 4) << 29);
    *cosine = law_float(law_bits(b) ^ (uint32_t)(~(j - 2) & 4) << 29);
}

/* Uniforms of radii and of angles become cosines and sines. */
static inline void normal_lanes(float *restrict u1, float *restrict u2, int lanes, float mean, float std) {
    for (int j = 0; j < lanes; j++) {
        float sine, cosine, radius = sqrtf(-2.0f * law_log_normal(1.0f - u1[j]));
        sincos_fused((float)(2 * pi) * u2[j], &sine, &cosine);
        u1[j] = fmaf(radius * cosine, std, mean);
        u2[j] = fmaf(radius * sine, std, mean);
    }
}

#if defined(LEVEL_AVX512)

#include <immintrin.h>

/* Half a vector at x and half of one a block further on. The compiler would store two and load one, which waits. */
static inline __m512 halves_load(const float *x) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(x)), _mm256_loadu_ps(x + TORCH_BLOCK), 1);
}

static inline void halves_store(float *x, __m512 halves) {
    _mm256_storeu_ps(x, _mm512_castps512_ps256(halves));
    _mm256_storeu_ps(x + TORCH_BLOCK, _mm512_extractf32x8_ps(halves, 1));
}

/* Two blocks at once: the half of one would leave half of a vector empty. */
static inline void normal_pair(float *x, float mean, float std) {
    float u1[2 * HALF], u2[2 * HALF];
    _mm512_storeu_ps(u1, halves_load(x));
    _mm512_storeu_ps(u2, halves_load(x + HALF));
    normal_lanes(u1, u2, 2 * HALF, mean, std);
    halves_store(x, _mm512_loadu_ps(u1));
    halves_store(x + HALF, _mm512_loadu_ps(u2));
}

#endif

/* Meanwhile, what lies `next` floats further on is fetched. */
static void transform(float *x, int64_t blocks, float mean, float std, int64_t next) {
#if defined(LEVEL_AVX512)
    for (; blocks >= 2; blocks -= 2, x += 2 * TORCH_BLOCK) {
        ask(x + next, 2 * TORCH_BLOCK);
        normal_pair(x, mean, std);
    }
#endif
    for (; blocks > 0; blocks--, x += TORCH_BLOCK) {
        ask(x + next, TORCH_BLOCK);
        normal_lanes(x, x + HALF, HALF, mean, std);
    }
}

static void normal(struct mt19937 *mt, float *x, int64_t count, float mean, float std) {
    enum { CHUNK = 128 * TORCH_BLOCK }; /* stays in the first cache until it is transformed */
    for (; count > 0; count -= CHUNK, x += CHUNK) {
        int64_t n = count < CHUNK ? count : CHUNK;
        draw(mt, x, n, 0, 1, false, false);
        transform(x, n / TORCH_BLOCK, mean, std, count >= 2 * CHUNK ? CHUNK : 0);
    }
}

#define TABLE__(level) fill_##level
#define TABLE_(level) TABLE__(level)

const struct fill TABLE_(LEVEL) = {uniform, normal};
