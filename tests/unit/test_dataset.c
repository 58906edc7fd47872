/* SPDX-License-Identifier: MIT */
/* Data sets from files, good and bad, and from memory. */
#include "suite.h"

#include <unistd.h>
#include <zlib.h>

static nninit_context *c;
static char folder[64];

static void setup(void) {
    strcpy(folder, "/tmp/nninit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    c = suite_context();
}

static void teardown(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
    nninit_context_destroy(&c);
}

static const char *path(const char *name) {
    static char paths[4][128];
    static unsigned next;
    char *p = paths[next++ % 4];
    snprintf(p, sizeof paths[0], "%s/%s", folder, name);
    return p;
}

static void put(const char *name, const void *bytes, size_t size) {
    FILE *file = fopen(path(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void put_gz(const char *name, const void *bytes, unsigned size, size_t keep) {
    gzFile file = gzopen(path(name), "wb");
    ck_assert_int_eq(gzwrite(file, bytes, size), (int)size);
    gzclose(file);
    if (keep)
        ck_assert_int_eq(truncate(path(name), (off_t)keep), 0);
}

/* Two rows of 2 x 3 bytes, and their labels. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3,
                                       0, 255, 51, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 3};

static nninit_status open_pair(const char *a, const char *b) {
    nninit_dataset *d = (nninit_dataset *)&c;
    nninit_status status = nninit_dataset_open_idx(&d, c, path(a), path(b));
    ck_assert((status < 0) == (d == NULL));
    nninit_dataset_destroy(&d);
    return status;
}

START_TEST(reads_plain_and_gzip) {
    const char *names[][2] = {{"i", "l"}, {"i.gz", "l.gz"}};
    setup();
    put("i", images, sizeof images);
    put("l", labels, sizeof labels);
    put_gz("i.gz", images, sizeof images, 0);
    put_gz("l.gz", labels, sizeof labels, 0);
    for (int k = 0; k < 2; k++) {
        nninit_dataset *d;
        float x[6];
        int64_t label;
        ck_assert_ok(c, nninit_dataset_open_idx(&d, c, path(names[k][0]), path(names[k][1])));
        ck_assert_int_eq(nninit_dataset_count(d), 2);
        ck_assert_int_eq(nninit_dataset_features(d), 6);
        ck_assert_int_eq(nninit_dataset_classes(d), 8);
        ck_assert_ok(c, nninit_dataset_read(d, (const int64_t[]){0}, 1, x, &label));
        ck_assert(x[1] == 1.0f && x[2] == 51.0f / 255.0f && label == 7);
        ck_assert_ok(c, nninit_dataset_set_scale(d, NNINIT_SCALE_RAW));
        ck_assert_ok(c, nninit_dataset_read(d, (const int64_t[]){1}, 1, x, &label));
        ck_assert(x[5] == 11.0f && label == 3);
        ck_assert_int_eq(nninit_dataset_read(d, (const int64_t[]){2}, 1, x, NULL), NNINIT_ERR_INVALID);
    }
    teardown();
}
END_TEST

START_TEST(reads_every_type) {
    static const unsigned char shorts[] = {0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0};
    static const unsigned char ints[] = {0, 0, 0x0c, 1, 0, 0, 0, 1, 0x80, 0, 0, 0};
    static const unsigned char floats[] = {0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0};
    static const unsigned char doubles[] = {0, 0, 0x0e, 1, 0, 0, 0, 1, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0};
    static const unsigned char bytes[] = {0, 0, 9, 1, 0, 0, 0, 1, 0xfd};
    static const unsigned char one[] = {0, 0, 0x0b, 1, 0, 0, 0, 1, 0, 1};
    const struct {
        const unsigned char *data;
        size_t size;
        float want;
    } cases[] = {{shorts, sizeof shorts, -2}, {ints, sizeof ints, -2147483648.0f}, {floats, sizeof floats, 1.5f},
                 {doubles, sizeof doubles, -1.5f}, {bytes, sizeof bytes, -3}};
    setup();
    put("l", one, sizeof one);
    for (size_t i = 0; i < 5; i++) {
        nninit_dataset *d;
        float x[2];
        put("i", cases[i].data, cases[i].size);
        ck_assert_ok(c, nninit_dataset_open_idx(&d, c, path("i"), path("l")));
        ck_assert_ok(c, nninit_dataset_read(d, (const int64_t[]){0}, 1, x, NULL));
        ck_assert_float_eq(x[0], cases[i].want);
    }
    teardown();
}
END_TEST

START_TEST(refuses_bad_files) {
    unsigned char bad[64] = {0};
    setup();
    put("i", images, sizeof images);
    put("l", labels, sizeof labels);
    ck_assert_int_eq(open_pair("missing", "l"), NNINIT_ERR_IO);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "missing"));
    put("bad", images, sizeof images - 1); /* truncated */
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "truncated"));
    put("bad", images, 10); /* truncated within its sizes */
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    put("bad", images, 3);
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    memcpy(bad, images, sizeof images);
    put("bad", bad, sizeof images + 1); /* oversized */
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    bad[2] = 7; /* wrong magic */
    put("bad", bad, sizeof images);
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    memcpy(bad, images, sizeof images);
    bad[3] = 9; /* rank */
    put("bad", bad, sizeof images);
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    memcpy(bad, images, sizeof images);
    memset(bad + 4, 0xff, 12); /* the product of the sizes overflows */
    put("bad", bad, sizeof images);
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "overflows"));
    memset(bad + 4, 0, 12);
    bad[5] = bad[9] = bad[15] = 1; /* 2^32 elements promised, 12 there: no memory is taken */
    put("bad", bad, sizeof images);
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    memcpy(bad, labels, sizeof labels);
    bad[7] = 1; /* counts differ */
    put("bad", bad, sizeof labels - 1);
    ck_assert_int_eq(open_pair("i", "bad"), NNINIT_ERR_SHAPE);
    memcpy(bad, labels, sizeof labels);
    bad[2] = 9;
    bad[9] = 0x80; /* a negative label */
    put("bad", bad, sizeof labels);
    ck_assert_int_eq(open_pair("i", "bad"), NNINIT_ERR_FORMAT);
    ck_assert_int_eq(open_pair("i", "i"), NNINIT_ERR_FORMAT);
    teardown();
}
END_TEST

