/* SPDX-License-Identifier: MIT */
/* Every line of linalg.txt, which NumPy and PyTorch made (scripts/make-golden-linalg.py), computed again. They have their
 * own order of sums, so results differ by rounding; each tolerance says how much. */
#include "suite.h"

#include "host/linalg.h"
#include "host/orthogonal.h"

#include <math.h>

enum { MOST = 4096 };

/* One line: "kind name rows cols value…" */
struct line {
    char kind[16], name[16];
    int64_t rows, cols;
    int count;
    double expected[MOST];
};

static bool read_line(FILE *file, struct line *line) {
    static char text[128 * 1024];
    do
        if (!fgets(text, sizeof text, file))
            return false;
    while (text[0] == '#');
    long rows, cols;
    int used;
    ck_assert_int_eq(sscanf(text, "%15s %15s %ld %ld%n", line->kind, line->name, &rows, &cols, &used), 4);
    line->rows = rows;
    line->cols = cols;
    line->count = 0;
    for (char *at = text + used, *end;; at = end) {
        double value = strtod(at, &end);
        if (end == at)
            return true;
        ck_assert_int_lt(line->count, MOST);
        line->expected[line->count++] = value;
    }
}

static void fill(double *a, const struct line *line) {
    const bool hilbert = strcmp(line->name, "hilbert") == 0;
    for (int64_t i = 0; i < line->rows; i++)
        for (int64_t j = 0; j < line->cols; j++)
            a[i * line->cols + j] =
                hilbert ? 1 / (double)(i + j + 1) : ((double)((i * 37 + j * 101 + i * j * 7) % 64) - 31.5) / 8;
}

static double distance(const double *a, const struct line *line) {
    double worst = 0;
    for (int i = 0; i < line->count; i++)
        worst = fmax(worst, fabs(a[i] - line->expected[i]));
    return worst;
}

/* Call check for each line of a kind. */
static void for_each(const char *kind, int lines, void (*check)(const struct line *)) {
    static struct line line;
    FILE *file = fopen(suite_path("golden/linalg.txt"), "r");
    ck_assert_ptr_nonnull(file);
    int found = 0;
    while (read_line(file, &line))
        if (strcmp(line.kind, kind) == 0) {
            check(&line);
            found++;
        }
    fclose(file);
    ck_assert_int_eq(found, lines);
}

/* Within a few rounding errors of the largest value. */
static void check_values(const struct line *line) {
    static double a[MOST], values[MOST], room[MOST];
    fill(a, line);
    linalg_singular_values(a, line->rows, line->cols, values, room);
    ck_assert_int_eq(line->count, line->rows < line->cols ? line->rows : line->cols);
    ck_assert_double_le(distance(values, line), 1e-14 * line->expected[0]);
}

/* Columns are as well defined as the matrix is conditioned: 6485 for the 6 by 4 Hilbert matrix, at most 15 for the others. */
static void check_q(const struct line *line) {
    static double a[MOST], room[MOST];
    fill(a, line);
    linalg_orthonormalize(a, line->rows, line->cols, room);
    ck_assert_int_eq(line->count, line->rows * line->cols);
    ck_assert_double_le(distance(a, line), 1e-12);
}

/* PyTorch's normals are ours to the bit; then LAPACK works on them in their own type, and we do in double. The largest
 * differences of all lines are 4.7e-7 in float32, whose rounding is 1.2e-7 near 1.5 before a decomposition adds to it, and
 * 2.7e-15 in float64. */
static void check_orthogonal(const struct line *line, nninit_dtype dtype, double tolerance) {
    static double room[784 * 256 + 784 + 256], values[784 * 256], sample[MOST];
    const int64_t stride = atoi(line->name), count = line->rows * line->cols;
    nninit_context *context = suite_context();
    nninit_generator *generator;
    ck_assert_ok(context, nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(context, nninit_generator_normal(generator, dtype, values, count, 0, 1));
    ck_assert_int_le(host_orthogonal_room(line->rows, line->cols), sizeof room / sizeof *room);
    host_orthogonal(dtype, values, line->rows, line->cols, 1.5, room);
    for (int i = 0; i < line->count; i++)
        sample[i] = dtype == NNINIT_FLOAT32 ? ((float *)values)[i * stride] : values[i * stride];
    ck_assert_int_eq(line->count, (count + stride - 1) / stride);
    ck_assert_double_le(distance(sample, line), tolerance);
    nninit_context_destroy(&context);
}

static void check_float32(const struct line *line) {
    check_orthogonal(line, NNINIT_FLOAT32, 1e-6);
}

static void check_float64(const struct line *line) {
    check_orthogonal(line, NNINIT_FLOAT64, 1e-14);
}

START_TEST(orthogonal_of_torch) {
    for_each("float32", 10, check_float32);
    for_each("float64", 10, check_float64);
}
END_TEST

START_TEST(singular_values) {
    for_each("values", 5, check_values);
}
END_TEST

START_TEST(orthonormal_columns) {
    for_each("q", 3, check_q);
}
END_TEST

SUITE(linalg, singular_values, orthonormal_columns, orthogonal_of_torch)
