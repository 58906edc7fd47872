/* SPDX-License-Identifier: MIT */
/* Generators: known words and hashes of PyTorch 1.13, states, bad input, the caller's floating-point environment. */
#include "suite.h"

#include "generator.h"
#include "host/philox.h"
#include "host/sha256.h"

#include <fenv.h>
#include <math.h>

static void assert_hash(const void *data, size_t size, const char *first16) {
    struct sha256 sha;
    char hex[65];
    sha256_init(&sha);
    sha256_update(&sha, data, size);
    sha256_finish(&sha, hex);
    hex[16] = 0;
    ck_assert_str_eq(hex, first16);
}

static nninit_generator *make(nninit_context *context, nninit_stream stream, uint64_t seed) {
    nninit_generator *generator;
    ck_assert_ok(context, nninit_generator_create(&generator, context, stream, seed));
    return generator;
}

START_TEST(known_words) {
    static const uint32_t words[] = {0x2714f867, 0xa57dbb2f, 0x4d673e3b, 0x3362cba6, 0x0fe19e57, 0xa2e18fb1};
    static const uint32_t rand4[] = {0x3da7c338, 0x3efb765e, 0x3ece7c76, 0x3ec5974c};
    struct mt19937 mt;
    mt19937_seed(&mt, 777 + (UINT64_C(1) << 32));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_uint_eq(mt19937_draw(&mt), words[i]);
    nninit_context *context = suite_context();
    nninit_generator *generator = make(context, NNINIT_STREAM_TORCH, 777);
    float x[4];
    ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT32, x, 4, 0, 1));
    ck_assert_mem_eq(x, rand4, sizeof x);
    nninit_generator_seed(generator, UINT64_MAX); /* manual_seed(-1) */
    ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT32, x, 4, 0, 1));
    assert_hash(x, sizeof x, "6a3d06ac1e46ff57");
    nninit_context_destroy(&context);
}
END_TEST

/* The 10,000th word of the seed 5489, which the C++ standard demands of std::mt19937. */
START_TEST(ten_thousandth_word) {
    struct mt19937 mt;
    mt19937_seed(&mt, 5489);
    for (int i = 1; i < 10000; i++)
        mt19937_draw(&mt);
    ck_assert_uint_eq(mt19937_draw(&mt), 4123659995u);
}
END_TEST

/* Known answers of Random123. */
START_TEST(philox_known_answers) {
    static const uint32_t zero[4] = {0, 0, 0, 0}, ones[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    static const uint32_t of_zero[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    static const uint32_t of_ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    uint32_t word[4];
    philox(0, zero, word);
    ck_assert_mem_eq(word, of_zero, sizeof word);
    philox(UINT64_MAX, ones, word);
    ck_assert_mem_eq(word, of_ones, sizeof word);
}
END_TEST

START_TEST(known_normals) {
    static float x[100003];
    nninit_context *context = suite_context();
    for (int base = 0; base < 2; base++) {
        nninit_generator *generator = make(context, base ? NNINIT_STREAM_TORCH_BASE : NNINIT_STREAM_TORCH, 777);
        ck_assert_ok(context, nninit_generator_normal(generator, NNINIT_FLOAT32, x, 100003, 0, 1));
        assert_hash(x, sizeof x, base ? "5531387b89d7f36c" : "ad2542fd5156954e");
        nninit_generator_seed(generator, 777);
        ck_assert_ok(context, nninit_generator_normal(generator, NNINIT_FLOAT32, x, 7, 0, 1));
        assert_hash(x, 7 * sizeof *x, "26574a4df044f426");
    }
    nninit_context_destroy(&context);
}
END_TEST

/* Epoch 1 of a loader: base seed, sampler seed, and the permutation of a private generator. */
START_TEST(known_permutation) {
    static const int64_t first[] = {53200, 56713, 2823, 18138, 58128, 8055, 41016, 44163};
    static int64_t order[60000];
    static float skipped[784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10 + 784 * 256 + 256 * 256 + 256 * 10];
    nninit_context *context = suite_context();
    nninit_generator *generator = make(context, NNINIT_STREAM_TORCH, 777);
    ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT32, skipped,
                                                   sizeof skipped / sizeof *skipped, 0, 1));
    ck_assert_int_eq(generator_random(generator), INT64_C(2022611811639753002));
    int64_t seed = generator_random(generator);
    ck_assert_int_eq(seed, INT64_C(8051507444371830358));
    nninit_generator_seed(generator, (uint64_t)seed);
    ck_assert_ok(context, nninit_generator_randperm(generator, order, 60000));
    ck_assert_mem_eq(order, first, sizeof first);
    assert_hash(order, sizeof order, "ef099d67a23935db");
    nninit_context_destroy(&context);
}
END_TEST