START_TEST(refuses_bad_gzip) {
    unsigned char big[70000] = {0, 0, 8, 1, 0, 0, 0, 2};
    setup();
    put("l", labels, sizeof labels);
    for (unsigned i = 8, x = 1; i < sizeof big; i++, x = x * 1664525 + 1013904223)
        big[i] = (unsigned char)(x >> 24 & 15); /* compresses to a half */
    put_gz("bad", big, sizeof big, 0); /* more than the header says */
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    big[5] = 1;
    big[6] = (sizeof big - 8 - 65536) >> 8;
    big[7] = (sizeof big - 8 - 65536) & 255;
    put_gz("bad", big, sizeof big, 5000); /* cut */
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    put_gz("bad", big, sizeof big, 0);
    FILE *file = fopen(path("bad"), "r+b");
    ck_assert_ptr_nonnull(file);
    fseek(file, 3000, SEEK_SET);
    fwrite("garbage!", 1, 8, file);
    fclose(file);
    ck_assert_int_eq(open_pair("bad", "l"), NNINIT_ERR_FORMAT);
    teardown();
}
END_TEST

START_TEST(finds_mnist_under_either_name) {
    nninit_dataset *d;
    setup();
    ck_assert_int_eq(nninit_dataset_open_mnist(&d, c, folder, NNINIT_TEST), NNINIT_ERR_IO);
    put("t10k-images.idx3-ubyte", images, sizeof images);
    put_gz("t10k-labels-idx1-ubyte.gz", labels, sizeof labels, 0);
    ck_assert_ok(c, nninit_dataset_open_mnist(&d, c, folder, NNINIT_TEST));
    ck_assert_int_eq(nninit_dataset_open_mnist(&d, c, folder, (nninit_split)3), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dataset_open_mnist(&d, c, "/nowhere/at/all", NNINIT_TRAIN), NNINIT_ERR_IO);
    teardown();
}
END_TEST

