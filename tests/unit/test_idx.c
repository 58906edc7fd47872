/* SPDX-License-Identifier: MIT */
/* The header and the elements of IDX files, from bytes. */
#include "suite.h"

#include "idx.h"

static const unsigned char types[] = {0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e};
static const size_t sizes[] = {1, 1, 2, 4, 4, 8};

START_TEST(reads_headers_of_every_type_and_rank) {
    for (size_t t = 0; t < sizeof types; t++)
        for (unsigned char rank = 1; rank <= 8; rank++) {
            unsigned char bytes[IDX_MAX_HEADER] = {0, 0, types[t], rank};
            struct idx idx;
            int64_t count = 1;
            for (int i = 0; i < rank; i++) {
                bytes[7 + 4 * i] = (unsigned char)(i + 2);
                count *= i + 2;
            }
            ck_assert_ptr_null(idx_parse(&idx, bytes, 4 + 4 * (size_t)rank));
            ck_assert(idx.type == (enum idx_type)types[t] && idx.rank == rank && idx.element == sizes[t]);
            ck_assert(idx.count == count && idx.size[rank - 1] == rank + 1 && idx.header == 4 + 4 * (size_t)rank);
            for (size_t size = 0; size < idx.header; size++)
                ck_assert_ptr_nonnull(idx_parse(&idx, bytes, size));
        }
}
END_TEST

START_TEST(refuses_other_types_and_ranks) {
    for (int value = 0; value < 256; value++) {
        unsigned char type[IDX_MAX_HEADER] = {0, 0, (unsigned char)value, 1};
        unsigned char rank[IDX_MAX_HEADER] = {0, 0, 8, (unsigned char)value};
        struct idx idx;
        bool known = memchr(types, value, sizeof types) != NULL;
        ck_assert((idx_parse(&idx, type, sizeof type) == NULL) == known);
        ck_assert((idx_parse(&idx, rank, sizeof rank) == NULL) == (value >= 1 && value <= 8));
    }
    for (int i = 0; i < 2; i++) {
        unsigned char magic[8] = {0, 0, 8, 1};
        struct idx idx;
        magic[i] = 0x1f;
        ck_assert_ptr_nonnull(idx_parse(&idx, magic, sizeof magic));
    }
}
END_TEST

START_TEST(products_of_sizes_do_not_overflow) {
    unsigned char bytes[IDX_MAX_HEADER] = {0, 0, 0x0e, 8};
    struct idx idx;
    memset(bytes + 4, 0xff, sizeof bytes - 4);
    for (unsigned char rank = 2; rank <= 8; rank++) {
        bytes[3] = rank;
        ck_assert_ptr_nonnull(idx_parse(&idx, bytes, sizeof bytes));
    }
    bytes[3] = 1;
    ck_assert_ptr_null(idx_parse(&idx, bytes, sizeof bytes));
    ck_assert_int_eq(idx.count, 4294967295);
    memset(bytes + 4, 0, 4); /* a size of zero makes the product zero, whatever follows */
    bytes[3] = 8;
    ck_assert_ptr_null(idx_parse(&idx, bytes, sizeof bytes));
    ck_assert_int_eq(idx.count, 0);
}
END_TEST

START_TEST(elements_are_big_endian_and_signed) {
    static const struct {
        unsigned char type, data[8];
        double want;
    } cases[] = {
        {0x08, {0xff}, 255},
        {0x09, {0xff}, -1},
        {0x0b, {0x80, 0x01}, -32767},
        {0x0c, {0x01, 0x02, 0x03, 0x04}, 16909060},
        {0x0c, {0xff, 0xff, 0xff, 0xfe}, -2},
        {0x0d, {0xc0, 0x20, 0, 0}, -2.5},
        {0x0e, {0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18}, 3.141592653589793},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char header[8] = {0, 0, cases[i].type, 1, 0, 0, 0, 2}, data[16] = {0};
        struct idx idx;
        ck_assert_ptr_null(idx_parse(&idx, header, sizeof header));
        memcpy(data + idx.element, cases[i].data, idx.element);
        ck_assert_double_eq(idx_element(&idx, data, 0), 0);
        ck_assert_double_eq(idx_element(&idx, data, 1), cases[i].want);
    }
}
END_TEST

SUITE(idx, reads_headers_of_every_type_and_rank, refuses_other_types_and_ranks, products_of_sizes_do_not_overflow,
      elements_are_big_endian_and_signed)