/* The state that torch has after manual_seed(1); rand(5); empty(1).normal_(), and what it draws then. */
START_TEST(state_goes_on) {
    static float x[1000];
    double y[2];
    unsigned char state[NNINIT_TORCH_STATE_SIZE], again[NNINIT_TORCH_STATE_SIZE];
    nninit_context *context = suite_context();
    nninit_generator *a = make(context, NNINIT_STREAM_TORCH, 1), *b = make(context, NNINIT_STREAM_TORCH, 9);
    ck_assert_ok(context, nninit_generator_uniform(a, NNINIT_FLOAT32, x, 5, 0, 1));
    ck_assert_ok(context, nninit_generator_normal(a, NNINIT_FLOAT32, x, 1, 0, 1));
    ck_assert_uint_eq(nninit_generator_state_size(a), sizeof state);
    ck_assert_ok(context, nninit_generator_save(a, state, sizeof state));
    assert_hash(state, sizeof state, "2e690baa1e349730");
    ck_assert_ok(context, nninit_generator_restore(b, state, sizeof state));
    ck_assert_ok(context, nninit_generator_save(b, again, sizeof again));
    ck_assert_mem_eq(state, again, sizeof state);
    ck_assert_ok(context, nninit_generator_normal(b, NNINIT_FLOAT64, y, 2, 0, 1));
    ck_assert_ok(context, nninit_generator_uniform(b, NNINIT_FLOAT32, x, 1000, 0, 1));
    assert_hash(y, sizeof y, "a70a9ade8383cccb");
    assert_hash(x, sizeof x, "00d2e6b9d2970e75");
    nninit_context_destroy(&context);
}
END_TEST

/* Save and restore after any number of words, the block's ends included. */
START_TEST(state_at_every_place) {
    static const int places[] = {0, 1, 2, 622, 623, 624, 625, 1247, 1248, 1249};
    static float x[1300];
    float want[3], got[3];
    unsigned char state[NNINIT_TORCH_STATE_SIZE];
    nninit_context *context = suite_context();
    nninit_generator *a = make(context, NNINIT_STREAM_TORCH, 777), *b = make(context, NNINIT_STREAM_TORCH, 9);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        nninit_generator_seed(a, 777);
        ck_assert_ok(context, nninit_generator_uniform(a, NNINIT_FLOAT32, x, places[i], 0, 1));
        ck_assert_ok(context, nninit_generator_save(a, state, sizeof state));
        if (places[i] == 624)
            assert_hash(state, sizeof state, "24ab6a8b883e3f0b");
        ck_assert_ok(context, nninit_generator_restore(b, state, sizeof state));
        ck_assert_ok(context, nninit_generator_uniform(a, NNINIT_FLOAT32, want, 3, 0, 1));
        ck_assert_ok(context, nninit_generator_uniform(b, NNINIT_FLOAT32, got, 3, 0, 1));
        ck_assert_mem_eq(want, got, sizeof want);
    }
    nninit_context_destroy(&context);
}
END_TEST

