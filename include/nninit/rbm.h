/* SPDX-License-Identifier: MIT */
/** @file rbm.h
 *  Restricted Boltzmann machines: two layers of units, visible v [visible] and hidden h [hidden], and an energy that is lower
 *  for states that are more probable, p(v, h) = exp(-E(v, h)) / Z:
 *
 *  | visible units | E(v, h) | p(h = 1 given v) | p(v given h) | F(v) = -log sum over h of exp(-E) |
 *  |---|---|---|---|---|
 *  | Bernoulli | -b.v - c.h - h.Wv | sigmoid(Wv + c) | sigmoid(W'h + b) | -b.v - sum of softplus(Wv + c) |
 *  | Gaussian, variance 1 | abs(v - b)^2 / 2 - c.h - h.Wv | the same | N(W'h + b, 1) | abs(v - b)^2 / 2 - sum of softplus(Wv + c) |
 *
 *  with a weight W [hidden, visible], as of a linear layer, a visible bias b and a hidden bias c. Training lowers the free
 *  energy F of data and raises that of what the machine makes of it (contrastive divergence) or makes up by itself
 *  (persistent chains). Defaults are those of Hinton's guide, "A practical guide to training restricted Boltzmann machines",
 *  UTML TR 2010-003, below "the guide".
 *
 *  Training, sampling and AIS run on the context's backend and give the same bits on each (docs/numerics.md); the measures
 *  under "exact" are computed on the host in double. All functions of a machine belong to one thread at a time. */
#ifndef NNINIT_RBM_H
#define NNINIT_RBM_H

#include <nninit/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A restricted Boltzmann machine, its momenta, its chains and its options. */
typedef struct nninit_rbm nninit_rbm;

/** Kinds of visible units. Hidden units are binary. */
typedef enum nninit_rbm_units {
    NNINIT_RBM_BERNOULLI = 1, /**< 0 or 1; data in [0, 1], read as probabilities */
    NNINIT_RBM_GAUSSIAN = 2   /**< real, of variance 1: scale each feature of the data to that, and to mean 0 */
} nninit_rbm_units;

/** Hidden values that go up to a next layer. */
typedef enum nninit_rbm_values {
    NNINIT_RBM_MEANS = 1,  /**< probabilities: less noise */
    NNINIT_RBM_SAMPLES = 2 /**< zeros and ones, drawn by the machine's generator */
} nninit_rbm_values;

/** Options; those that are 0 or 1 are switches. Each may change between two epochs. */
typedef enum nninit_rbm_option {
    NNINIT_RBM_LR = 1,              /**< learning rate, at least 0; default .1 (the guide, 7, for binary units; take .001 for
                                         Gaussian ones, 13.2) */
    NNINIT_RBM_LR_EPOCHS = 2,       /**< the rate falls linearly to 0 in that many epochs from the first; 0, the default: it
                                         stays. Makes persistent chains' models better (Tieleman 2008) */
    NNINIT_RBM_MOMENTUM = 3,        /**< 0 to 1; default .5 (the guide, 9.1) */
    NNINIT_RBM_FINAL_MOMENTUM = 4,  /**< that after MOMENTUM_EPOCHS; default .9 (the guide, 9.1) */
    NNINIT_RBM_MOMENTUM_EPOCHS = 5, /**< default 5 (Hinton & Salakhutdinov 2006, their code) */
    NNINIT_RBM_WEIGHT_DECAY = 6,    /**< L2, at least 0, of weights only; default 2e-4 (the guide, 10; their code) */
    NNINIT_RBM_L1 = 7,              /**< L1, at least 0, of weights only; default 0 */
    NNINIT_RBM_CD_STEPS = 8,        /**< k, full Gibbs steps of the negative phase, 1 to 1000; default 1 (the guide, 5) */
    NNINIT_RBM_CHAINS = 9,          /**< persistent chains; 0, the default: chains start at the data (CD-k); else at
                                         the last step's states, as many as given, all hidden units 0 at first (PCD-k; Tieleman 2008) */
    NNINIT_RBM_SAMPLE_HIDDEN = 10,  /**< switch: hidden states that visible ones are made from are sampled; default 1 (the
                                         guide, 3.1) */
    NNINIT_RBM_SAMPLE_VISIBLE = 11, /**< switch: so are reconstructions; default 0 (the guide, 3.2). Persistent chains are
                                         always sampled */
    NNINIT_RBM_SAMPLE_POSITIVE = 12, /**< switch: the statistics of data use sampled hidden states; default 0:
                                         probabilities (the guide, 3.3) */
    NNINIT_RBM_BINARIZE = 13,       /**< switch, Bernoulli units: each time a row is shown, its values are drawn with
                                         themselves as probabilities; default 0 */
    NNINIT_RBM_SPARSITY_TARGET = 14, /**< how often a hidden unit is to be on, above 0 and below 1; default .1 (the guide, 11) */
    NNINIT_RBM_SPARSITY_COST = 15,  /**< how strongly, at least 0: target - mean, times this, is added to each hidden
                                         probability of the positive statistics; default 0 */
    NNINIT_RBM_SPARSITY_DECAY = 16, /**< of the running mean over batches, 0 up to below 1; default .9 (the guide, 11) */
    NNINIT_RBM_MAX_NORM = 17,       /**< longest weight vector of a hidden unit; longer ones are scaled after a step; 0, the
                                         default: any (Srivastava et al. 2014, 5.1) */
    NNINIT_RBM_LABELS = 18          /**< how many of the last visible units are one softmax group, exactly one of them on:
                                         labels; default 0 (Hinton, Osindero & Teh 2006) */
} nninit_rbm_option;

