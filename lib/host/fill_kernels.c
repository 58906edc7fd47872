/* SPDX-License-Identifier: MIT */
/* Plain loops for the compiler to vectorize; once for each instruction set, with LEVEL as the suffix of the table. */
#include "fill.h"

#include "../law.h"
#include "philox.h"
#include "torch_normal.h"

#include <string.h>

enum { HALF = TORCH_BLOCK / 2, LINE = 16 /* floats in a line of a cache */ };

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

/* Uniforms of radii and of angles become cosines and sines. */
static inline void normal_lanes(float *restrict u1, float *restrict u2, int lanes, float mean, float std) {
    for (int j = 0; j < lanes; j++) {
        float sine, cosine;
        law_normals(u1[j], u2[j], &cosine, &sine);
        u1[j] = fmaf(cosine, std, mean);
        u2[j] = fmaf(sine, std, mean);
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

enum { CHUNK_WORDS = 64 };

#if defined(LEVEL_AVX512) || defined(LEVEL_AVX2)

/* Philox of neighbouring counters, each in 64 bits of which the upper half is what it may be: the product looks at the lower
 * one only. Compilers do not find these instructions. */
#if defined(LEVEL_AVX512)
#define LANES(name) _mm512_##name
#define LANES_XOR _mm512_xor_si512
#define LANES_ALL _mm512_set1_epi64
#define LANES_QUARTER(x, i) _mm512_extracti32x4_epi32(x, i)
typedef __m512i lanes;
#else
#include <immintrin.h>
#define LANES(name) _mm256_##name
#define LANES_XOR _mm256_xor_si256
#define LANES_ALL _mm256_set1_epi64x
#define LANES_QUARTER(x, i) _mm256_extracti128_si256(x, i)
typedef __m256i lanes;
#endif

enum { LANE_COUNT = sizeof(lanes) / 8 };

static inline void philox_round(lanes *a, lanes *b, lanes *c, lanes *d, uint32_t k0, uint32_t k1) {
    lanes x = LANES(mul_epu32)(*a, LANES_ALL(0xd2511f53)), y = LANES(mul_epu32)(*c, LANES_ALL(0xcd9e8d57));
    *a = LANES_XOR(LANES_XOR(LANES(srli_epi64)(y, 32), *b), LANES_ALL(k0));
    *b = y;
    *c = LANES_XOR(LANES_XOR(LANES(srli_epi64)(x, 32), *d), LANES_ALL(k1));
    *d = x;
}

/* Four words of one counter after the other. */
static inline void philox_store(uint32_t *word, lanes a, lanes b, lanes c, lanes d) {
    const lanes lower = LANES_ALL(0xffffffff);
#if defined(LEVEL_AVX512)
    lanes ab = _mm512_or_si512(_mm512_and_si512(a, lower), _mm512_slli_epi64(b, 32));
    lanes cd = _mm512_or_si512(_mm512_and_si512(c, lower), _mm512_slli_epi64(d, 32));
#else
    lanes ab = _mm256_or_si256(_mm256_and_si256(a, lower), _mm256_slli_epi64(b, 32));
    lanes cd = _mm256_or_si256(_mm256_and_si256(c, lower), _mm256_slli_epi64(d, 32));
#endif
    lanes even = LANES(unpacklo_epi64)(ab, cd), odd = LANES(unpackhi_epi64)(ab, cd);
    __m128i *to = (__m128i *)word;
    _mm_storeu_si128(to, LANES_QUARTER(even, 0));
    _mm_storeu_si128(to + 1, LANES_QUARTER(odd, 0));
    _mm_storeu_si128(to + 2, LANES_QUARTER(even, 1));
    _mm_storeu_si128(to + 3, LANES_QUARTER(odd, 1));
#if defined(LEVEL_AVX512)
    _mm_storeu_si128(to + 4, LANES_QUARTER(even, 2));
    _mm_storeu_si128(to + 5, LANES_QUARTER(odd, 2));
    _mm_storeu_si128(to + 6, LANES_QUARTER(even, 3));
    _mm_storeu_si128(to + 7, LANES_QUARTER(odd, 3));
#endif
}

/* Two vectors of counters at once: as many as hide each other's latency and still fit the registers. Neighbours are blocks of
 * one draw or, across, draws with one block. */
static inline void philox_pair(uint64_t seed, uint64_t draw, uint64_t block, bool across, uint32_t *word) {
    static const uint64_t numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    lanes a[2], b[2], c[2], d[2], first;
    memcpy(&first, numbers, sizeof first);
#pragma GCC unroll 2
    for (int g = 0; g < 2; g++) {
        const lanes number = LANES(add_epi64)(first, LANES_ALL(g * LANE_COUNT)), none = LANES_ALL(0);
        a[g] = LANES(add_epi64)(LANES_ALL((int64_t)block), across ? none : number);
        b[g] = LANES(srli_epi64)(a[g], 32);
        c[g] = LANES(add_epi64)(LANES_ALL((int64_t)draw), across ? number : none);
        d[g] = LANES(srli_epi64)(c[g], 32);
    }
    for (int round = 0; round < 10; round++, k0 += 0x9e3779b9, k1 += 0xbb67ae85)
#pragma GCC unroll 2
        for (int g = 0; g < 2; g++)
            philox_round(&a[g], &b[g], &c[g], &d[g], k0, k1);
#pragma GCC unroll 2
    for (int g = 0; g < 2; g++)
        philox_store(word + 4 * LANE_COUNT * g, a[g], b[g], c[g], d[g]);
}

static inline void philox_chunk(uint64_t seed, uint64_t draw, uint64_t block, bool across, uint32_t *word) {
    for (uint64_t j = 0; j < CHUNK_WORDS / 4; j += 2 * LANE_COUNT)
        philox_pair(seed, across ? draw + j : draw, across ? block : block + j, across, word + 4 * j);
}

#else

static inline void philox_chunk(uint64_t seed, uint64_t draw, uint64_t block, bool across, uint32_t *word) {
    for (int j = 0; j < CHUNK_WORDS / 4; j++, across ? draw++ : block++) {
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)draw, (uint32_t)(draw >> 32)};
        philox(seed, counter, word + 4 * j);
    }
}