/* The same at many places, some with a cached half of a pair. */
START_TEST(state_with_cached_halves) {
    unsigned char state[NNINIT_TORCH_STATE_SIZE];
    float x[21], y[21];
    nninit_context *context = suite_context();
    nninit_generator *a = make(context, NNINIT_STREAM_TORCH, 5), *b = make(context, NNINIT_STREAM_TORCH, 6);
    for (int n = 0; n < 100; n++) {
        ck_assert_ok(context, nninit_generator_normal(a, NNINIT_FLOAT32, x, n % 3, 0, 1));
        ck_assert_ok(context, nninit_generator_save(a, state, sizeof state));
        ck_assert_ok(context, nninit_generator_restore(b, state, sizeof state));
        ck_assert_ok(context, nninit_generator_normal(a, NNINIT_FLOAT32, x, 5, 0, 1));
        ck_assert_ok(context, nninit_generator_uniform(a, NNINIT_FLOAT32, x + 5, 16, 0, 1));
        ck_assert_ok(context, nninit_generator_normal(b, NNINIT_FLOAT32, y, 5, 0, 1));
        ck_assert_ok(context, nninit_generator_uniform(b, NNINIT_FLOAT32, y + 5, 16, 0, 1));
        ck_assert_mem_eq(x, y, sizeof x);
    }
    nninit_context_destroy(&context);
}
END_TEST

/* Offset and value of one damaged byte each: left, left's sign, seeded, next, a word's high half. */
START_TEST(damaged_state_changes_nothing) {
    static const struct {
        size_t at;
        unsigned char value;
    } damage[] = {{8, 0}, {11, 0x80}, {12, 0}, {17, 0x7f}, {16, 9}, {24 + 8 * 5 + 4, 1}};
    unsigned char state[NNINIT_TORCH_STATE_SIZE], bad[NNINIT_TORCH_STATE_SIZE], after[NNINIT_TORCH_STATE_SIZE];
    float x[3];
    nninit_context *context = suite_context();
    nninit_generator *generator = make(context, NNINIT_STREAM_TORCH, 777);
    ck_assert_ok(context, nninit_generator_normal(generator, NNINIT_FLOAT32, x, 3, 0, 1));
    ck_assert_ok(context, nninit_generator_save(generator, state, sizeof state));
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        memcpy(bad, state, sizeof bad);
        if (damage[i].at == 8)
            bad[9] = 0;
        bad[damage[i].at] = damage[i].value;
        ck_assert_int_eq(nninit_generator_restore(generator, bad, sizeof bad), NNINIT_ERR_FORMAT);
        ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "state"));
        ck_assert_ok(context, nninit_generator_save(generator, after, sizeof after));
        ck_assert_mem_eq(state, after, sizeof state);
    }
    ck_assert_int_eq(nninit_generator_restore(generator, state, sizeof state - 1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_restore(generator, NULL, sizeof state), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_save(generator, state, 0), NNINIT_ERR_INVALID);
    ck_assert_uint_eq(nninit_generator_state_size(NULL), 0);
    nninit_context_destroy(&context);
}
END_TEST

#define assert_invalid(call) ck_assert_int_eq(call, NNINIT_ERR_INVALID)

