/* SPDX-License-Identifier: MIT */
/* Both functions are chains of Householder reflections (Golub & Van Loan, Matrix Computations, chapter 5). Every sum has one
 * order: the bits do not depend on the machine. */
#include "linalg.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Multiply by the power of two that brings the largest magnitude into [1/2, 1), so that squares neither overflow nor vanish.
 * Returns the exponent that undoes it. */
static int normalize(double *x, int64_t n) {
    double largest = 0;
    int exponent;
    for (int64_t i = 0; i < n; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    frexp(largest, &exponent);
    for (int64_t i = 0; exponent != 0 && i < n; i++)
        x[i] = ldexp(x[i], -exponent);
    return exponent;
}

/* Eight partial sums: element i belongs to number i mod 8. */
static double dot(const double *x, const double *y, int64_t n) {
    double s[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            s[k] += x[i + k] * y[i + k];
    for (; i < n; i++)
        s[i % 8] += x[i] * y[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* y += factor * x */
static void add_multiple(double *restrict y, double factor, const double *restrict x, int64_t n) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            y[i + k] += factor * x[i + k];
    for (; i < n; i++)
        y[i] += factor * x[i];
}

/* H = I - tau v v^T, v[0] = 1, takes x to (|x|, 0, ...). x becomes v; returns |x|. The first component is Parlett's, which
 * does not cancel although |x| is positive (ibid., algorithm 5.1.1). */
static double reflect(double *x, int64_t n, double *tau) {
    int exponent = normalize(x, n);
    double head = x[0], tail = 0;
    for (int64_t i = 1; i < n; i++)
        tail += x[i] * x[i];
    x[0] = 1;
    if (tail <= 0x1p-120 * (head * head)) { /* far below the rounding error of x: a reflection of it would be all noise */
        memset(x + 1, 0, (size_t)(n - 1) * sizeof *x);
        *tau = head < 0 ? 2 : 0;
        return ldexp(fabs(head), exponent);
    }
    double norm = sqrt(head * head + tail);
    double first = head <= 0 ? head - norm : -tail / (head + norm);
    *tau = 2 * (first * first) / (tail + first * first);
    for (int64_t i = 1; i < n; i++)
        x[i] /= first;
    return ldexp(norm, exponent);
}

/* H a for the columns of a [rows][cols] but its first; rows are `stride` apart. w: [cols] */
static void reflect_columns(double *a, int64_t rows, int64_t cols, int64_t stride, const double *v, double tau, double *w) {
    memset(w, 0, (size_t)cols * sizeof *w);
    for (int64_t i = 0; i < rows; i++)
        add_multiple(w, v[i], a + i * stride + 1, cols - 1);
    for (int64_t i = 0; i < rows; i++)
        add_multiple(a + i * stride + 1, -(tau * v[i]), w, cols - 1);
}

/* a H for the rows of a [rows][cols] but its first, which is v. */
static void reflect_rows(double *a, int64_t rows, int64_t cols, int64_t stride, double tau) {
    for (int64_t i = 1; i < rows; i++)
        add_multiple(a + i * stride, -(tau * dot(a + i * stride, a, cols)), a, cols);
}

static void read_column(double *v, const double *column, int64_t rows, int64_t stride) {
    for (int64_t i = 0; i < rows; i++)
        v[i] = column[i * stride];
}

static void write_column(double *column, const double *v, int64_t rows, int64_t stride) {
    for (int64_t i = 0; i < rows; i++)
        column[i * stride] = v[i];
}

/* Reflections first to last, each kept where it made zeros, with tau on the diagonal; then their product with the first
 * columns of the identity, last to first. R is never needed. */
void linalg_orthonormalize(double *a, int64_t rows, int64_t cols, double *room) {
    double *v = room, *w = room + rows;
    normalize(a, rows * cols);
    for (int64_t k = 0; k < cols; k++) {
        double *corner = a + k * cols + k, tau;
        read_column(v, corner, rows - k, cols);
        reflect(v, rows - k, &tau);
        reflect_columns(corner, rows - k, cols - k, cols, v, tau, w);
        v[0] = tau;
        write_column(corner, v, rows - k, cols);
    }
    for (int64_t k = cols - 1; k >= 0; k--) {
        double *corner = a + k * cols + k, tau = *corner;
        read_column(v, corner, rows - k, cols);
        v[0] = 1;
        reflect_columns(corner, rows - k, cols - k, cols, v, tau, w);
        for (int64_t i = 0; i < rows - k; i++)
            v[i] = (i == 0) - tau * v[i];
        write_column(corner, v, rows - k, cols);
        for (int64_t i = 0; i < k; i++)
            a[i * cols + k] = 0;
    }
}

/* Make zeros in the first column, or row, below or right of a[0][0]; returns what is left there. */
static double eliminate_column(double *a, int64_t rows, int64_t cols, int64_t stride, double *v, double *w) {
    double tau;
    read_column(v, a, rows, stride);
    double norm = reflect(v, rows, &tau);
    reflect_columns(a, rows, cols, stride, v, tau, w);
    return norm;
}

static double eliminate_row(double *a, int64_t rows, int64_t cols, int64_t stride) {
    double tau, norm = reflect(a, cols, &tau);
    reflect_rows(a, rows, cols, stride, tau);
    return norm;
}

/* Reduce a to a diagonal and its neighbour, above it in a tall matrix, below it in a wide one. Their elements, in turn, are
 * links[0 ... 2 n - 2], n = least(rows, cols). links may be where v and w are. */
static void bidiagonalize(double *a, int64_t rows, int64_t cols, double *v, double *w, double *links) {
    const bool wide = rows < cols;
    const int64_t n = wide ? rows : cols, neighbour = wide ? cols : 1;
    for (int64_t k = 0; k < n; k++) {
        double *corner = a + k * cols + k;
        *corner = wide ? eliminate_row(corner, rows - k, cols - k, cols)
                       : eliminate_column(corner, rows - k, cols - k, cols, v, w);
        if (k + 1 < n)
            corner[neighbour] = wide ? eliminate_column(corner + cols, rows - k - 1, cols - k, cols, v, w)
                                     : eliminate_row(corner + 1, rows - k, cols - k - 1, cols);
    }
    for (int64_t k = 0; k < n; k++) {
        links[2 * k] = a[k * cols + k];
        if (k + 1 < n)
            links[2 * k + 1] = a[k * cols + k + neighbour];
    }
}

/* How many of n singular values are at least x > 0. With its rows and columns in turn, a bidiagonal matrix is a symmetric
 * tridiagonal one of zeros beside `links`, whose eigenvalues are plus and minus the singular values; by Sylvester's law as
 * many of them lie below x as there are negative pivots (Golub & Kahan 1965; Demmel & Kahan 1990, section 4). */
static int64_t count_from(const double *links, int64_t n, double x) {
    const double least = 0x1p-960;
    double pivot = -x;
    int64_t below = 1;
    for (int64_t i = 0; i < 2 * n - 1; i++) {
        pivot = -x - links[i] * links[i] / pivot;
        pivot = fabs(pivot) < least ? least : pivot;
        below += pivot < 0;
    }
    return 2 * n - below;
}

void linalg_singular_values(double *a, int64_t rows, int64_t cols, double *values, double *room) {
    const int64_t n = rows < cols ? rows : cols;
    const int exponent = normalize(a, rows * cols);
    double *links = room, bound = 0;
    bidiagonalize(a, rows, cols, room, room + rows, links);
    for (int64_t i = 0; i < 2 * n - 1; i++) { /* Gershgorin: at most twice the largest */
        double sum = links[i] + (i > 0 ? links[i - 1] : 0);
        bound = sum > bound ? sum : bound;
    }
    double high = bound;
    for (int64_t j = 0; j < n; j++) {
        double low = high > 0 && count_from(links, n, high) > j ? high : 0;
        while (high - low > 0x1p-52 * bound) {
            double middle = low + (high - low) / 2;
            *(count_from(links, n, middle) > j ? &low : &high) = middle;
        }
        values[j] = ldexp(low, exponent);
        high = low;
    }
}
