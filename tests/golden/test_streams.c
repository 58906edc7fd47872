/* SPDX-License-Identifier: MIT */
/* Every line of streams.txt, which real PyTorch made (scripts/make-golden.py), drawn again: equal to the bit. */
#include "suite.h"

#include "host/sha256.h"

static nninit_context *context;
static nninit_generator *generator;

static void hash(const void *data, size_t size, char *hex) {
    struct sha256 sha;
    sha256_init(&sha);
    sha256_update(&sha, data, size);
    sha256_finish(&sha, hex);
}

static void *room(size_t size) {
    static union {
        double d[100003];
        int64_t i[240000];
    } memory;
    ck_assert_uint_le(size, sizeof memory);
    return &memory;
}

/* "uniform-f32-16", "normal-…", "bernoulli-f32", "bernoulli-each-f32" */
static bool draw_real(const char *name, char *hex) {
    char kind[32], type[8];
    long count = 1000;
    if (sscanf(name, "%31[a-z]-%7[f0-9]-%ld", kind, type, &count) < 2 || type[0] != 'f') {
        if (sscanf(name, "bernoulli-each-%7s", type) != 1)
            return false;
        strcpy(kind, "each");
    }
    bool f32 = strcmp(type, "f32") == 0;
    nninit_dtype dtype = f32 ? NNINIT_FLOAT32 : NNINIT_FLOAT64;
    size_t size = (size_t)count * (f32 ? 4 : 8);
    void *x = room(size);
    if (strcmp(kind, "uniform") == 0) {
        ck_assert_ok(context, nninit_generator_uniform(generator, dtype, x, count, -0.3, 1.7));
    } else if (strcmp(kind, "normal") == 0) {
        ck_assert_ok(context, nninit_generator_normal(generator, dtype, x, count, 0.25, 1.5));
    } else if (strcmp(kind, "bernoulli") == 0) {
        ck_assert_ok(context, nninit_generator_bernoulli(generator, dtype, x, count, 0.3));
    } else {
        static float p32[1000];
        static double p64[1000];
        for (int i = 0; i < 1000; i++) {
            p32[i] = (float)i / 1000.0f;
            p64[i] = i / 1000.0;
        }
        ck_assert_ok(context, nninit_generator_bernoulli_each(generator, dtype, x, f32 ? (void *)p32 : p64, count));
    }
    hash(x, size, hex);
    return true;
}

static bool draw_integers(const char *name, char *hex) {
    int64_t *x = room(60000 * sizeof *x), count = 1000;
    if (strcmp(name, "random") == 0) {
        ck_assert_ok(context, nninit_generator_random(generator, x, count));
    } else if (strcmp(name, "randint-small") == 0) {
        ck_assert_ok(context, nninit_generator_randint(generator, x, count, -5, 17));
    } else if (strcmp(name, "randint-large") == 0) {
        ck_assert_ok(context, nninit_generator_randint(generator, x, count, -5, INT64_C(1) << 40));
    } else if (strncmp(name, "randperm-", 9) == 0) {
        count = atoi(name + 9);
        ck_assert_ok(context, nninit_generator_randperm(generator, x, count));
    } else {
        return false;
    }
    hash(x, (size_t)count * sizeof *x, hex);
    return true;
}

/* "state-…": the bytes of get_rng_state() in three situations. */
static bool draw_state(const char *name, char *hex) {
    if (strncmp(name, "state-", 6) != 0)
        return false;
    unsigned char state[NNINIT_TORCH_STATE_SIZE];
    static float x[5000];
    if (strcmp(name, "state-fresh") != 0) {
        nninit_generator_seed(generator, 777 + (UINT64_C(1) << 32));
        ck_assert_ok(context, nninit_generator_normal(generator, NNINIT_FLOAT32, x, 3, 0, 1));
    }
    if (strcmp(name, "state-later") == 0)
        ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT32, x, 5000, 0, 1));
    ck_assert_ok(context, nninit_generator_save(generator, state, sizeof state));
    hash(state, sizeof state, hex);
    return true;
}

static void hash_tensor(nninit_tensor *tensor, char *hex) {
    int64_t count = nninit_tensor_numel(tensor);
    float *x = malloc((size_t)count * sizeof *x);
    ck_assert_ok(context, nninit_tensor_read(tensor, x, count));
    hash(x, (size_t)count * sizeof *x, hex);
    free(x);
}

static bool draw_linear(const char *name, char *hex) {
    char part[8];
    long in, out;
    if (sscanf(name, "linear-%6[a-z]-%ldx%ld", part, &in, &out) != 3)
        return false;
    nninit_layer *layer;
    nninit_tensor *tensor;
    ck_assert_ok(context, nninit_linear_create(&layer, context, in, out, 1, generator));
    ck_assert_ok(context, nninit_layer_find(layer, part, &tensor));
    hash_tensor(tensor, hex);
    nninit_layer_destroy(&layer);
    return true;
}

/* "xavier-weight-0", "deep-default-bias-4": the notebook's stream from its beginning. */
static bool draw_net(const char *name, char *hex) {
    static const int64_t xavier[] = {784, 256, 256, 10}, deep[] = {784, 512, 512, 512, 512, 10};
    char net[8], part[8];
    int index;
    bool defaults = sscanf(name, "%6[a-z]-default-%6[a-z]-%d", net, part, &index) == 3;
    if (!defaults && sscanf(name, "%6[a-z]-weight-%d", net, &index) != 2)
        return false;
    nninit_initializer *rule;
    nninit_layer *model = NULL;
    ck_assert_ok(context, nninit_initializer_parse(&rule, context, "xavier_uniform"));
    for (int run = 0; run <= (strcmp(net, "deep") == 0); run++) {
        int64_t seeds[30];
        if (run == 1) {
            ck_assert_ok(context, nninit_layer_init(model, "*.weight", rule, generator));
            ck_assert_ok(context, nninit_generator_random(generator, seeds, 30));
        }
        nninit_layer_destroy(&model);
        ck_assert_ok(context, nninit_mlp_create(&model, context, run ? deep : xavier, run ? 6 : 4, NNINIT_RELU, generator));
    }
    if (!defaults)
        ck_assert_ok(context, nninit_layer_init(model, "*.weight", rule, generator));
    hash_tensor(nninit_layer_parameter(model, 2 * index + (defaults && strcmp(part, "bias") == 0)), hex);
    nninit_layer_destroy(&model);
    nninit_initializer_destroy(&rule);
    return true;
}