/**
 * Create a machine: weights N(0, .01^2) (the guide, 8), drawn by the generator, biases 0.
 *
 * @param out        the new machine, or NULL on failure
 * @param context    its owner
 * @param units      kind of its visible units
 * @param visible    number of visible units, at least 1
 * @param hidden     number of hidden units, at least 1; the weight has at most 2^40 elements
 * @param generator  draws the weights, and later everything that is sampled; claimed. Draws of NNINIT_STREAM_PHILOX are
 *                   made where the program runs, those of other streams on the host, with PyTorch's as
 *                   torch.rand(rows, units) or torch.randn(rows, units) would. NULL: the weights are 0, and nothing can be sampled
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  out or context is NULL, a number is out of range, units are unknown, or the generator belongs
 *                             to another context
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_create(nninit_rbm **out, nninit_context *context, nninit_rbm_units units,
                                           int64_t visible, int64_t hidden, nninit_generator *generator);

/**
 * Create a machine from text: "bernoulli" or "gaussian", then options by their names in lower case, e.g.
 * "bernoulli:lr=0.05,chains=100,lr_epochs=30".
 *
 * @retval NNINIT_OK             *out is ready
 * @retval NNINIT_ERR_NOT_FOUND  an unknown name; the message lists those known
 * @retval NNINIT_ERR_INVALID    a pair without "=", or a value that is no number or out of range
 * @retval (as nninit_rbm_create)
 * @note   A failure after the weights were drawn has advanced the generator.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_parse(nninit_rbm **out, nninit_context *context, const char *text, int64_t visible,
                                          int64_t hidden, nninit_generator *generator);

/** Give up the claim on a machine (see context.h). @since 0.1 */
NNINIT_API void nninit_rbm_destroy(nninit_rbm **rbm);

/**
 * Set an option.
 *
 * @retval NNINIT_OK             set
 * @retval NNINIT_ERR_INVALID    rbm is NULL or the value out of range
 * @retval NNINIT_ERR_NOT_FOUND  no such option
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_set(nninit_rbm *rbm, nninit_rbm_option option, double value);

/**
 * Read an option.
 *
 * @retval NNINIT_OK             *value is it
 * @retval NNINIT_ERR_INVALID    a NULL
 * @retval NNINIT_ERR_NOT_FOUND  no such option
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_get(const nninit_rbm *rbm, nninit_rbm_option option, double *value);

/** Number of visible units; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_rbm_visible_units(const nninit_rbm *rbm);
/** Number of hidden units; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_rbm_hidden_units(const nninit_rbm *rbm);
/** Epochs that it was trained for; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_rbm_epochs(const nninit_rbm *rbm);
/** The weight [hidden, visible], lent: read, write, or fill it by any initializer. NULL for NULL. @since 0.1 */
NNINIT_API nninit_tensor *nninit_rbm_weight(nninit_rbm *rbm);
/** The visible bias [visible], lent. NULL for NULL. @since 0.1 */
NNINIT_API nninit_tensor *nninit_rbm_visible_bias(nninit_rbm *rbm);
/** The hidden bias [hidden], lent. NULL for NULL. @since 0.1 */
NNINIT_API nninit_tensor *nninit_rbm_hidden_bias(nninit_rbm *rbm);

