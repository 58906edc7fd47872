/* SPDX-License-Identifier: MIT */
/* Fills by each instruction set against one draw after the other, by the formulas of docs/numerics.md: numbers and the
 * generator's state, for every length and from every place in a block of words. */
#include "suite.h"

#include "curand.h"
#include "generator.h"
#include "host/philox.h"

#include <math.h>

enum { MOST = 1300 };

static const char *const levels[] = {"c", "avx2", "avx512", "neon"};

static const double low = -0.3, high = 1.7, mean = 0.25, std = 1.5;

static float unit(struct mt19937 *mt) {
    return (float)(mt19937_draw(mt) & 0xffffff) / 16777216.0f;
}

static void want_uniform(struct mt19937 *mt, float *x, int count, bool base) {
    float a = (float)low, width = (float)high - (float)low;
    for (int i = 0; i < count; i++) {
        float u = unit(mt), product = u * width;
        x[i] = base ? product + a : fmaf(u, width, a);
    }
}

/* Cephes' logf of 0 < x <= 1, every product that is added to fused. */
static float log_of(float x) {
    static const float p[] = {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f,
                              1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f,
                              3.3333331174e-1f};
    int exponent;
    float m = frexpf(x, &exponent);
    if (m < 0.707106781186547524f) {
        exponent--;
        m = (m - 1) + m;
    } else {
        m -= 1;
    }
    float e = (float)exponent, z = m * m, y = p[0];
    for (int i = 1; i < 9; i++)
        y = fmaf(y, m, p[i]);
    y *= m;
    y = fmaf(y, z, e * -2.12194440e-4f);
    y = fmaf(-z, 0.5f, y);
    return fmaf(e, 0.693359375f, m + y);
}

/* The octant decides which polynomial is the sine, and the signs. */
static void turn(float t, float *sine, float *cosine) {
    int octant = ((int)(t * 1.27323954473516f) + 1) / 2 * 2;
    t = fmaf((float)octant, -0.78515625f, t);
    t = fmaf((float)octant, -2.4187564849853515625e-4f, t);
    t = fmaf((float)octant, -3.77489497744594108e-8f, t);
    float z = t * t;
    float c = fmaf(fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f) * z;
    c = fmaf(c, z, -(z * 0.5f)) + 1;
    float s = fmaf(fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f) * z;
    s = fmaf(s, t, t);
    switch (octant % 8) {
    case 0: *sine = s; *cosine = c; break;
    case 2: *sine = c; *cosine = -s; break;
    case 4: *sine = -s; *cosine = -c; break;
    default: *sine = -c; *cosine = s; break;
    }
}

static void want_block(float *x) {
    for (int j = 0; j < 8; j++) {
        float sine, cosine, radius = sqrtf(-2 * log_of(1 - x[j]));
        turn(6.28318530717958648f * x[j + 8], &sine, &cosine);
        x[j] = fmaf(radius * cosine, (float)std, (float)mean);
        x[j + 8] = fmaf(radius * sine, (float)std, (float)mean);
    }
}

static void want_normal(struct mt19937 *mt, float *x, int count) {
    for (int i = 0; i < count; i++)
        x[i] = unit(mt);
    for (int i = 0; i + 16 <= count; i += 16)
        want_block(x + i);
    if (count % 16) {
        for (int i = count - 16; i < count; i++)
            x[i] = unit(mt);
        want_block(x + count - 16);
    }
}

/* From word `place` of a block on; 0: nothing drawn yet. */
static bool fill_equals(nninit_context *context, nninit_generator *g, int place, int count, bool normal) {
    static float want[MOST + 1], got[MOST + 1];
    static unsigned char wanted[NNINIT_TORCH_STATE_SIZE], state[NNINIT_TORCH_STATE_SIZE];
    struct mt19937 seeded;
    nninit_generator_seed(g, (uint64_t)(1000 * count + place)); /* other words each time */
    if (place > 0) {
        mt19937_block(&g->mt);
        g->mt.next = place;
    }
    seeded = g->mt;
    want[count] = got[count] = 5; /* and no further */
    if (normal)
        want_normal(&g->mt, want, count);
    else
        want_uniform(&g->mt, want, count, g->stream == NNINIT_STREAM_TORCH_BASE);
    ck_assert_ok(context, nninit_generator_save(g, wanted, sizeof wanted));
    g->mt = seeded;
    if (normal)
        ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, got, count, mean, std));
    else
        ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT32, got, count, low, high));
    ck_assert_ok(context, nninit_generator_save(g, state, sizeof state));
    return memcmp(want, got, (size_t)(count + 1) * sizeof *got) == 0 && memcmp(wanted, state, sizeof state) == 0;
}

/* Every length, and every place. */
static void check_fills(nninit_context *context, nninit_generator *g, bool normal) {
    static const int lengths[] = {1, 16, 17, 32, 48, 623, 624, 625, 1249, 1296};
    for (int count = normal ? 16 : 0; count <= MOST; count++) {
        int place = count * 31 % (MT19937_WORDS + 1);
        if (!fill_equals(context, g, place, count, normal))
            ck_abort_msg("%d values from word %d", count, place);
    }
    for (int place = 0; place <= MT19937_WORDS; place++)
        for (size_t i = normal; i < sizeof lengths / sizeof *lengths; i++)
            if (!fill_equals(context, g, place, lengths[i], normal))
                ck_abort_msg("%d values from word %d", lengths[i], place);
}