START_TEST(bad_input_draws_nothing) {
    unsigned char before[NNINIT_TORCH_STATE_SIZE], after[NNINIT_TORCH_STATE_SIZE];
    float x[2] = {5, 6}, p[2] = {0.5f, 1.5f};
    int64_t n[2];
    nninit_context *context = suite_context();
    nninit_generator *g = make(context, NNINIT_STREAM_TORCH, 777), *none = g;
    assert_invalid(nninit_generator_create(&none, context, (nninit_stream)0, 1));
    ck_assert_ptr_null(none);
    assert_invalid(nninit_generator_create(&none, NULL, NNINIT_STREAM_TORCH, 1));
    assert_invalid(nninit_generator_create(NULL, context, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(context, nninit_generator_save(g, before, sizeof before));
    assert_invalid(nninit_generator_seed(NULL, 1));
    assert_invalid(nninit_generator_uniform(NULL, NNINIT_FLOAT32, x, 2, 0, 1));
    assert_invalid(nninit_generator_uniform(g, NNINIT_UINT8, x, 2, 0, 1));
    assert_invalid(nninit_generator_uniform(g, NNINIT_FLOAT32, NULL, 2, 0, 1));
    assert_invalid(nninit_generator_uniform(g, NNINIT_FLOAT32, x, -1, 0, 1));
    assert_invalid(nninit_generator_uniform(g, NNINIT_FLOAT32, x, 2, 1, 0));
    assert_invalid(nninit_generator_uniform(g, NNINIT_FLOAT32, x, 2, 0, 1e39));
    assert_invalid(nninit_generator_uniform(g, NNINIT_FLOAT32, x, 2, NAN, 1));
    assert_invalid(nninit_generator_uniform(g, NNINIT_FLOAT64, x, 1, -1.7e308, 1.7e308));
    assert_invalid(nninit_generator_normal(g, NNINIT_FLOAT32, x, 2, 0, -1));
    assert_invalid(nninit_generator_normal(g, NNINIT_FLOAT32, x, 2, INFINITY, 1));
    assert_invalid(nninit_generator_random(g, NULL, 1));
    assert_invalid(nninit_generator_randint(g, n, 2, 3, 3));
    assert_invalid(nninit_generator_randint(g, n, 2, INT64_MIN, INT64_MAX));
    assert_invalid(nninit_generator_bernoulli(g, NNINIT_FLOAT32, x, 2, 1.01));
    assert_invalid(nninit_generator_bernoulli_each(g, NNINIT_FLOAT32, x, p, 2));
    assert_invalid(nninit_generator_bernoulli_each(g, NNINIT_FLOAT32, x, NULL, 2));
    assert_invalid(nninit_generator_randperm(g, n, -1));
    assert_invalid(nninit_generator_randperm(g, n, INT64_C(1) << 31));
    ck_assert(x[0] == 5 && x[1] == 6);
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT32, NULL, 0, 0, 1));
    ck_assert_ok(context, nninit_generator_randperm(g, NULL, 0));
    ck_assert_ok(context, nninit_generator_randperm(g, n, 1));
    ck_assert_ok(context, nninit_generator_save(g, after, sizeof after));
    ck_assert_mem_eq(before, after, sizeof before);
    nninit_context_destroy(&context);
}
END_TEST

/* Everything that draws reals, into x[0..99] and y[0..79]. */
static void draw_all(nninit_context *context, nninit_generator *g, float *x, double *y) {
    static const float p[20] = {0.5f, 0x1p-149f, 0.1f, 0.9f, 1};
    nninit_generator_seed(g, 777);
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT32, x, 20, -0.1, 0.3));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, x + 20, 7, 0.1, 0.3));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, x + 27, 33, 0.1, 0.3));
    ck_assert_ok(context, nninit_generator_bernoulli(g, NNINIT_FLOAT32, x + 60, 20, 0.3));
    ck_assert_ok(context, nninit_generator_bernoulli_each(g, NNINIT_FLOAT32, x + 80, p, 20));
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT64, y, 40, -0.1, 0.3));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT64, y + 40, 7, 0.1, 0.3));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT64, y + 47, 33, 0.1, 0.3));
}

/* The rounding mode of the caller changes no bit, and is given back. */
START_TEST(any_rounding_mode) {
    static const int modes[] = {
#ifdef FE_UPWARD
        FE_UPWARD,
#endif
#ifdef FE_TOWARDZERO
        FE_TOWARDZERO,
#endif
        FE_TONEAREST};
    float want[100], x[100];
    double want64[80], y[80];
    nninit_context *context = suite_context();
    for (int stream = NNINIT_STREAM_TORCH; stream <= NNINIT_STREAM_CURAND; stream++) {
        nninit_generator *g = make(context, (nninit_stream)stream, 777);
        draw_all(context, g, want, want64);
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
            fesetround(modes[i]);
            draw_all(context, g, x, y);
            int mode = fegetround();
            fesetround(FE_TONEAREST);
            ck_assert_int_eq(mode, modes[i]);
            ck_assert_mem_eq(want, x, sizeof x);
            ck_assert_mem_eq(want64, y, sizeof y);
        }
    }
    nninit_context_destroy(&context);
}
END_TEST