/**
 * SHA-256 over weight, visible bias and hidden bias, as nninit_layer_sha256().
 *
 * @param hex  [NNINIT_SHA256_SIZE] overwritten with lower-case text
 * @retval (as nninit_layer_sha256)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_sha256(nninit_rbm *rbm, char *hex);

/**
 * Set the visible bias so that units without weights are on as often as in the data: log(p / (1 - p)), p held to
 * [.001, .999]; of Gaussian units the mean; of labels log p (the guide, 8.1).
 *
 * @param dataset  features as the machine's visible units
 * @retval NNINIT_OK             set
 * @retval NNINIT_ERR_INVALID    a NULL, another context, or values outside [0, 1] with Bernoulli units
 * @retval NNINIT_ERR_SHAPE      the data set's features are not the visible units
 * @retval NNINIT_ERR_CALLBACK   the data set's callback reported failure
 * @retval NNINIT_ERR_MEMORY     out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_init_visible_bias(nninit_rbm *rbm, nninit_dataset *dataset);

/**
 * Be told about progress while an epoch runs, as by a trainer (trainer.h). Its cost is the running mean of nninit_rbm_epoch()'s
 * `error`; with persistent chains that of the hidden units' probabilities.
 *
 * @param progress  called on the calling thread; NULL: nobody is told any more
 * @param user      its first argument
 * @retval NNINIT_OK           from now on
 * @retval NNINIT_ERR_INVALID  rbm is NULL
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_on_progress(nninit_rbm *rbm, nninit_progress_fn progress, void *user);

/**
 * Train for one epoch, or finish the one that was cancelled. A step takes one batch of the loader.
 *
 * @param loader  gives the batches; features of its data set as the visible units. A last batch that is smaller is a step too
 * @param error   [out] mean over batches, rows and units of the squared difference of a batch and its first reconstruction: a sign
 *                of life, no measure of the model (the guide, 4.1). NaN with persistent chains, which make none. May be NULL
 * @retval NNINIT_OK             the epoch is over
 * @retval NNINIT_ERR_INVALID    a NULL, handles of different contexts, or data outside [0, 1] with Bernoulli units
 * @retval NNINIT_ERR_SHAPE      the data set's features are not the visible units, or there are not more of these than labels
 * @retval NNINIT_ERR_STATE      the machine has no generator
 * @retval NNINIT_ERR_CANCELLED  by nninit_context_cancel() or the progress function, between two steps
 * @retval NNINIT_ERR_NUMERIC    values are no longer finite; the message names epoch and step, and parameters, momenta and
 *                               chains are again those from before the epoch
 * @retval NNINIT_ERR_CALLBACK   the data set's callback reported failure
 * @retval NNINIT_ERR_BACKEND    see nninit_context_backend()
 * @retval NNINIT_ERR_DEVICE     the backend failed
 * @retval NNINIT_ERR_MEMORY     out of memory
 * @see   Hinton, Neural Computation 14, 2002 (CD-k); Tieleman, ICML 2008 (PCD)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_epoch(nninit_rbm *rbm, nninit_loader *loader, double *error);

/**
 * Save everything that training goes on from, as one safetensors file: parameters, momenta, chains, options, the generator,
 * and the loader's place unless it is NULL. Training that is resumed ends with the same bits.
 *
 * @retval NNINIT_OK           saved
 * @retval NNINIT_ERR_INVALID  rbm or path is NULL, or another context
 * @retval NNINIT_ERR_IO       the file cannot be written or renamed
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_save(nninit_rbm *rbm, nninit_loader *loader, const char *path);

/**
 * Go on from a file of nninit_rbm_save(), in a machine of the same units, and a loader, unless it is NULL, made as that one.
 * NNINIT_RBM_CHAINS and NNINIT_RBM_LABELS must be as they were; all other options are taken from the file.
 *
 * @retval NNINIT_OK  resumed
 * @retval (as nninit_trainer_resume)
 * @note   On failure nothing has changed.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_resume(nninit_rbm *rbm, nninit_loader *loader, const char *path);

/**
 * Probabilities of hidden units: h = p(h = 1 given v), [rows, hidden].
 *
 * @param v     [rows, visible]
 * @param rows  1 to 2^31 - 1
 * @param h     [out] [rows, hidden]
 * @retval NNINIT_OK           h is filled
 * @retval NNINIT_ERR_INVALID  a NULL, or rows out of range
 * @retval (NNINIT_ERR_BACKEND, _DEVICE, _MEMORY as nninit_rbm_epoch)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_up(nninit_rbm *rbm, const float *v, int64_t rows, float *h);

/**
 * Means of visible units given hidden values: probabilities, or of Gaussian units W'h + b.
 *
 * @param h  [rows, hidden]
 * @param v  [out] [rows, visible]
 * @retval (as nninit_rbm_up)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_down(nninit_rbm *rbm, const float *h, int64_t rows, float *v);

/**
 * What a data set looks like to the hidden units: a new one of `hidden` features, with the same labels, computed once.
 *
 * @param out     the new data set, or NULL on failure; float32 in memory
 * @param dataset features as the visible units
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_STATE    samples, and the machine has no generator
 * @retval (as nninit_rbm_epoch)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_transform(nninit_rbm *rbm, nninit_dataset *dataset, nninit_rbm_values values,
                                              nninit_dataset **out);

/**
 * Block Gibbs sampling: `steps` times hidden states given visible ones, and visible ones given those.
 *
 * @param v      [in, out] [rows, visible]: where the chains start, and where they have come to
 * @param rows   number of chains, 1 to 2^31 - 1
 * @param steps  at least 0
 * @param fixed  [rows, visible], not 0: that unit keeps its value; NULL: none does. Labels are kept all or none
 * @param means  [out] [rows, visible] the probabilities (or means) that the last states were drawn from; kept units as they
 *               are; may be NULL
 * @retval NNINIT_OK           sampled
 * @retval NNINIT_ERR_INVALID  a NULL, rows or steps out of range
 * @retval NNINIT_ERR_STATE    the machine has no generator
 * @retval (NNINIT_ERR_BACKEND, _DEVICE, _MEMORY as nninit_rbm_epoch)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_sample(nninit_rbm *rbm, float *v, int64_t rows, int64_t steps, const float *fixed,
                                           float *means);

/**
 * How well a data set is reconstructed by means: v' = down(up(v)).
 *
 * @param squared        [out] mean over rows and units of (v - v')^2; may be NULL
 * @param cross_entropy  [out] mean over rows of the sum over units of -v log v' - (1 - v) log(1 - v'), in nats (of labels
 *                       -v log v'); may be NULL, and must be with Gaussian units
 * @retval NNINIT_ERR_UNSUPPORTED  cross-entropy of Gaussian units
 * @retval (as nninit_rbm_epoch)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_reconstruction(nninit_rbm *rbm, nninit_dataset *dataset, double *squared,
                                                   double *cross_entropy);

/**
 * Free energies F(v), in double. log p(v) = -F(v) - log Z.
 *
 * @param v       [rows, visible]
 * @param rows    at least 1
 * @param energy  [out] [rows]
 * @retval NNINIT_OK           computed
 * @retval NNINIT_ERR_INVALID  a NULL, or rows < 1
 * @retval NNINIT_ERR_SHAPE    there are not more visible units than labels
 * @retval NNINIT_ERR_DEVICE   the backend could not read the parameters
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_free_energy(nninit_rbm *rbm, const float *v, int64_t rows, double *energy);

/**
 * Mean free energy of held-out data less that of training data. It grows when the machine begins to overfit (the guide, 6).
 *
 * @param train  data that it learns from
 * @param held   data that it does not see
 * @param rows   so many of the first rows of each; 0: all
 * @param gap    [out]
 * @retval NNINIT_OK           computed
 * @retval NNINIT_ERR_INVALID  a NULL, another context, or rows is negative or more than a data set has
 * @retval NNINIT_ERR_SHAPE    features are not the visible units
 * @retval (NNINIT_ERR_CALLBACK, _DEVICE, _MEMORY as above)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_free_energy_gap(nninit_rbm *rbm, nninit_dataset *train, nninit_dataset *held,
                                                    int64_t rows, double *gap);

/**
 * Mean over rows of the log pseudo-likelihood: the sum over units of log p(unit given all others).
 *
 * @param v          [rows, visible] zeros and ones
 * @param rows       at least 1
 * @param generator  NULL: exact, of every unit of every row (hidden softplus each). Else estimated from one unit a row:
 *                   visible * log p(unit given all others), as scikit-learn's score_samples; it draws randint(rows)
 * @param value      [out]
 * @retval NNINIT_OK               computed
 * @retval NNINIT_ERR_INVALID      a NULL, rows < 1, a value that is neither 0 nor 1, or a generator of another context
 * @retval NNINIT_ERR_UNSUPPORTED  Gaussian units, or labels
 * @retval (NNINIT_ERR_DEVICE, _MEMORY as above)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_pseudo_likelihood(nninit_rbm *rbm, const float *v, int64_t rows,
                                                      nninit_generator *generator, double *value);

/** Most units of the smaller side for which sums over all states can be asked for. */
#define NNINIT_RBM_ENUMERATION_LIMIT 25

