/* SPDX-License-Identifier: MIT */
/** @file report.h
 *  How a signal fares on its way through a model: what one batch makes of every layer, forward and backward, and a verdict.
 *
 *      nninit_report *report;
 *      if (nninit_report_create(&report, model, NNINIT_CROSS_ENTROPY, x, labels, 100, NULL) == NNINIT_OK)
 *          printf("%s\n", nninit_report_text(report));
 *
 *  The layers of a report are the model's innermost ones, in order: a linear layer and the activation after it are two. Below,
 *  "outputs" are what a layer gives, "gradients" those of the mean loss with respect to its outputs; both are [rows, units].
 *
 *  Findings, the first being the model's verdict. v: variance of a linear layer's outputs; s: mean over its units of their
 *  variance over the batch, i.e. what depends on the input; d: the squared norm of its gradients. What comes before the first
 *  linear layer is x: its mean square stands for v, and s is that of its columns. A last linear layer whose weight is zero, but
 *  not its gradient, is left out: it waits for the first step.
 *
 *  | verdict   | rule | source |
 *  |-----------|------|--------|
 *  | exploding | a value, a gradient or the loss is not finite | |
 *  | symmetric | more than half of a linear layer's other units repeat one of them: the same weights, outputs and gradients | Goodfellow et al., Deep Learning, 8.4 |
 *  | dead      | more than .8 of a layer's units have a derivative of 0 in every row | Lu et al., Dying ReLU, 2020 |
 *  | saturated | more than .5 of a layer's derivatives are below .05 of the activation's greatest | Glorot & Bengio 2010, 3 |
 *  | exploding | v grows more than 10 times from one linear layer to the next | Glorot & Bengio 2010 |
 *  | exploding | s grows more than 10^4 times from x to any linear layer, or d from the last to any other | He et al. 2015, 2.2 |
 *  | vanishing | v falls more than 10 times from one linear layer to the next | Glorot & Bengio 2010 |
 *  | vanishing | s falls more than 10^4 times from x to any linear layer, or d from the last to any other | He et al. 2015, 2.2 |
 *  | stalled   | none of the last 5 losses (options) is below the one before them | |
 *
 *  The rules are for a net before training: the outputs of one that has learned rightly grow, as it becomes sure of itself.
 *  Of a rule that several layers break the report has the worst. Layer `layer` of a finding is where it was measured. */
#ifndef NNINIT_REPORT_H
#define NNINIT_REPORT_H

#include <nninit/step.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a model makes of one batch. Immutable; it does not change with the model. */
typedef struct nninit_report nninit_report;

/** What is the matter. */
typedef enum nninit_verdict {
    NNINIT_VERDICT_HEALTHY = 0,   /**< no rule is broken */
    NNINIT_VERDICT_VANISHING = 1, /**< the signal or its gradient dies away from layer to layer */
    NNINIT_VERDICT_EXPLODING = 2, /**< it grows from layer to layer, or has left the range of float32 */
    NNINIT_VERDICT_SYMMETRIC = 3, /**< units compute the same and will for ever */
    NNINIT_VERDICT_SATURATED = 4, /**< the activation is flat where the layer works */
    NNINIT_VERDICT_DEAD = 5,      /**< units that answer to no row */
    NNINIT_VERDICT_STALLED = 6    /**< the loss does not fall */
} nninit_verdict;

/** What to look at. Zero everything, set `size`, then what you want to change; 0 is the default. */
typedef struct nninit_report_options {
    size_t size;                       /**< sizeof(nninit_report_options), so that later versions can add fields */
    const nninit_optimizer *optimizer; /**< measure the update that it would make now; default NULL: none */
    const float *losses;               /**< [loss_count] of the last steps, for the rule of the stalled loss; default NULL */
    int64_t loss_count;                /**< at least 0 */
    int64_t row;                       /**< of the batch: where the Jacobians are taken; default 0, the first */
    int no_spectra;                    /**< not 0: no singular values, which take most of the time */
} nninit_report_options;

