/* SPDX-License-Identifier: MIT */
/* Loaders: their epochs, the order by (seed, epoch), and what they refuse. */
#include "suite.h"

#include "host/philox.h"
#include "loader.h"

static nninit_context *c;
static nninit_generator *generator;
static nninit_dataset *dataset;

static void setup(int64_t rows) {
    static const uint8_t pixels[64];
    ck_assert_int_le(rows, sizeof pixels);
    c = suite_context();
    ck_assert_ok(c, nninit_generator_create(&generator, c, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(c, nninit_dataset_wrap(&dataset, c, NNINIT_UINT8, pixels, NULL, rows, 1));
}

static void read_epoch(nninit_loader *loader, int64_t *order) {
    const int64_t *indices;
    int64_t rows;
    ck_assert_ok(c, nninit_loader_begin(loader));
    while (nninit_loader_next(loader, &indices, &rows) == NNINIT_OK) {
        memcpy(order, indices, (size_t)rows * sizeof *order);
        order += rows;
    }
}

START_TEST(counts_batches_and_epochs) {
    static const struct {
        unsigned flags;
        int64_t batches, last;
    } cases[] = {{0, 3, 2}, {NNINIT_DROP_LAST, 2, 4}, {NNINIT_SHUFFLE, 3, 2}};
    setup(10);
    for (size_t i = 0; i < 3; i++) {
        nninit_loader *loader;
        const int64_t *indices;
        int64_t rows, last = 0, batches = 0;
        ck_assert_ok(c, nninit_loader_create(&loader, dataset, 4, cases[i].flags, generator));
        ck_assert_int_eq(nninit_loader_batches(loader), cases[i].batches);
        ck_assert_int_eq(nninit_loader_batch(loader), 4);
        ck_assert_int_eq(nninit_loader_next(loader, &indices, &rows), NNINIT_ERR_STATE);
        ck_assert_ok(c, nninit_loader_begin(loader));
        for (; nninit_loader_next(loader, &indices, &rows) == NNINIT_OK; batches++)
            last = rows;
        ck_assert_int_eq(batches, cases[i].batches);
        ck_assert_int_eq(last, cases[i].last);
        ck_assert_int_eq(rows, 0);
        ck_assert_int_eq(nninit_loader_epochs(loader), 1);
        ck_assert_int_eq(nninit_loader_next(loader, &indices, &rows), NNINIT_ERR_STATE);
        nninit_loader_destroy(&loader);
        ck_assert_ptr_null(loader);
    }
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(keeps_the_order_without_shuffling) {
    nninit_loader *loader;
    int64_t order[10];
    setup(10);
    ck_assert_ok(c, nninit_loader_create(&loader, dataset, 3, 0, generator));
    read_epoch(loader, order);
    for (int64_t i = 0; i < 10; i++)
        ck_assert_int_eq(order[i], i);
    nninit_context_destroy(&c);
}
END_TEST

/* Philox4x32-10: the vectors that its authors publish (Random123, kat_vectors). */
START_TEST(philox_gives_its_published_words) {
    static const struct {
        uint64_t key;
        uint32_t counter[4], want[4];
    } cases[] = {
        {0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX,
         {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822,
         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < 3; i++) {
        uint32_t word[4];
        philox(cases[i].key, cases[i].counter, word);
        ck_assert_mem_eq(word, cases[i].want, sizeof word);
    }
}
END_TEST

START_TEST(orders_by_seed_and_epoch) {
    const uint64_t seed = 0x123456789abcdef;
    nninit_loader *loader;
    setup(50);
    ck_assert_ok(c, nninit_loader_create(&loader, dataset, 7, NNINIT_SHUFFLE, NULL));
    ck_assert_int_eq(nninit_loader_begin(loader), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_loader_set_order(loader, NNINIT_ORDER_EPOCH, seed));
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        int64_t order[50], want[50];
        uint32_t word[4];
        philox(seed, (const uint32_t[]){epoch, 0, 0, 0xffffffff}, word);
        ck_assert_ok(c, nninit_generator_seed(generator, word[0]));
        ck_assert_ok(c, nninit_generator_randperm(generator, want, 50));
        read_epoch(loader, order);
        ck_assert_mem_eq(order, want, sizeof order);
    }
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(a_new_epoch_ends_one_that_is_not_over) {
    nninit_loader *loader;
    const int64_t *indices;
    int64_t rows;
    setup(10);
    ck_assert_ok(c, nninit_loader_create(&loader, dataset, 3, NNINIT_SHUFFLE, generator));
    ck_assert_ok(c, nninit_loader_begin(loader));
    ck_assert_ok(c, nninit_loader_next(loader, &indices, &rows));
    ck_assert_int_eq(nninit_loader_set_order(loader, NNINIT_ORDER_EPOCH, 1), NNINIT_ERR_STATE);
    ck_assert_ok(c, nninit_loader_begin(loader));
    ck_assert_int_eq(nninit_loader_epochs(loader), 1);
    ck_assert_int_eq(loader->position, 0);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(refuses_what_it_cannot_do) {
    nninit_loader *loader = NULL;
    const int64_t *indices;
    nninit_context *other = suite_context();
    nninit_generator *foreign;
    setup(10);
    ck_assert_ok(other, nninit_generator_create(&foreign, other, NNINIT_STREAM_TORCH, 1));
    ck_assert_int_eq(nninit_loader_create(NULL, dataset, 1, 0, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_create(&loader, NULL, 1, 0, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_create(&loader, dataset, 0, 0, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_create(&loader, dataset, 11, 0, generator), NNINIT_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "batch is 11; it must be 1 to 10"));
    ck_assert_int_eq(nninit_loader_create(&loader, dataset, 1, 4, generator), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_create(&loader, dataset, 1, 0, foreign), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(loader);
    ck_assert_ok(c, nninit_loader_create(&loader, dataset, 10, 0, NULL));
    ck_assert_int_eq(nninit_loader_set_order(loader, NNINIT_ORDER_TORCH, 0), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_set_order(loader, (nninit_order)4, 0), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_next(loader, &indices, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_loader_batches(NULL), -1);
    ck_assert_int_eq(nninit_loader_batch(NULL), -1);
    ck_assert_int_eq(nninit_loader_epochs(NULL), -1);
    ck_assert_int_eq(nninit_loader_begin(NULL), NNINIT_ERR_INVALID);
    nninit_loader_destroy(NULL);
    nninit_context_destroy(&other);
    nninit_context_destroy(&c);
}
END_TEST

SUITE(loader, counts_batches_and_epochs, keeps_the_order_without_shuffling, philox_gives_its_published_words,
      orders_by_seed_and_epoch, a_new_epoch_ends_one_that_is_not_over, refuses_what_it_cannot_do)
