/* SPDX-License-Identifier: MIT */
/* cuRAND's numbers: every line of curand.txt, which the real library made (scripts/make-golden-curand.py), drawn again; and,
 * where libcurand.so.10 is installed, many more. Normals in float32 have log, sine and cosine of ours. */
#include "suite.h"

#include "host/sha256.h"

#include <dlfcn.h>
#include <float.h>
#include <math.h>

enum { MOST = 1 << 20 };

static nninit_context *context;
static nninit_generator *generator;

static union {
    uint32_t words[MOST];
    float f[MOST];
    double d[MOST];
} got, want;

static enum kind { WORDS, UNIFORM, UNIFORM64, NORMAL, NORMAL64, KINDS } kind_named(const char *name) {
    static const char *const names[] = {"words", "uniform", "uniform64", "normal", "normal64"};
    int kind = 0;
    while (kind < KINDS && strcmp(name, names[kind]) != 0)
        kind++;
    ck_assert_msg(kind < KINDS, "unknown kind \"%s\"", name);
    return (enum kind)kind;
}

static void go_to(uint64_t seed, uint64_t offset) {
    unsigned char state[NNINIT_CURAND_STATE_SIZE] = {0};
    for (int i = 0; i < 8; i++) {
        state[i] = (unsigned char)(seed >> (8 * i));
        state[8 + i] = (unsigned char)(offset >> (8 * i));
    }
    ck_assert_ok(context, nninit_generator_restore(generator, state, sizeof state));
}

/* To `got`. */
static void draw(enum kind kind, int64_t count) {
    static int64_t words[MOST];
    const nninit_dtype dtype = kind == UNIFORM64 || kind == NORMAL64 ? NNINIT_FLOAT64 : NNINIT_FLOAT32;
    ck_assert_int_le(count, MOST);
    if (kind == UNIFORM || kind == UNIFORM64) {
        ck_assert_ok(context, nninit_generator_uniform(generator, dtype, &got, count, 0, 1));
    } else if (kind != WORDS) {
        ck_assert_ok(context, nninit_generator_normal(generator, dtype, &got, count, 0, 1));
    } else {
        ck_assert_ok(context, nninit_generator_randint(generator, words, count, 0, INT64_C(1) << 32));
        for (int64_t i = 0; i < count; i++)
            got.words[i] = (uint32_t)words[i];
    }
}

static size_t size_of(enum kind kind) {
    return kind == UNIFORM64 || kind == NORMAL64 ? sizeof(double) : sizeof(float);
}

/* docs/numerics.md; in float64 only the C libraries' functions can differ. */
static bool is_near(enum kind kind, double x, double z) {
    return fabs(x - z) <= (kind == NORMAL ? 3 * 0x1p-23 * fmax(1, fabs(z)) : 8 * DBL_EPSILON);
}

static double normal_at(enum kind kind, int64_t i) {
    return kind == NORMAL ? (double)got.f[i] : got.d[i];
}

/* The results after the "=" of a line are those in `got`. */
static void compare(enum kind kind, int64_t count, char **rest, const char *line) {
    if (kind != NORMAL && kind != NORMAL64) {
        struct sha256 sha;
        char hex[65];
        sha256_init(&sha);
        sha256_update(&sha, &got, (size_t)count * size_of(kind));
        sha256_finish(&sha, hex);
        ck_assert_msg(strcmp(strtok_r(NULL, " \n", rest), hex) == 0, "%s", line);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const double z = strtod(strtok_r(NULL, " \n", rest), NULL);
        ck_assert_msg(is_near(kind, normal_at(kind, i), z), "%s: normal %d is %a", line, (int)i, normal_at(kind, i));
    }
}

/* "seed offset kind:count … = result", the result that of the last call. */
static void check_line(const char *line) {
    char text[2048], *rest, *token;
    enum kind kind = KINDS;
    int64_t count = 0;
    strcpy(text, line);
    const uint64_t seed = strtoull(strtok_r(text, " ", &rest), NULL, 10);
    go_to(seed, strtoull(strtok_r(NULL, " ", &rest), NULL, 10));
    while (strcmp(token = strtok_r(NULL, " ", &rest), "=") != 0) {
        char *colon = strchr(token, ':');
        *colon = 0;
        kind = kind_named(token);
        count = atoll(colon + 1);
        draw(kind, count);
    }
    compare(kind, count, &rest, line);
}

static void begin(void) {
    context = suite_context();
    ck_assert_ok(context, nninit_generator_create(&generator, context, NNINIT_STREAM_CURAND, 777));
}

START_TEST(equals_curand) {
    static const char *const levels[] = {"avx512", "avx2", "neon", "c", NULL};
    char line[2048];
    for (size_t level = 0; level < sizeof levels / sizeof *levels; level++) {
        if (!suite_cpu_level(levels[level]))
            continue;
        int lines = 0;
        FILE *file = fopen(suite_path("golden/curand.txt"), "r");
        ck_assert_ptr_nonnull(file);
        begin();
        for (; fgets(line, sizeof line, file); lines += line[0] != '#')
            if (line[0] != '#')
                check_line(line);
        fclose(file);
        nninit_context_destroy(&context);
        ck_assert_int_eq(lines, 130);
    }
}
END_TEST

