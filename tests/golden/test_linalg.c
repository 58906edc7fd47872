/* SPDX-License-Identifier: MIT */
/* Every line of linalg.txt, which NumPy and PyTorch made (scripts/make-golden-linalg.py), computed again. They have their
 * own order of sums, so results differ by rounding; each tolerance says how much. */
#include "suite.h"

#include "host/linalg.h"

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

START_TEST(singular_values) {
    for_each("values", 5, check_values);
}
END_TEST

START_TEST(orthonormal_columns) {
    for_each("q", 3, check_q);
}
END_TEST

SUITE(linalg, singular_values, orthonormal_columns)
