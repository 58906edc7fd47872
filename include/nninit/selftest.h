/* SPDX-License-Identifier: MIT */
/** @file selftest.h
 *  Are these weights what the rule says? nninit_initializer_selftest() draws a tensor and checks it;
 *  nninit_selftest_values() and nninit_selftest_tensor() check what somebody else drew, such as a port or another library.
 *
 *      nninit_selftest result = {.size = sizeof result};
 *      if (nninit_initializer_selftest(he, shape, 2, generator, &result) == NNINIT_OK)
 *          puts(result.text);
 *
 *  Each check has a statistic and a p-value: the probability that values drawn as the rule says are at least so far off. A
 *  check fails where p is below result.threshold = NNINIT_SELFTEST_RATE / (number of checks that ran), so that right values
 *  fail one self-test in a million, or fewer (Bonferroni), to within the accuracy of p. The rate is that of a stream drawn
 *  afresh: with one seed the result is always the same.
 *
 *  | check        | statistic                                          | p-value                                  | values needed |
 *  |--------------|----------------------------------------------------|------------------------------------------|-----|
 *  | values       | how many are not finite, beyond the bounds, or not the constant | 0 or 1                      | 1   |
 *  | structure    | what the rule demands of places and rows: see below | 0 or 1; sparse: an upper bound          | 1   |
 *  | mean         | their mean                                         | normals: exact; else by saddlepoint      | 8   |
 *  | variance     | mean square of their distance from the rule's mean | normals: chi-square; else by saddlepoint | 8   |
 *  | distribution | D of Kolmogorov and Smirnov                        | exact to 1000 values, then to 1e-4       | 8   |
 *  | smallest     | the smallest value                                 | exact                                    | 1   |
 *  | largest      | the largest value                                  | exact                                    | 1   |
 *  | balance      | the part above the rule's median                   | binomial, exact                          | 25  |
 *  | repeats      | how many values came before                        | an upper bound: see below                | 2   |
 *  | serial       | correlation of elements 0 and 1, 2 and 3, …        | normal                                   | 128 |
 *  | rows         | correlation of rows 0 and 1, 2 and 3, …; a row has 2 elements or more | normal                | 128 |
 *
 *  The saddlepoint's p is right to a few percent, also where it is tiny, that of correlations to 10 %, of D of more than 1000
 *  values to 5 %. Correlations are those of the values' probabilities under the rule. A value is taken for all reals that
 *  round to it, and deviations below the resolution of the type are not counted.
 *
 *  *repeats* allows what words of 24 bits (float32; 53 for float64) and the spacing of the type allow: no value has a
 *  probability above q = 2^-24 + density * spacing, and values that came before are then at most as many as balls that hit
 *  an occupied one of 1/q urns (the birthday problem).
 *
 *  Constant rules: each value must equal the constant rounded to the type. Structured ones
 *  (NNINIT_DISTRIBUTION_STRUCTURED) have *values*, and *structure* instead of the others:
 *
 *  | rule                        | structure: statistic                                                    | allowed |
 *  |-----------------------------|-------------------------------------------------------------------------|---------|
 *  | identity, dirac, hadamard   | how many elements are not what their place says, to epsilon             | 0 |
 *  | array, file                 | how many elements are not what was given, to epsilon                    | 0 |
 *  | orthogonal, delta_orthogonal | greatest element of Q Q^T / gain^2 - I; what is not the centre counts too | 2 (length + 1) epsilon |
 *  | nguyen_widrow               | greatest relative error of a row's norm                                 | (columns + 1) epsilon |
 *  | sparse                      | columns without exactly ceil(sparsity * rows) zeros; the others are checked as a normal's | 0, or by chance |
 *  | callback                    | skipped: it says nothing about its values                               | |
 *
 *  epsilon is 2^-23 for float32, 2^-52 for float64. Where the type is too coarse for the rule (a std below 2^-17 of the mean
 *  in float32), only *values* and *structure* run. What does not run is NNINIT_SELFTEST_SKIPPED. docs/selftest.md has the
 *  formulas, what each fault looks like, and how few values show it. */
#ifndef NNINIT_SELFTEST_H
#define NNINIT_SELFTEST_H

#include <nninit/initializer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** False alarms of a whole self-test. */
#define NNINIT_SELFTEST_RATE 1e-6

/** Places in nninit_selftest.checks. */
typedef enum nninit_selftest_kind {
    NNINIT_SELFTEST_VALUES = 0,       /**< "values" */
    NNINIT_SELFTEST_STRUCTURE = 1,    /**< "structure" */
    NNINIT_SELFTEST_MEAN = 2,         /**< "mean" */
    NNINIT_SELFTEST_VARIANCE = 3,     /**< "variance" */
    NNINIT_SELFTEST_DISTRIBUTION = 4, /**< "distribution" */
    NNINIT_SELFTEST_SMALLEST = 5,     /**< "smallest" */
    NNINIT_SELFTEST_LARGEST = 6,      /**< "largest" */
    NNINIT_SELFTEST_BALANCE = 7,      /**< "balance" */
    NNINIT_SELFTEST_REPEATS = 8,      /**< "repeats" */
    NNINIT_SELFTEST_SERIAL = 9,       /**< "serial" */
    NNINIT_SELFTEST_ROWS = 10         /**< "rows" */
} nninit_selftest_kind;