/* The library's calls, by the numbers of its enums: curand.h need not be there. */
struct curand {
    int (*create)(void **generator, int type), (*destroy)(void *generator);
    int (*seed)(void *generator, unsigned long long seed), (*offset)(void *generator, unsigned long long offset);
    int (*words)(void *generator, uint32_t *x, size_t count);
    int (*uniform)(void *generator, float *x, size_t count);
    int (*uniform64)(void *generator, double *x, size_t count);
    int (*normal)(void *generator, float *x, size_t count, float mean, float std);
    int (*normal64)(void *generator, double *x, size_t count, double mean, double std);
    void *generator;
};

static void *library; /* stays open: its memory is not given back by dlclose(), which would look like a leak of ours */

static void find(void *function, const char *name) {
    void *symbol = dlsym(library, name);
    ck_assert_msg(symbol != NULL, "libcurand.so.10 has no %s", name);
    memcpy(function, &symbol, sizeof symbol);
}

static bool curand_open(struct curand *c) {
    library = dlopen("libcurand.so.10", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        printf("skipped: %s\n", dlerror());
        return false;
    }
    find(&c->create, "curandCreateGeneratorHost");
    find(&c->destroy, "curandDestroyGenerator");
    find(&c->seed, "curandSetPseudoRandomGeneratorSeed");
    find(&c->offset, "curandSetGeneratorOffset");
    find(&c->words, "curandGenerate");
    find(&c->uniform, "curandGenerateUniform");
    find(&c->uniform64, "curandGenerateUniformDouble");
    find(&c->normal, "curandGenerateNormal");
    find(&c->normal64, "curandGenerateNormalDouble");
    return true;
}

static int curand_draw(const struct curand *c, enum kind kind, int64_t count) {
    switch (kind) {
    case WORDS: return c->words(c->generator, want.words, (size_t)count);
    case UNIFORM: return c->uniform(c->generator, want.f, (size_t)count);
    case UNIFORM64: return c->uniform64(c->generator, want.d, (size_t)count);
    case NORMAL: return c->normal(c->generator, want.f, (size_t)count, 0, 1);
    default: return c->normal64(c->generator, want.d, (size_t)count, 0, 1);
    }
}

/* Wrong values of a call that both make; of equal ones the number is added up. */
static int64_t differ(enum kind kind, int64_t count, int64_t *equal) {
    int64_t wrong = 0;
    if (kind != NORMAL && kind != NORMAL64)
        return memcmp(&got, &want, (size_t)count * size_of(kind)) != 0;
    for (int64_t i = 0; i < count; i++) {
        const double z = kind == NORMAL ? (double)want.f[i] : want.d[i];
        *equal += normal_at(kind, i) == z;
        wrong += !is_near(kind, normal_at(kind, i), z);
    }
    return wrong;
}

/* Eight calls in a row of changing kinds and counts, doubles apart from the others, from many places. */
START_TEST(equals_the_library) {
    struct curand c;
    if (!curand_open(&c))
        return;
    int64_t wrong = 0, normals = 0, equal = 0;
    begin();
    for (uint64_t run = 0; run < 40; run++) {
        const bool doubles = run % 4 == 3;
        const uint64_t seed = run * UINT64_C(0x9e3779b97f4a7c15);
        const uint64_t offset = doubles ? run << 18 : run * run * UINT64_C(0x123456789ab);
        ck_assert_int_eq(c.create(&c.generator, 161), 0);
        ck_assert_int_eq(c.seed(c.generator, seed), 0);
        ck_assert_int_eq(c.offset(c.generator, offset), 0);
        go_to(seed, offset);
        for (uint64_t call = 0; call < 8; call++) {
            static const enum kind singles[] = {WORDS, NORMAL, UNIFORM, NORMAL};
            const enum kind kind = doubles ? (call % 2 ? UNIFORM64 : NORMAL64) : singles[(run + call) % 4];
            const int64_t count = (int64_t)(seed >> (3 * call)) & (call == 5 ? MOST - 1 : 0xffff);
            int64_t same = 0;
            ck_assert_int_eq(curand_draw(&c, kind, count), 0);
            draw(kind, count);
            wrong += differ(kind, count, &same);
            normals += kind == NORMAL ? count : 0;
            equal += kind == NORMAL ? same : 0;
        }
        ck_assert_int_eq(c.destroy(c.generator), 0);
    }
    nninit_context_destroy(&context);
    printf("%lld normals, %.1f %% equal to the bit\n", (long long)normals, 100.0 * (double)equal / (double)normals);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(normals, 1000000);
    ck_assert(equal > normals / 5 * 4);
}
END_TEST

SUITE(curand, equals_curand, equals_the_library)