static void check_levels(nninit_stream stream, bool normal) {
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (!suite_cpu_level(levels[i]))
            continue;
        nninit_context *context = suite_context();
        nninit_generator *g;
        ck_assert_ok(context, nninit_generator_create(&g, context, stream, 777));
        check_fills(context, g, normal);
        nninit_context_destroy(&context);
    }
    suite_cpu_level(NULL);
}

/* Element i of the counter-based stream, in [0, 1). */
static float counted(uint64_t seed, uint64_t draw, uint64_t i) {
    uint32_t word[4];
    philox(seed, (const uint32_t[]){(uint32_t)(i / 4), (uint32_t)(i / 4 >> 32), (uint32_t)draw, (uint32_t)(draw >> 32)}, word);
    return (float)(word[i % 4] / 256) / 16777216.0f;
}

static float counted_normal(uint64_t seed, uint64_t draw, uint64_t i) {
    uint64_t pair = i / 2 * 2;
    float sine, cosine, radius = sqrtf(-2 * log_of(1 - counted(seed, draw, pair)));
    turn(6.28318530717958648f * counted(seed, draw, pair + 1), &sine, &cosine);
    return fmaf(radius * (i % 2 ? sine : cosine), (float)std, (float)mean);
}

static float curand_uniform(uint64_t seed, uint64_t e) {
    return (float)curand_word(seed, e) / 4294967296.0f + 0x1p-33f;
}

static float curand_normal(uint64_t seed, uint64_t e) {
    const float pi = 3.14159265358979323846f, angle = (float)curand_word(seed, e / 2 * 2 + 1) * (pi * 0x1p-31f) + pi * 0x1p-32f;
    float sine, cosine, radius = sqrtf(-2 * log_of(curand_uniform(seed, e / 2 * 2)));
    turn(angle, &sine, &cosine);
    float z = radius * (e % 2 ? cosine : sine);
    z *= (float)std;
    return z + (float)mean;
}

/* Slices of cuRAND's stream, from any word on. */
static bool curand_equals(const struct fill *fill, int64_t first, int count, bool normal) {
    static float got[MOST + 1];
    const uint64_t seed = UINT64_C(0x123456789abcdef0), places[] = {0, 1, 262144 - 70, UINT64_C(0xfedcba9876543210)};
    bool equal = true;
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        got[count] = 5; /* and no further */
        if (normal)
            fill->curand_normal(seed, places[k], first, got, count, (float)mean, (float)std);
        else
            fill->curand_uniform(seed, places[k], first, got, count, (float)low, (float)high - (float)low);
        for (int i = 0; i < count; i++) {
            const uint64_t e = places[k] + (uint64_t)first + (uint64_t)i;
            float want = normal ? curand_normal(seed, e) : fmaf(curand_uniform(seed, e), (float)high - (float)low, (float)low);
            equal &= memcmp(&want, &got[i], sizeof want) == 0;
        }
        equal &= got[count] == 5;
    }
    return equal;
}

/* Slices of a draw, from any element on: also where counters need more than 32 bits. */
static bool slice_equals(const struct fill *fill, int64_t first, int count, bool normal) {
    static float got[MOST + 1];
    const uint64_t seed = UINT64_C(0x123456789abcdef0), draw = UINT64_C(0xfedcba9876543210);
    bool equal = true;
    got[count] = 5; /* and no further */
    if (normal)
        fill->philox_normal(seed, draw, first, got, count, (float)mean, (float)std);
    else
        fill->philox_uniform(seed, draw, first, got, count, (float)low, (float)high - (float)low);
    for (int i = 0; i < count; i++) {
        uint64_t at = (uint64_t)first + (uint64_t)i;
        float want = normal ? counted_normal(seed, draw, at)
                            : fmaf(counted(seed, draw, at), (float)high - (float)low, (float)low);
        equal &= memcmp(&want, &got[i], sizeof want) == 0;
    }
    return equal && got[count] == 5;
}

START_TEST(uniform) {
    check_levels(NNINIT_STREAM_TORCH, false);
    check_levels(NNINIT_STREAM_TORCH_BASE, false);
}
END_TEST

START_TEST(normal) {
    check_levels(NNINIT_STREAM_TORCH, true);
}
END_TEST

START_TEST(counter_based) {
    static const int64_t firsts[] = {0, 1, 63, 64, 65, (INT64_C(1) << 34) - 70};
    for (size_t level = 0; level < sizeof levels / sizeof *levels; level++) {
        if (!suite_cpu_level(levels[level]))
            continue;
        const struct fill *fill = fill_choose();
        for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++)
            for (int count = 0; count <= 200; count++)
                if (!slice_equals(fill, firsts[f], count, false) || !slice_equals(fill, firsts[f], count, true) ||
                    !curand_equals(fill, firsts[f], count, false) || !curand_equals(fill, firsts[f], count, true))
                    ck_abort_msg("%s: %d values from element %lld", levels[level], count, (long long)firsts[f]);
    }
    suite_cpu_level(NULL);
}
END_TEST

/* Fills cannot fail: a level that does not run falls back to portable C. */
START_TEST(unknown_level) {
    nninit_context *context = suite_context();
    nninit_generator *g;
    setenv("NNINIT_CPU", "none", 1);
    ck_assert_ok(context, nninit_generator_create(&g, context, NNINIT_STREAM_TORCH, 777));
    ck_assert(g->fill == &fill_c);
    ck_assert(fill_equals(context, g, 7, 1000, false));
    suite_cpu_level(NULL);
    nninit_context_destroy(&context);
}
END_TEST

SUITE(fill, uniform, normal, counter_based, unknown_level)
