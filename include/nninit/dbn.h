/* SPDX-License-Identifier: MIT */
/** @file dbn.h
 *  Deep belief networks: machines (rbm.h) stacked, each trained on what the one below makes of the data, and what becomes of
 *  them: a net that starts from their weights, an autoencoder, or, with labels at the top, a model that dreams digits.
 *
 *  Hinton, Osindero & Teh, A fast learning algorithm for deep belief nets, Neural Computation 18, 2006; Hinton &
 *  Salakhutdinov, Reducing the dimensionality of data with neural networks, Science 313, 2006. */
#ifndef NNINIT_DBN_H
#define NNINIT_DBN_H

#include <nninit/initializer.h>
#include <nninit/rbm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A stack of machines. */
typedef struct nninit_dbn nninit_dbn;

/** Told about progress, as nninit_progress_fn is, with the number of the machine in training, from 0 at the bottom. */
typedef int (*nninit_dbn_progress_fn)(void *user, int machine, const nninit_progress *progress);

/** How a stack is trained. Zero everything, set `size`, then what you want to change; 0 or NULL is the default. */
typedef struct nninit_dbn_options {
    size_t size;                     /**< sizeof(nninit_dbn_options), so that later versions can add fields */
    int64_t epochs;                  /**< of each machine; default 10 */
    int64_t batch;                   /**< rows of a batch; default 100 */
    nninit_rbm_values values;        /**< what a machine learns from the one below; default NNINIT_RBM_MEANS (their code) */
    nninit_dbn_progress_fn progress; /**< told as an epoch runs; may be NULL */
    void *user;                      /**< its first argument */
} nninit_dbn_options;

/**
 * Create a stack. Machine k has widths[k] visible and widths[k + 1] hidden units.
 *
 * @param out        the new stack, or NULL on failure
 * @param context    its owner
 * @param machine    all machines' options and the visible units of the first, as nninit_rbm_parse() takes them; those above
 *                   have Bernoulli units. NULL: "bernoulli". See nninit_dbn_machine() for options of one
 * @param widths     [count]
 * @param count      at least 2
 * @param labels     classes of a joint top: the last machine learns labels, as one softmax group, beside the units below
 *                   it; 0: none
 * @param generator  draws weights and all that is sampled; claimed
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a NULL, count or labels out of range, or the generator belongs to another context
 * @retval (as nninit_rbm_parse)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_create(nninit_dbn **out, nninit_context *context, const char *machine,
                                           const int64_t *widths, int count, int64_t labels, nninit_generator *generator);

/** Give up the claim on a stack (see context.h). @since 0.1 */
NNINIT_API void nninit_dbn_destroy(nninit_dbn **dbn);

/** Number of machines; -1 for NULL. @since 0.1 */
NNINIT_API int nninit_dbn_machine_count(const nninit_dbn *dbn);

/** Machine `index`, from 0 at the bottom, lent; NULL if there is none. @since 0.1 */
NNINIT_API nninit_rbm *nninit_dbn_machine(nninit_dbn *dbn, int index);

