/* SPDX-License-Identifier: MIT */
/* QR and singular values against closed forms: what they must satisfy, and matrices whose values are known. */
#include "suite.h"

#include "host/linalg.h"

#include <math.h>

enum { MOST = 784 * 512 };
static double a[MOST], q[MOST], values[512], room[784 + 512 + 1];

/* A matrix that looks random and is the same everywhere. */
static void fill(double *m, int64_t count, uint64_t seed) {
    for (int64_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        m[i] = (double)(int64_t)(seed >> 11) * 0x1p-52 - 1;
    }
}

static void hilbert(double *m, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            m[i * n + j] = 1 / (double)(i + j + 1);
}

/* The largest element of |QᵀQ - I|. */
static double departure(const double *m, int64_t rows, int64_t cols) {
    double worst = 0;
    for (int64_t j = 0; j < cols; j++)
        for (int64_t k = 0; k < cols; k++) {
            double sum = j == k ? -1 : 0;
            for (int64_t i = 0; i < rows; i++)
                sum += m[i * cols + j] * m[i * cols + k];
            worst = fabs(sum) > worst ? fabs(sum) : worst;
        }
    return worst;
}

/* With R = QᵀA: how far it is from an upper triangle with a diagonal that is not negative, and A from QR. */
static double triangle_error(const double *m, const double *matrix, int64_t rows, int64_t cols) {
    double worst = 0;
    for (int64_t j = 0; j < cols; j++)
        for (int64_t i = 0; i < rows; i++) {
            double left = matrix[i * cols + j];
            for (int64_t k = 0; k <= j; k++) {
                double r = 0;
                for (int64_t l = 0; l < rows; l++)
                    r += m[l * cols + k] * matrix[l * cols + j];
                left -= m[i * cols + k] * r;
                if (k == j && -r > worst)
                    worst = -r;
            }
            worst = fabs(left) > worst ? fabs(left) : worst;
        }
    return worst;
}

static void check_orthonormalize(int64_t rows, int64_t cols, double tolerance) {
    memcpy(q, a, (size_t)(rows * cols) * sizeof *q);
    room[rows + cols] = 42;
    linalg_orthonormalize(q, rows, cols, room);
    ck_assert_double_eq(room[rows + cols], 42);
    ck_assert_double_le(departure(q, rows, cols), 1e-14);
    ck_assert_double_le(triangle_error(q, a, rows, cols), tolerance);
}

START_TEST(orthonormal_columns) {
    static const int64_t sizes[][2] = {{1, 1}, {5, 1}, {2, 2}, {9, 8}, {17, 17}, {40, 23}, {64, 64}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill(a, sizes[i][0] * sizes[i][1], i);
        check_orthonormalize(sizes[i][0], sizes[i][1], 1e-14);
    }
    hilbert(a, 12); /* its condition number is 1.6e16 */
    check_orthonormalize(12, 12, 1e-14);
}
END_TEST

/* Columns of zeros, equal columns, columns of any magnitude: still a basis. */
START_TEST(orthonormal_whatever_the_rank) {
    memset(a, 0, 12 * sizeof *a);
    check_orthonormalize(4, 3, 0);
    for (int i = 0; i < 12; i++)
        a[i] = 1;
    check_orthonormalize(4, 3, 1e-15);
    for (int i = 0; i < 12; i++)
        a[i] = (i % 3 == 1 ? 0 : 1 + i);
    check_orthonormalize(4, 3, 1e-14);
    fill(a, 48, 3);
    for (int i = 0; i < 48; i++)
        a[i] *= i % 4 == 0 ? 1e-150 : i % 4 == 1 ? 1e-12 : i % 4 == 2 ? 1 : 1e-14;
    check_orthonormalize(12, 4, 1e-15);
    for (int k = 0; k < 70; k++) { /* columns that are nearly a unit vector, on either side */
        double small = ldexp(1, -k);
        memcpy(a, (double[]){k % 2 ? 1 : -1, 0, small, 1, -small, small}, 6 * sizeof *a);
        check_orthonormalize(3, 2, 1e-15);
    }
}
END_TEST

START_TEST(huge_and_tiny_numbers) {
    static const double factors[] = {1e300, 1e-300, 1e308};
    double expected[12], same[4];
    for (int f = 0; f < 3; f++) {
        fill(a, 12, 5);
        memcpy(q, a, 12 * sizeof *q);
        memcpy(expected, a, sizeof expected);
        linalg_orthonormalize(expected, 4, 3, room);
        linalg_singular_values(q, 4, 3, same, room);
        for (int i = 0; i < 12; i++)
            q[i] = a[i] *= factors[f];
        linalg_orthonormalize(a, 4, 3, room);
        for (int i = 0; i < 12; i++)
            ck_assert_double_le(fabs(a[i] - expected[i]), 1e-14);
        if (factors[f] < 1e308) {
            linalg_singular_values(q, 4, 3, values, room);
            for (int i = 0; i < 3; i++)
                ck_assert_double_le(fabs(values[i] / factors[f] - same[i]), 1e-15 * same[0]);
        }
    }
}
END_TEST

static void check_values(int64_t rows, int64_t cols, const double *expected) {
    int64_t n = rows < cols ? rows : cols;
    room[rows + cols] = 42;
    linalg_singular_values(a, rows, cols, values, room);
    ck_assert_double_eq(room[rows + cols], 42);
    for (int64_t i = 0; i < n; i++) {
        ck_assert_double_le(fabs(values[i] - expected[i]), 1e-14 * expected[0]);
        ck_assert(i == 0 || values[i] <= values[i - 1]);
    }
}