/* Element i of draw s as docs/numerics.md has it. */
static uint32_t counted(uint64_t seed, uint64_t draw, uint64_t i) {
    uint32_t word[4];
    philox(seed, (const uint32_t[]){(uint32_t)(i / 4), (uint32_t)(i / 4 >> 32), (uint32_t)draw, (uint32_t)(draw >> 32)}, word);
    return word[i % 4];
}

static uint64_t counted64(uint64_t seed, uint64_t draw, uint64_t i) {
    return (uint64_t)counted(seed, draw, 2 * i) << 32 | counted(seed, draw, 2 * i + 1);
}

START_TEST(counter_based_draws) {
    enum { N = 100 };
    const uint64_t seed = UINT64_C(777) << 32 | 5;
    nninit_context *context = suite_context();
    nninit_generator *g = make(context, NNINIT_STREAM_PHILOX, seed);
    float f[N], p[N], ones[N];
    double d[N], normal[N], zero_one[N];
    int64_t random[N], narrow[N], wide[N], order[N];
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT32, f, N, 0, 1));
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT64, d, N, 0, 1));
    ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT64, normal, N, 2, 3));
    ck_assert_ok(context, nninit_generator_random(g, random, N));
    ck_assert_ok(context, nninit_generator_randint(g, narrow, N, -5, 1000));
    ck_assert_ok(context, nninit_generator_randint(g, wide, N, 0, INT64_C(1) << 40));
    ck_assert_ok(context, nninit_generator_bernoulli(g, NNINIT_FLOAT64, zero_one, N, 0.25));
    for (int i = 0; i < N; i++)
        p[i] = (float)i / N;
    ck_assert_ok(context, nninit_generator_bernoulli_each(g, NNINIT_FLOAT32, ones, p, N));
    ck_assert_ok(context, nninit_generator_randperm(g, order, N));
    int wrong = 0, permuted[N];
    for (int i = 0; i < N; i++)
        permuted[i] = i;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t pair = i / 2 * 2, other = i + (i + 1 < N ? counted(seed, 8, i) % (N - i) : 0);
        double radius = sqrt(-2 * log(1 - (double)(counted64(seed, 2, pair) >> 11) * 0x1p-53));
        double angle = 2 * acos(-1) * ((double)(counted64(seed, 2, pair + 1) >> 11) * 0x1p-53);
        int kept = permuted[i];
        permuted[i] = permuted[other];
        permuted[other] = kept;
        wrong += f[i] != (float)(counted(seed, 0, i) >> 8) * 0x1p-24f;
        wrong += d[i] != (double)(counted64(seed, 1, i) >> 11) * 0x1p-53;
        wrong += fabs(normal[i] - (2 + 3 * radius * (i % 2 ? sin(angle) : cos(angle)))) > 1e-14;
        wrong += random[i] != (int64_t)(counted64(seed, 3, i) >> 1);
        wrong += narrow[i] != -5 + (int64_t)(counted(seed, 4, i) % 1005);
        wrong += wide[i] != (int64_t)(counted64(seed, 5, i) & ((UINT64_C(1) << 40) - 1));
        wrong += zero_one[i] != ((double)(counted64(seed, 6, i) >> 11) * 0x1p-53 < 0.25);
        wrong += ones[i] != ((float)(counted(seed, 7, i) >> 8) * 0x1p-24f < p[i]);
    }
    for (int i = 0; i < N; i++)
        wrong += order[i] != permuted[i];
    ck_assert_int_eq(wrong, 0);
    nninit_context_destroy(&context);
}
END_TEST