START_TEST(wraps_memory_and_slices) {
    static const uint8_t x[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const int64_t l[4] = {0, 1, 2, 1}, bad[4] = {0, -1, 2, 1};
    nninit_dataset *d, *s;
    float row[3];
    int64_t label;
    c = suite_context();
    ck_assert_int_eq(nninit_dataset_wrap(&d, c, NNINIT_UINT8, x, bad, 4, 3), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dataset_wrap(&d, c, NNINIT_FLOAT64, x, l, 4, 3), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dataset_wrap(&d, c, NNINIT_UINT8, x, l, 0, 3), NNINIT_ERR_SHAPE);
    ck_assert_ok(c, nninit_dataset_wrap(&d, c, NNINIT_UINT8, x, l, 4, 3));
    ck_assert_int_eq(nninit_dataset_slice(&s, d, 2, 3), NNINIT_ERR_SHAPE);
    ck_assert_ok(c, nninit_dataset_slice(&s, d, 2, 2));
    nninit_dataset_destroy(&d);
    ck_assert_ok(c, nninit_dataset_set_scale(s, NNINIT_SCALE_RAW));
    ck_assert_ok(c, nninit_dataset_read(s, (const int64_t[]){1}, 1, row, &label));
    ck_assert(row[0] == 9 && label == 1);
    nninit_context_destroy(&c);
}
END_TEST

static int give_rows(void *user, const int64_t *indices, int64_t count, float *rows, int64_t *given) {
    for (int64_t i = 0; i < count; i++) {
        rows[i] = (float)indices[i];
        given[i] = *(const int64_t *)user;
    }
    return *(const int64_t *)user < 0 ? -1 : 0;
}

START_TEST(reads_a_callback_and_its_slices) {
    nninit_dataset *d, *s, *t;
    float row;
    int64_t label = 2, got;
    c = suite_context();
    ck_assert_int_eq(nninit_dataset_from_callback(&d, c, 10, 1, 3, NULL, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dataset_from_callback(&d, c, 10, 1, 0, give_rows, &label), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_dataset_from_callback(&d, c, 10, 1, 3, give_rows, &label));
    ck_assert_ok(c, nninit_dataset_slice(&s, d, 2, 6));
    ck_assert_ok(c, nninit_dataset_slice(&t, s, 3, 2));
    ck_assert_ok(c, nninit_dataset_read(t, (const int64_t[]){1}, 1, &row, &got));
    ck_assert(row == 6 && got == 2);
    label = 3; /* as many as there are classes */
    ck_assert_int_eq(nninit_dataset_read(t, (const int64_t[]){1}, 1, &row, &got), NNINIT_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "label 3 for row 6; it must be 0 to 2"));
    label = -1;
    ck_assert_int_eq(nninit_dataset_read(t, (const int64_t[]){1}, 1, &row, &got), NNINIT_ERR_CALLBACK);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(reads_targets) {
    static const float x[4] = {1, 2, 3, 4}, y[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    nninit_dataset *d, *s;
    float row, target[2];
    c = suite_context();
    ck_assert_int_eq(nninit_dataset_wrap_targets(&d, c, NNINIT_FLOAT32, x, NULL, 4, 1, 2), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_dataset_wrap_targets(&d, c, NNINIT_FLOAT32, x, y, 4, 1, 0), NNINIT_ERR_SHAPE);
    ck_assert_ok(c, nninit_dataset_wrap_targets(&d, c, NNINIT_FLOAT32, x, y, 4, 1, 2));
    ck_assert_ok(c, nninit_dataset_slice(&s, d, 1, 3));
    ck_assert_ok(c, nninit_dataset_read(s, (const int64_t[]){1}, 1, &row, target));
    ck_assert(row == 3 && target[0] == 4 && target[1] == 5);
    ck_assert_int_eq(nninit_dataset_target_width(s), 2);
    ck_assert_ok(c, nninit_dataset_wrap(&d, c, NNINIT_FLOAT32, x, NULL, 4, 1));
    ck_assert_int_eq(nninit_dataset_read(d, (const int64_t[]){1}, 1, &row, target), NNINIT_ERR_STATE);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(a_folder_and_a_file_are_not_each_other) {
    nninit_dataset *d;
    setup();
    put("l", labels, sizeof labels);
    ck_assert_int_eq(nninit_dataset_open_idx(&d, c, folder, path("l")), NNINIT_ERR_IO);
    ck_assert_int_eq(nninit_dataset_open_mnist(&d, c, path("l"), NNINIT_TEST), NNINIT_ERR_IO);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "Not a directory"));
    ck_assert_ptr_null(d);
    teardown();
}
END_TEST

SUITE(dataset, reads_plain_and_gzip, reads_every_type, refuses_bad_files, refuses_bad_gzip,
      finds_mnist_under_either_name, wraps_memory_and_slices, reads_a_callback_and_its_slices, reads_targets,
      a_folder_and_a_file_are_not_each_other)