/* "RULE-SHAPE-SEED", "f64/RULE-SHAPE-SEED" */
static bool draw_rule(const char *name, char *hex) {
    bool f64 = strncmp(name, "f64/", 4) == 0;
    size_t size = f64 ? sizeof(double) : sizeof(float);
    name += f64 ? 4 : 0;
    char rule[128];
    int64_t shape[4];
    const char *seed = strrchr(name, '-'), *dims = seed;
    while (dims > name && dims[-1] != '-')
        dims--;
    snprintf(rule, sizeof rule, "%.*s", (int)(dims - name - 1), name);
    nninit_generator_seed(generator, strtoull(seed + 1, NULL, 10));
    int rank = 0;
    int64_t count = 1;
    for (const char *at = dims; at < seed; at++) {
        char *end;
        shape[rank] = strtol(at, &end, 10);
        count *= shape[rank++];
        at = end;
    }
    nninit_initializer *init;
    void *x = room((size_t)count * size);
    ck_assert_ok(context, nninit_initializer_parse(&init, context, rule));
    ck_assert_ok(context, nninit_initializer_fill(init, f64 ? NNINIT_FLOAT64 : NNINIT_FLOAT32, x, shape, rank, generator));
    hash(x, (size_t)count * size, hex);
    nninit_initializer_destroy(&init);
    return true;
}

/* "loader-ROWS-BATCH-SHUFFLE-DROP-OWN": three epochs, and the draw after them. */
static bool draw_loader(const char *name, char *hex) {
    long rows, batch;
    int shuffle, drop, own;
    if (sscanf(name, "loader-%ld-%ld-%d-%d-%d", &rows, &batch, &shuffle, &drop, &own) != 5)
        return false;
    static float x[60000];
    nninit_dataset *dataset;
    nninit_loader *loader;
    ck_assert_ok(context, nninit_dataset_wrap(&dataset, context, NNINIT_FLOAT32, x, NULL, rows, 1));
    ck_assert_ok(context, nninit_loader_create(&loader, dataset, batch,
                                               (shuffle ? NNINIT_SHUFFLE : 0u) | (drop ? NNINIT_DROP_LAST : 0u),
                                               generator));
    if (own)
        ck_assert_ok(context, nninit_loader_set_order(loader, NNINIT_ORDER_TORCH_GENERATOR, 0));
    int64_t *all = room(180001 * sizeof *all), count = 0, n;
    for (int epoch = 0; epoch < 3; epoch++) {
        const int64_t *indices;
        ck_assert_ok(context, nninit_loader_begin(loader));
        while (nninit_loader_next(loader, &indices, &n) == NNINIT_OK) {
            memcpy(all + count, indices, (size_t)n * sizeof *all);
            count += n;
        }
    }
    ck_assert_ok(context, nninit_generator_random(generator, all + count, 1));
    hash(all, (size_t)(count + 1) * sizeof *all, hex);
    nninit_loader_destroy(&loader);
    nninit_dataset_destroy(&dataset);
    return true;
}

/* PyTorch's trunc_normal_ takes log, exp and erf from the C library, whose last bit differs from one processor to another
 * (docs/numerics.md): the lines hold where they were made. */
static bool holds_here(const char *name) {
#if defined(__x86_64__)
    (void)name;
    return true;
#else
    return !strstr(name, "trunc_normal");
#endif
}

static int check_profile(const char *profile, nninit_stream stream) {
    char which[8], name[128], want[65], got[65], line[256];
    int count = 0, skipped = 0;
    FILE *file = fopen(suite_path("golden/streams.txt"), "r");
    ck_assert_ptr_nonnull(file);
    context = suite_context();
    ck_assert_ok(context, nninit_generator_create(&generator, context, stream, 777));
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%7s %127s %64s", which, name, want) != 3 || strcmp(which, profile) != 0)
            continue;
        count++;
        if (!holds_here(name)) {
            skipped++;
            continue;
        }
        nninit_generator_seed(generator, 777);
        bool drawn = draw_loader(name, got) || draw_state(name, got) || draw_integers(name, got) ||
                     draw_linear(name, got) || (!strchr(name, ':') && (draw_net(name, got) || draw_real(name, got))) ||
                     draw_rule(name, got);
        ck_assert_msg(drawn && strcmp(want, got) == 0, "%s %s", profile, name);
    }
    if (skipped)
        printf("%s: %d lines of trunc_normal skipped: they are those of x86-64's C library\n", profile, skipped);
    fclose(file);
    nninit_context_destroy(&context);
    return count;
}

START_TEST(equals_pytorch_avx2) {
    ck_assert_int_ge(check_profile("avx2", NNINIT_STREAM_TORCH), 210);
}
END_TEST

START_TEST(equals_pytorch_base) {
    ck_assert_int_ge(check_profile("base", NNINIT_STREAM_TORCH_BASE), 190);
}
END_TEST

SUITE(streams, equals_pytorch_avx2, equals_pytorch_base)