START_TEST(known_singular_values) {
    const double pi = 3.14159265358979323846;
    static double expected[64];
    a[0] = -3;
    check_values(1, 1, (double[]){3});
    ck_assert_double_eq(values[0], 3);
    memcpy(a, (double[]){3, 0, 4, 5}, 4 * sizeof *a); /* 3 sqrt(5), sqrt(5): their product is 15, their squares add to 50 */
    check_values(2, 2, (double[]){3 * sqrt(5), sqrt(5)});
    memcpy(a, (double[]){1, 1, 0, 1, 0, 0}, 6 * sizeof *a);
    check_values(3, 2, (double[]){sqrt((3 + sqrt(5)) / 2), sqrt((3 - sqrt(5)) / 2)});
    for (int i = 0; i < 5; i++)
        a[i] = i;
    check_values(1, 5, (double[]){sqrt(30)});
    for (int i = 0; i < 5; i++)
        a[i] = i;
    check_values(5, 1, (double[]){sqrt(30)});
    memset(a, 0, 64 * 64 * sizeof *a); /* differences: 1 on the diagonal, -1 above it */
    for (int i = 0; i < 64; i++) {
        a[i * 65] = 1;
        if (i < 63)
            a[i * 65 + 1] = -1;
        expected[i] = 2 * sin((2 * (64 - i) - 1) * pi / (2 * (2 * 64 + 1)));
    }
    check_values(64, 64, expected);
    for (int i = 0; i < 32 * 32; i++) /* a Hadamard matrix: all are sqrt(32) */
        a[i] = __builtin_popcount((unsigned)(i / 32 & i % 32)) % 2 ? -1 : 1;
    for (int i = 0; i < 32; i++)
        expected[i] = sqrt(32);
    check_values(32, 32, expected);
}
END_TEST

/* U diag(d) Vᵀ of orthonormal U and V has the values d. */
START_TEST(singular_values_that_were_put_in) {
    enum { ROWS = 30, COLS = 20 };
    static double u[ROWS * COLS], v[COLS * COLS], d[COLS];
    fill(u, ROWS * COLS, 1);
    fill(v, COLS * COLS, 2);
    linalg_orthonormalize(u, ROWS, COLS, room);
    linalg_orthonormalize(v, COLS, COLS, room);
    for (int wide = 0; wide < 2; wide++)
        for (int kind = 0; kind < 3; kind++) {
            for (int k = 0; k < COLS; k++)
                d[k] = kind == 0 ? COLS - k : kind == 1 ? pow(10, -k) : k < 7 ? 2 : 0;
            for (int i = 0; i < ROWS; i++)
                for (int j = 0; j < COLS; j++) {
                    double sum = 0;
                    for (int k = 0; k < COLS; k++)
                        sum += u[i * COLS + k] * d[k] * v[j * COLS + k];
                    a[wide ? j * ROWS + i : i * COLS + j] = sum;
                }
            check_values(wide ? COLS : ROWS, wide ? ROWS : COLS, d);
        }
}
END_TEST

START_TEST(rank_deficient) {
    static const double zeros[8];
    memset(a, 0, 40 * sizeof *a);
    check_values(5, 8, zeros);
    for (int i = 0; i < 40; i++)
        a[i] = 1;
    check_values(5, 8, (double[]){sqrt(40), 0, 0, 0, 0});
    memset(a, 0, 40 * sizeof *a);
    a[0] = a[3 * 8 + 5] = 7;
    check_values(5, 8, (double[]){7, 7, 0, 0, 0});
    ck_assert_double_eq(values[2], 0);
}
END_TEST

/* The determinant of the Hilbert matrix of order 5 is 1 / 266716800000; its trace is the sum of its values. */
START_TEST(hilbert_matrices) {
    double product = 1, sum = 0;
    hilbert(a, 5);
    linalg_singular_values(a, 5, 5, values, room);
    for (int i = 0; i < 5; i++) {
        product *= values[i];
        sum += values[i];
    }
    ck_assert_double_le(fabs(product * 266716800000.0 - 1), 1e-9);
    ck_assert_double_le(fabs(sum - (1 + 1.0 / 3 + 1.0 / 5 + 1.0 / 7 + 1.0 / 9)), 1e-14);
}
END_TEST

/* A layer of the largest common size: its squares add up to those of its values. */
START_TEST(large) {
    double squares = 0, sum = 0;
    fill(a, MOST, 9);
    for (int64_t i = 0; i < MOST; i++)
        squares += a[i] * a[i];
    linalg_singular_values(a, 784, 512, values, room);
    for (int i = 0; i < 512; i++)
        sum += values[i] * values[i];
    ck_assert_double_le(fabs(sum / squares - 1), 1e-12);
    fill(q, MOST, 9);
    linalg_orthonormalize(q, 784, 512, room);
    ck_assert_double_le(departure(q, 784, 512), 1e-13);
}
END_TEST

SUITE(linalg, orthonormal_columns, orthonormal_whatever_the_rank, huge_and_tiny_numbers, known_singular_values,
      singular_values_that_were_put_in, rank_deficient, hilbert_matrices, large)