/**
 * log Z exactly, by enumeration of the smaller side's states in Gray code: 2^n sums over the other side. Of Gaussian units
 * or with labels the hidden side is enumerated.
 *
 * @param log_z  [out]
 * @retval NNINIT_OK           computed
 * @retval NNINIT_ERR_INVALID  a NULL
 * @retval NNINIT_ERR_SHAPE    the side to be enumerated has more than NNINIT_RBM_ENUMERATION_LIMIT units, or there are not more
 *                             visible units than labels
 * @retval (NNINIT_ERR_DEVICE, _MEMORY as above)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_log_partition(nninit_rbm *rbm, double *log_z);

/**
 * KL(data || model) exactly: the data's distribution gives each row the same weight, equal rows together theirs.
 *
 * @param v     [rows, visible] zeros and ones
 * @param rows  at least 1
 * @param kl    [out] at least 0 but for rounding
 * @retval NNINIT_ERR_UNSUPPORTED  Gaussian units: densities have no such divergence from points
 * @retval NNINIT_ERR_INVALID      a NULL, rows < 1, a value that is neither 0 nor 1, or not exactly one label of a row is on
 * @retval (as nninit_rbm_log_partition)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_kl(nninit_rbm *rbm, const float *v, int64_t rows, double *kl);

/** How nninit_rbm_ais() is to work. Zero everything, set `size`, then what you want to change; 0 or NULL is the default. */
typedef struct nninit_rbm_ais_options {
    size_t size;        /**< sizeof(nninit_rbm_ais_options), so that later versions can add fields */
    int64_t chains;     /**< independent chains, at least 2; default 100 */
    const double *betas; /**< [temperatures] inverse temperatures, ascending, first 0 and last 1; default: 14 501 of them, 500
                             steps to .5, 4 000 to .9, 10 000 to 1 (Salakhutdinov & Murray 2008) */
    int64_t temperatures; /**< number of betas, at least 2 */
    nninit_dataset *base; /**< the first distribution has its frequencies, as of nninit_rbm_init_visible_bias(): closer to the
                             model than the default, all units even */
} nninit_rbm_ais_options;