/* What is drawn depends neither on how much is drawn, nor on how much was drawn before. */
START_TEST(counter_based_counts) {
    nninit_context *context = suite_context();
    nninit_generator *a = make(context, NNINIT_STREAM_PHILOX, 1), *b = make(context, NNINIT_STREAM_PHILOX, 2);
    float x[300], y[300];
    unsigned char state[NNINIT_PHILOX_STATE_SIZE];
    ck_assert_uint_eq(nninit_generator_state_size(a), sizeof state);
    for (int count = 0; count < 300; count++) {
        ck_assert_ok(context, nninit_generator_save(a, state, sizeof state));
        ck_assert_ok(context, nninit_generator_restore(b, state, sizeof state));
        nninit_status status = count % 2 ? nninit_generator_normal(a, NNINIT_FLOAT32, x, 300, 0, 1)
                                         : nninit_generator_uniform(a, NNINIT_FLOAT32, x, 300, 0, 1);
        ck_assert_ok(context, status);
        status = count % 2 ? nninit_generator_normal(b, NNINIT_FLOAT32, y, count, 0, 1)
                           : nninit_generator_uniform(b, NNINIT_FLOAT32, y, count, 0, 1);
        ck_assert_ok(context, status);
        ck_assert_mem_eq(x, y, (size_t)count * sizeof *x);
        ck_assert_int_eq(nninit_generator_save(b, state, sizeof state - 1), NNINIT_ERR_INVALID);
    }
    ck_assert_ok(context, nninit_generator_seed(a, UINT64_C(1) << 32));
    ck_assert_ok(context, nninit_generator_seed(b, 0));
    ck_assert_ok(context, nninit_generator_uniform(a, NNINIT_FLOAT32, x, 10, 0, 1));
    ck_assert_ok(context, nninit_generator_uniform(b, NNINIT_FLOAT32, y, 10, 0, 1));
    ck_assert_mem_ne(x, y, 10 * sizeof *x);
    nninit_context_destroy(&context);
}
END_TEST

/* An allocator that can be told to fail. */
static bool exhausted;

static void *allocate(void *user, size_t size) {
    (void)user;
    return exhausted ? NULL : malloc(size);
}

static void release(void *user, void *memory) {
    (void)user;
    free(memory);
}

/* Large draws are cut for threads, and come out alike; without memory for threads too. */
START_TEST(draws_in_parallel) {
    enum { MANY = (1 << 20) + 7, PLANS = 4 };
    static float first[2][MANY], x[2][MANY];
    for (int k = 0; k < 2 * PLANS; k++) {
        const nninit_context_options options = {.size = sizeof options, .threads = k % PLANS + 1, .alloc = allocate, .free = release};
        float(*to)[MANY] = k % PLANS ? x : first;
        nninit_context *context;
        ck_assert_int_eq(nninit_context_create(&context, &options), NNINIT_OK);
        nninit_generator *g = make(context, k < PLANS ? NNINIT_STREAM_PHILOX : NNINIT_STREAM_CURAND, 777);
        exhausted = k % PLANS == PLANS - 1;
        ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT32, to[0], MANY, -1, 1));
        ck_assert_ok(context, nninit_generator_normal(g, NNINIT_FLOAT32, to[1], MANY, 0, 1));
        exhausted = false;
        ck_assert_int_eq(memcmp(to, first, sizeof first), 0);
        nninit_context_destroy(&context);
    }
}
END_TEST

SUITE(generator, counter_based_draws, counter_based_counts, draws_in_parallel, known_words, ten_thousandth_word,
      philox_known_answers, known_normals, known_permutation, state_goes_on, state_at_every_place, state_with_cached_halves,
      damaged_state_changes_nothing, bad_input_draws_nothing, any_rounding_mode)