/** One layer. Quantities that it does not have are NaN, arrays NULL. */
typedef struct nninit_report_layer {
    size_t size;                 /**< set to sizeof before the call: what fits is written */
    const char *name;            /**< as in its parameters' names, e.g. "2"; "" for a model of one layer. Lent by the report */
    const char *kind;            /**< "linear", "relu", …; static */
    nninit_verdict verdict;      /**< of the first finding that was measured here */
    int64_t units;               /**< outputs */
    double mean;                 /**< of outputs, over rows and units */
    double variance;             /**< of outputs, over rows and units */
    double signal;               /**< mean over units of the variance of their outputs over the rows */
    double min;                  /**< least output */
    double max;                  /**< greatest output */
    double dead;                 /**< 0 to 1: share of units whose derivative is 0 in every row */
    double saturated;            /**< 0 to 1: share of outputs of a bounded activation where its derivative is below .05 of
                                      its greatest; 0 for others */
    int64_t distinct;            /**< how many units differ from each other, in any row's output or gradient or, of a linear layer, in any
                                      weight */
    double gradient_mean;        /**< of gradients, over rows and units */
    double gradient_variance;    /**< of gradients, over rows and units */
    double gradient_norm;        /**< root of the sum of their squares */
    double weight_norm;          /**< Frobenius norm of a linear layer's weight */
    double weight_gradient_norm; /**< of the loss' gradient with respect to that weight */
    double update_ratio;         /**< norm of the weight's next update / norm of the weight; needs an optimizer */
    int64_t weight_rank;         /**< singular values above largest * greater side * 2^-23; -1 where there is none */
    int64_t weight_spectrum_count; /**< least(outputs, inputs) of a linear layer; 0 without spectra */
    int64_t jacobian_spectrum_count;  /**< least(units, inputs of the model); 0 without spectra, or where not finite */
    const double *weight_spectrum;    /**< [weight_spectrum_count] singular values of the weight, largest first */
    const double *jacobian_spectrum;  /**< [jacobian_spectrum_count] singular values of d outputs / d x in one row, largest first */
    const float *outputs;           /**< [rows, units], lent by the report */
    const float *gradients;         /**< [rows, units], lent by the report; NULL before the first linear layer */
} nninit_report_layer;

/** A rule that is broken. */
typedef struct nninit_finding {
    size_t size;            /**< set to sizeof before the call: what fits is written */
    nninit_verdict verdict; /**< what it means */
    int layer;              /**< where it was measured; -1: the whole model */
    const char *rule;       /**< in words; static */
    double measured;        /**< what was found */
    double threshold;       /**< what would just have been right */
    const char *cause;      /**< likely; static */
    const char *remedy;     /**< what to try; static */
} nninit_finding;

/**
 * Run one batch forward and backward, and measure. The program is that of nninit_gradient(), with everything kept: the same
 * bits. The parameters do not change; the model's gradients are this batch's afterwards.
 *
 * @param out      the new report, or NULL on failure
 * @param model    at least one linear layer
 * @param loss     which loss
 * @param x        [rows, inputs] floats; take a batch as training will see it, of some hundred rows
 * @param target   int64_t [rows] or float [rows, outputs]: see nninit_loss
 * @param rows     at least 1; at least 2 for variances over the batch to mean anything
 * @param options  NULL: every default
 *
 * @retval NNINIT_OK           *out is ready; a loss that is not finite is a finding
 * @retval NNINIT_ERR_STATE    the optimizer belongs to another model
 * @retval NNINIT_ERR_INVALID  as nninit_gradient(), or an option is out of range
 * @retval (else as nninit_gradient)
 * @note   Spectra of a weight of n by m cost about n m least(n, m) steps in double: .24 s for 784 x 512.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_report_create(nninit_report **out, nninit_layer *model, nninit_loss loss, const float *x,
                                              const void *target, int64_t rows, const nninit_report_options *options);

/** Give up the claim on a report (see context.h). @since 0.1 */
NNINIT_API void nninit_report_destroy(nninit_report **report);

/** The first finding's verdict, or NNINIT_VERDICT_HEALTHY; also for NULL. @since 0.1 */
NNINIT_API nninit_verdict nninit_report_verdict(const nninit_report *report);

/** The loss on the batch; NaN for NULL. @since 0.1 */
NNINIT_API double nninit_report_loss(const nninit_report *report);

/** Number of layers; -1 for NULL. @since 0.1 */
NNINIT_API int nninit_report_layer_count(const nninit_report *report);

/**
 * A layer, in order.
 *
 * @param layer  [out] its size must be set; what it lends lives as long as the report
 * @retval NNINIT_OK           *layer is set
 * @retval NNINIT_ERR_INVALID  a NULL, an index out of range, or a size that is not set
 * @since 0.1
 */
NNINIT_API nninit_status nninit_report_get_layer(const nninit_report *report, int index, nninit_report_layer *layer);

/** Number of findings; -1 for NULL. @since 0.1 */
NNINIT_API int nninit_report_finding_count(const nninit_report *report);

/**
 * A finding, the gravest first.
 *
 * @param finding  [out] its size must be set
 * @retval NNINIT_OK           *finding is set
 * @retval NNINIT_ERR_INVALID  a NULL, an index out of range, or a size that is not set
 * @since 0.1
 */
NNINIT_API nninit_status nninit_report_get_finding(const nninit_report *report, int index, nninit_finding *finding);

/** An aligned table of the layers and a line for each finding, each line ended by a newline. Lent by the report; NULL for
 *  NULL. @since 0.1 */
NNINIT_API const char *nninit_report_text(const nninit_report *report);

/** The same as a JSON object (RFC 8259), without outputs and gradients; what is not finite is null. Lent by the report; NULL
 *  for NULL. @since 0.1 */
NNINIT_API const char *nninit_report_json(const nninit_report *report);

/** "healthy", "vanishing", …; "unknown" for any other number. Static. @since 0.1 */
NNINIT_API const char *nninit_verdict_name(nninit_verdict verdict);

#ifdef __cplusplus
}
#endif
#endif