/** What nninit_rbm_ais() finds. */
typedef struct nninit_rbm_ais_result {
    size_t size;           /**< set it to sizeof(nninit_rbm_ais_result) before the call */
    double log_z;          /**< the estimate of log Z; Z's is unbiased, so that log_z tends to be a little low */
    double standard_error; /**< of log_z: standard deviation of the chains' weights over their mean and sqrt(chains) */
    double low;            /**< log of the estimate of Z less three of its standard errors; -Inf if that is not above 0 */
    double high;           /**< log of the estimate of Z plus three */
    double log_base;       /**< log Z of the first distribution, exact */
} nninit_rbm_ais_result;

/**
 * Estimate log Z by annealed importance sampling: chains go from a distribution without weights to the model's.
 *
 * @param options    NULL: every default
 * @param generator  draws the chains
 * @param result     [out] filled up to its size
 * @retval NNINIT_OK           estimated
 * @retval NNINIT_ERR_INVALID  a NULL, an option out of range, or handles of different contexts
 * @retval NNINIT_ERR_SHAPE    the base's features are not the visible units
 * @retval NNINIT_ERR_NUMERIC  the machine's values are not finite
 * @retval NNINIT_ERR_CANCELLED by nninit_context_cancel()
 * @retval (NNINIT_ERR_BACKEND, _DEVICE, _CALLBACK, _MEMORY as nninit_rbm_epoch)
 * @see   Neal, Statistics and Computing 11, 2001; Salakhutdinov & Murray, ICML 2008
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rbm_ais(nninit_rbm *rbm, const nninit_rbm_ais_options *options,
                                        nninit_generator *generator, nninit_rbm_ais_result *result);

#ifdef __cplusplus
}
#endif
#endif