/**
 * Train the machines one after the other, from the bottom: first set its visible biases from its data, unless it has been
 * trained before, then train it for the epochs that it still lacks. So a training that was cancelled goes on when it is
 * called again (with the epoch in which it stopped), and one that is over does nothing.
 *
 * @param dataset  features as the first machine's visible units; labels, with a joint top. Of each machine but the first the
 *                 rows are held in memory: rows x widths[k] floats
 * @param options  NULL: every default
 * @retval NNINIT_OK           every machine has its epochs
 * @retval NNINIT_ERR_INVALID  a NULL, an option out of range, or another context
 * @retval NNINIT_ERR_STATE    there is a joint top, and the data set has no labels
 * @retval NNINIT_ERR_SHAPE    the data set's features are not the visible units, or it has more classes than labels
 * @retval (as nninit_rbm_epoch)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_pretrain(nninit_dbn *dbn, nninit_dataset *dataset, const nninit_dbn_options *options);

/**
 * What a data set looks like above the first `machines` machines; see nninit_rbm_transform().
 *
 * @param machines  1 to their number; not a joint top
 * @retval NNINIT_ERR_INVALID  machines is out of range
 * @retval (as nninit_rbm_transform)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_transform(nninit_dbn *dbn, nninit_dataset *dataset, int machines,
                                              nninit_rbm_values values, nninit_dataset **out);

/**
 * A net that starts from the machines: a linear layer with a machine's weight and hidden bias and a sigmoid for each, then a
 * linear layer to the outputs. Train it as any other.
 *
 * @param out          the new model, or NULL on failure; it shares nothing with the stack
 * @param outputs      width of the last layer; 0: no last layer
 * @param initializer  of the last layer's weight, its bias is 0; NULL: PyTorch's defaults of nninit_linear_create(), or with a joint top
 *                     of as many labels what that has learnt
 * @param generator    draws it; may be NULL where nothing is drawn
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a NULL, outputs is negative, or handles of different contexts
 * @retval (as nninit_linear_create, nninit_initializer_apply)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_to_model(nninit_dbn *dbn, int64_t outputs, const nninit_initializer *initializer,
                                             nninit_generator *generator, nninit_layer **out);

/**
 * The machines unrolled: up to the code as nninit_dbn_to_model() does, then down by the same weights, transposed, and the visible biases,
 * with sigmoids, the last one left out for Gaussian units. `linear_code` leaves out that of the code, as Hinton & Salakhutdinov had it.
 *
 * @param out          the new model, or NULL on failure
 * @param linear_code  0 or 1
 * @retval NNINIT_OK               *out is ready
 * @retval NNINIT_ERR_INVALID      a NULL
 * @retval NNINIT_ERR_UNSUPPORTED  a joint top
 * @retval NNINIT_ERR_MEMORY       out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_autoencoder(nninit_dbn *dbn, int linear_code, nninit_layer **out);

/**
 * Samples of the whole stack: the data's means go up to the top machine, it runs Gibbs steps, and the result comes down as
 * means, sampled at each layer between.
 *
 * @param v       [in, out] [rows, widths[0]]: where to start, e.g. data or noise, and the means of the samples
 * @param rows    1 to 2^31 - 1
 * @param steps   of the top machine, at least 0
 * @param labels  [rows] that a joint top is held to; NULL: it is free
 * @retval NNINIT_OK           sampled
 * @retval NNINIT_ERR_INVALID  a NULL, rows or steps out of range, or a label that there is not
 * @retval NNINIT_ERR_STATE    labels are given, and there is no joint top
 * @retval (as nninit_rbm_sample)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_sample(nninit_dbn *dbn, float *v, int64_t rows, int64_t steps, const int64_t *labels);

/**
 * The label of a joint top that makes each row's free energy lowest, which is the most probable one given the means below.
 *
 * @param v       [rows, widths[0]]
 * @param rows    1 to 2^31 - 1
 * @param labels  [out] [rows]
 * @retval NNINIT_OK         labels are filled
 * @retval NNINIT_ERR_STATE  there is no joint top
 * @retval (as nninit_rbm_up)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_classify(nninit_dbn *dbn, const float *v, int64_t rows, int64_t *labels);

/**
 * Save every machine's state as one safetensors file, as nninit_rbm_save(), names with the machine's number: "0.weight".
 *
 * @retval (as nninit_rbm_save)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_save(nninit_dbn *dbn, const char *path);

/**
 * Go on from a file of nninit_dbn_save(), in a stack of the same widths and units. On failure nothing has changed.
 *
 * @retval (as nninit_rbm_resume)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dbn_resume(nninit_dbn *dbn, const char *path);

#ifdef __cplusplus
}
#endif
#endif
