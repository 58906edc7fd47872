/* SPDX-License-Identifier: MIT */
/* The order of batches, and what the generator has drawn after each, against PyTorch 1.13's DataLoader. */
#include "suite.h"

#include "generator.h"
#include "host/sha256.h"

enum { MOST = 60000 };

static nninit_context *c;
static nninit_generator *generator;
static uint8_t pixels[MOST];

static int64_t peek(void) {
    struct mt19937 copy = generator->mt;
    return (int64_t)(mt19937_draw64(&copy) & INT64_MAX);
}

static nninit_loader *make_loader(int64_t rows, int64_t batch, unsigned flags, int order) {
    nninit_dataset *dataset;
    nninit_loader *loader;
    ck_assert_ok(c, nninit_dataset_wrap(&dataset, c, NNINIT_UINT8, pixels, NULL, rows, 1));
    ck_assert_ok(c, nninit_loader_create(&loader, dataset, batch, flags, generator));
    ck_assert_ok(c, nninit_loader_set_order(loader, (nninit_order)order, 0));
    nninit_dataset_destroy(&dataset);
    return loader;
}

/* Go through an epoch as make-golden-loader.py does; the second is given up after a batch. */
static void hash_epoch(nninit_loader *loader, bool give_up, char *hex) {
    struct sha256 sha;
    const int64_t *indices;
    int64_t rows;
    sha256_init(&sha);
    ck_assert_ok(c, nninit_loader_begin(loader));
    while (nninit_loader_next(loader, &indices, &rows) != NNINIT_END) {
        const int64_t after = peek();
        sha256_update(&sha, &rows, sizeof rows);
        sha256_update(&sha, indices, (size_t)rows * sizeof *indices);
        sha256_update(&sha, &after, sizeof after);
        if (give_up)
            break;
    }
    sha256_finish(&sha, hex);
}

START_TEST(equals_dataloader) {
    FILE *file = fopen(suite_path("golden/loader_order.txt"), "r");
    ck_assert_ptr_nonnull(file);
    c = suite_context();
    ck_assert_ok(c, nninit_generator_create(&generator, c, NNINIT_STREAM_TORCH, 777));
    nninit_loader *loader = NULL;
    long long rows, batch, epoch, after;
    unsigned flags;
    int order, lines = 0;
    char want[65], hex[65];
    while (fscanf(file, "%lld %lld %u %d %lld %64s %lld", &rows, &batch, &flags, &order, &epoch, want, &after) == 7) {
        if (epoch == 0) {
            nninit_loader_destroy(&loader);
            ck_assert_ok(c, nninit_generator_seed(generator, 777));
            loader = make_loader(rows, batch, flags, order);
        }
        hash_epoch(loader, epoch == 1, hex);
        ck_assert_msg(strcmp(hex, want) == 0 && peek() == after, "%lld rows by %lld, flags %u, order %d, epoch %lld",
                      rows, batch, flags, order, epoch);
        ck_assert_int_eq(nninit_loader_epochs(loader), epoch == 1 ? 1 : epoch + 1);
        lines++;
    }
    fclose(file);
    ck_assert_int_eq(lines, 144);
    nninit_context_destroy(&c);
}
END_TEST

static void check_epoch(nninit_loader *loader, int64_t base_seed, int64_t sampler_seed, const int64_t first[8],
                        const char *start) {
    const int64_t *indices;
    int64_t rows, seen = 0;
    char hex[65];
    struct sha256 sha;
    sha256_init(&sha);
    ck_assert_int_eq(peek(), base_seed);
    ck_assert_ok(c, nninit_loader_begin(loader));
    ck_assert_int_eq(peek(), sampler_seed);
    while (nninit_loader_next(loader, &indices, &rows) == NNINIT_OK) {
        if (seen == 0)
            ck_assert_mem_eq(indices, first, 8 * sizeof *first);
        sha256_update(&sha, indices, (size_t)rows * sizeof *indices);
        seen += rows;
    }
    sha256_finish(&sha, hex);
    ck_assert_int_eq(seen, MOST);
    ck_assert_msg(strncmp(hex, start, strlen(start)) == 0, "%s", hex);
}

/* The lecture's first net: seed 777, layers, Xavier, then 15 epochs. */
START_TEST(equals_the_notebook) {
    static const int64_t widths[] = {784, 256, 256, 10};
    static const int64_t first[8] = {53200, 56713, 2823, 18138, 58128, 8055, 41016, 44163};
    static const int64_t last[8] = {35303, 14173, 33679, 15941, 7998, 41981, 10233, 6128};
    nninit_layer *net;
    nninit_initializer *xavier;
    c = suite_context();
    ck_assert_ok(c, nninit_generator_create(&generator, c, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(c, nninit_mlp_create(&net, c, widths, 4, NNINIT_RELU, generator));
    ck_assert_ok(c, nninit_initializer_parse(&xavier, c, "xavier_uniform"));
    ck_assert_ok(c, nninit_layer_init(net, "*.weight", xavier, generator));
    nninit_loader *loader = make_loader(MOST, 100, NNINIT_SHUFFLE | NNINIT_DROP_LAST, NNINIT_ORDER_TORCH);
    check_epoch(loader, 2022611811639753002, 8051507444371830358, first, "ef099d67a23935db");
    for (int epoch = 2; epoch < 15; epoch++) {
        char hex[65];
        hash_epoch(loader, false, hex);
    }
    check_epoch(loader, 2158453729668252320, 3733980414985165570, last, "dd00612598c10b14");
    nninit_context_destroy(&c);
}
END_TEST

SUITE(loader_order, equals_dataloader, equals_the_notebook)