#endif

/* Are all elements of the chunk at `at` wanted? */
static inline bool is_whole(int64_t at, int64_t first, int64_t count) {
    return at >= first && at + CHUNK_WORDS <= first + count;
}

/* What lies within first … first + count - 1 of the elements from `at` on. */
static inline void keep(const float *y, int64_t at, int64_t first, float *x, int64_t count) {
    int64_t from = at > first ? at : first, end = first + count;
    int64_t to = end < at + CHUNK_WORDS ? end : at + CHUNK_WORDS;
    memcpy(x + (from - first), y + (from - at), (size_t)(to - from) * sizeof *x);
}

static void philox_uniform(uint64_t seed, uint64_t draw, int64_t first, float *x, int64_t count, float low, float width) {
    for (int64_t at = first / CHUNK_WORDS * CHUNK_WORDS; at < first + count; at += CHUNK_WORDS) {
        uint32_t word[CHUNK_WORDS];
        float room[CHUNK_WORDS];
        float *y = is_whole(at, first, count) ? x + (at - first) : room;
        philox_chunk(seed, draw, (uint64_t)at / 4, false, word);
        for (int i = 0; i < CHUNK_WORDS; i++)
            y[i] = fmaf(law_unit(word[i]), width, low);
        if (y == room)
            keep(y, at, first, x, count);
    }
}

static void philox_normal(uint64_t seed, uint64_t draw, int64_t first, float *x, int64_t count, float mean, float std) {
    for (int64_t at = first / CHUNK_WORDS * CHUNK_WORDS; at < first + count; at += CHUNK_WORDS) {
        uint32_t word[CHUNK_WORDS];
        float u1[CHUNK_WORDS / 2], u2[CHUNK_WORDS / 2], room[CHUNK_WORDS];
        float *y = is_whole(at, first, count) ? x + (at - first) : room;
        philox_chunk(seed, draw, (uint64_t)at / 4, false, word);
        for (int i = 0; i < CHUNK_WORDS / 2; i++) {
            u1[i] = law_unit(word[2 * i]);
            u2[i] = law_unit(word[2 * i + 1]);
        }
        normal_lanes(u1, u2, CHUNK_WORDS / 2, mean, std);
        for (int i = 0; i < CHUNK_WORDS / 2; i++) {
            y[2 * i] = u1[i];
            y[2 * i + 1] = u2[i];
        }
        if (y == room)
            keep(y, at, first, x, count);
    }
}

/* 65,536 draws give a block each, by turns. */
static inline void curand_chunk(uint64_t seed, uint64_t at, uint32_t *word) {
    philox_chunk(seed, at / 4 % 65536, at / 4 / 65536, true, word);
}

/* 0 < u <= 1 */
static inline float unit_of_all(uint32_t word) {
    return (float)word * 0x1p-32f + 0x1p-33f;
}

static void curand_uniform(uint64_t seed, uint64_t draw, int64_t first, float *x, int64_t count, float low, float width) {
    const uint64_t start = draw / CHUNK_WORDS * CHUNK_WORDS;
    first += (int64_t)(draw - start);
    for (int64_t at = first / CHUNK_WORDS * CHUNK_WORDS; at < first + count; at += CHUNK_WORDS) {
        uint32_t word[CHUNK_WORDS];
        float room[CHUNK_WORDS];
        float *y = is_whole(at, first, count) ? x + (at - first) : room;
        curand_chunk(seed, start + (uint64_t)at, word);
        for (int i = 0; i < CHUNK_WORDS; i++)
            y[i] = fmaf(unit_of_all(word[i]), width, low);
        if (y == room)
            keep(y, at, first, x, count);
    }
}

static void curand_normal(uint64_t seed, uint64_t draw, int64_t first, float *x, int64_t count, float mean, float std) {
    const float turn = 0x1p-31f * 3.14159265358979323846f;
    const uint64_t start = draw / CHUNK_WORDS * CHUNK_WORDS;
    first += (int64_t)(draw - start);
    for (int64_t at = first / CHUNK_WORDS * CHUNK_WORDS; at < first + count; at += CHUNK_WORDS) {
        uint32_t word[CHUNK_WORDS];
        float sine[CHUNK_WORDS / 2], cosine[CHUNK_WORDS / 2], room[CHUNK_WORDS];
        float *y = is_whole(at, first, count) ? x + (at - first) : room;
        curand_chunk(seed, start + (uint64_t)at, word);
        for (int i = 0; i < CHUNK_WORDS / 2; i++) {
            float s, c, radius = sqrtf(-2.0f * law_log_normal(unit_of_all(word[2 * i])));
            law_sincos((float)word[2 * i + 1] * turn + turn / 2, &s, &c);
            sine[i] = radius * s * std + mean;
            cosine[i] = radius * c * std + mean;
        }
        for (int i = 0; i < CHUNK_WORDS / 2; i++) {
            y[2 * i] = sine[i];
            y[2 * i + 1] = cosine[i];
        }
        if (y == room)
            keep(y, at, first, x, count);
    }
}

#define TABLE__(level) fill_##level
#define TABLE_(level) TABLE__(level)

const struct fill TABLE_(LEVEL) = {uniform, normal, philox_uniform, philox_normal, curand_uniform, curand_normal};