/** How many checks there are; a later version may have more, behind these. */
#define NNINIT_SELFTEST_CHECKS 11

/** What a check says. */
typedef enum nninit_selftest_verdict {
    NNINIT_SELFTEST_SKIPPED = 0, /**< it did not run: it does not apply, or there are too few values */
    NNINIT_SELFTEST_PASSED = 1,  /**< p is at least the threshold */
    NNINIT_SELFTEST_FAILED = 2   /**< p is below it */
} nninit_selftest_verdict;

/** One check. */
typedef struct nninit_selftest_check {
    const char *name;                /**< as in the table above; static */
    double found;                    /**< the statistic; NaN where skipped */
    double expected;                 /**< what the rule says: of smallest and largest the bounds, of repeats the most that is
                                          expected, of structure the most that is allowed; NaN where skipped */
    double p;                        /**< NaN where skipped */
    nninit_selftest_verdict verdict; /**< what p says */
} nninit_selftest_check;

/** The outcome. */
typedef struct nninit_selftest {
    size_t size;      /**< set to sizeof before the call: what fits is written */
    int64_t count;    /**< of values */
    int performed;    /**< checks that ran */
    int failed;       /**< checks that failed; 0: the values pass */
    double threshold; /**< of p: NNINIT_SELFTEST_RATE / performed */
    char text[512];   /**< one line: verdict, rule, shape, and the checks that failed or else the least p */
    nninit_selftest_check checks[NNINIT_SELFTEST_CHECKS]; /**< indexed by nninit_selftest_kind */
} nninit_selftest;

/**
 * Draw a float32 tensor as nninit_initializer_fill() does, and check it.
 *
 * @param initializer  the rule
 * @param shape        [rank] sizes, each at least 1
 * @param rank         1 to NNINIT_MAX_RANK, as the rule needs
 * @param generator    advanced as by the fill; may be NULL where nothing is drawn
 * @param result       [out] its size must be set
 *
 * @retval NNINIT_OK          the checks ran; result->failed says with which outcome
 * @retval NNINIT_ERR_SHAPE   as nninit_initializer_fill, and where a size is 0: there is nothing to check
 * @retval NNINIT_ERR_MEMORY  out of memory: 20 bytes a value are needed, and what the fill needs
 * @retval (else as nninit_initializer_fill, and NNINIT_ERR_INVALID if result is NULL or its size is not set)
 * @note   On failure *result is untouched, and so is the generator except after NNINIT_ERR_CALLBACK. Of an orthogonal rule the
 *         check takes about as long as the draw.
 * @since  0.1
 */
NNINIT_API nninit_status nninit_initializer_selftest(const nninit_initializer *initializer, const int64_t *shape, int rank,
                                                     nninit_generator *generator, nninit_selftest *result);

/**
 * Check values against what a rule says about their shape.
 *
 * @param initializer  the rule that they should follow
 * @param dtype        NNINIT_FLOAT32 or NNINIT_FLOAT64: the type of values. Float32 values that were widened fail *repeats*
 *                     as float64 once there are enough of them, as they should
 * @param values       [product of shape], row-major; not changed. Where some are not finite *values* fails, and only it runs
 * @param shape        [rank] sizes, each at least 1: [fan_out, fan_in, k...]
 * @param rank         1 to NNINIT_MAX_RANK, as the rule needs
 * @param result       [out] its size must be set
 *
 * @retval NNINIT_OK           the checks ran; result->failed says with which outcome
 * @retval NNINIT_ERR_INVALID  a NULL, another type, low above high, fan_in not set, or a size that is not set
 * @retval NNINIT_ERR_SHAPE    the rule is not defined for this rank or shape, the shape is out of range, or a size is 0
 * @retval NNINIT_ERR_MEMORY   out of memory: 16 bytes a value are needed
 * @note   On failure *result is untouched. A transposed copy, or a shape with its dimensions in another order, is another
 *         question: pass the shape that the rule means.
 * @since  0.1
 */
NNINIT_API nninit_status nninit_selftest_values(const nninit_initializer *initializer, nninit_dtype dtype,
                                                const void *values, const int64_t *shape, int rank,
                                                nninit_selftest *result);

/**
 * Check a tensor's values: nninit_selftest_values() for its shape.
 *
 * @param initializer  the rule that they should follow
 * @param tensor       of the same context; not changed
 * @param result       [out] its size must be set
 *
 * @retval (as nninit_selftest_values)
 * @retval NNINIT_ERR_INVALID  also: the tensor is NULL or belongs to another context
 * @retval NNINIT_ERR_SHAPE    also: the tensor has no dimension
 * @retval NNINIT_ERR_MEMORY   out of memory: 20 bytes a value are needed
 * @retval NNINIT_ERR_DEVICE   the download failed
 * @since  0.1
 */
NNINIT_API nninit_status nninit_selftest_tensor(const nninit_initializer *initializer, const nninit_tensor *tensor,
                                                nninit_selftest *result);

#ifdef __cplusplus
}
#endif
#endif
