/* SPDX-License-Identifier: MIT */
/* An epoch of a machine. */
#include "fpenv.h"
#include "loader.h"
#include "rbm_program.h"

#include <math.h>
#include <string.h>

/* What an epoch changes, as it was before: put back when values stop being finite. Made by the first epoch, and kept. */
struct rbm_before {
    float *tensors; /* parameters, then momenta */
    float *chains;
    void *generator;
    float *room; /* of the largest tensor */
    int64_t chain_count, position;
    float cost;
};

void rbm_before_free(nninit_rbm *rbm) {
    nninit_context *context = rbm->object.context;
    if (!rbm->before)
        return;
    mem_free(context, rbm->before->tensors);
    mem_free(context, rbm->before->chains);
    mem_free(context, rbm->before->generator);
    mem_free(context, rbm->before->room);
    mem_free(context, rbm->before);
    rbm->before = NULL;
}

/* Elements of tensor t of an arena. */
static int64_t tensor_size(const nninit_rbm *rbm, int t) {
    return t == RBM_WEIGHT ? rbm->hidden * rbm->visible : t == RBM_VISIBLE_BIAS ? rbm->visible : rbm->hidden;
}

/* Every tensor of parameters and momenta, one after the other: read to, or written from. */
static nninit_status exchange(nninit_rbm *rbm, float *values, bool write) {
    static const enum arena_role roles[] = {ARENA_VALUES, ARENA_M};
    nninit_status status = NNINIT_OK;
    for (int a = 0; a < 2; a++)
        for (int t = 0; t < RBM_TENSORS && status == NNINIT_OK; values += tensor_size(rbm, t++))
            status = write ? arena_write(rbm->arenas[roles[a]], t, values) : arena_read(rbm->arenas[roles[a]], t, values);
    return status;
}

static nninit_status make_before(nninit_rbm *rbm) {
    nninit_context *context = rbm->object.context;
    int64_t count = 0;
    if (rbm->before && rbm->before->chain_count == rbm->chain_count)
        return NNINIT_OK;
    rbm_before_free(rbm);
    struct rbm_before *b = rbm->before = mem_alloc(context, sizeof *b);
    if (!b)
        return NNINIT_ERR_MEMORY;
    for (int t = 0; t < RBM_TENSORS; t++)
        count += 2 * tensor_size(rbm, t);
    b->chain_count = rbm->chain_count;
    b->tensors = mem_array(context, count, sizeof *b->tensors);
    b->chains = mem_array(context, b->chain_count * rbm->hidden, sizeof *b->chains);
    b->generator = mem_alloc(context, nninit_generator_state_size(rbm->generator));
    b->room = mem_array(context, tensor_size(rbm, RBM_WEIGHT), sizeof *b->room);
    if (b->tensors && b->chains && b->generator && b->room)
        return NNINIT_OK;
    rbm_before_free(rbm);
    return NNINIT_ERR_MEMORY;
}

static nninit_status keep_before(nninit_rbm *rbm, const nninit_loader *loader) {
    nninit_status status = rbm_open(rbm, true);
    if (status == NNINIT_OK)
        status = rbm_chains_settle(rbm);
    if (status == NNINIT_OK)
        status = make_before(rbm);
    if (status == NNINIT_OK)
        status = exchange(rbm, rbm->before->tensors, false);
    if (status == NNINIT_OK)
        status = nninit_generator_save(rbm->generator, rbm->before->generator, nninit_generator_state_size(rbm->generator));
    if (status < 0)
        return status;
    rbm->before->position = loader->position;
    rbm->before->cost = loader->cost;
    if (rbm->chain_count > 0)
        memcpy(rbm->before->chains, rbm->chains, (size_t)(rbm->chain_count * rbm->hidden) * sizeof *rbm->chains);
    return NNINIT_OK;
}

/* The failure that led here is the one that is reported. */
static void put_back(nninit_rbm *rbm, nninit_loader *loader) {
    const struct rbm_before *b = rbm->before;
    rbm->chained = NULL;
    exchange(rbm, b->tensors, true);
    nninit_generator_restore(rbm->generator, b->generator, nninit_generator_state_size(rbm->generator));
    if (rbm->chain_count > 0)
        memcpy(rbm->chains, b->chains, (size_t)(rbm->chain_count * rbm->hidden) * sizeof *rbm->chains);
    loader->position = b->position;
    loader->cost = b->cost;
}

/* The rates of the next steps, those of weights or those of biases. */
static void fill_rates(const nninit_rbm *rbm, const nninit_loader *loader, int64_t rows, int64_t steps, bool biases,
                       struct law_contrast *rates) {
    const double *o = rbm->option, batches = (double)nninit_loader_batches(loader);
    const double momentum = o[rbm->epochs < rbm_option(rbm, NNINIT_RBM_MOMENTUM_EPOCHS) ? NNINIT_RBM_MOMENTUM
                                                                                        : NNINIT_RBM_FINAL_MOMENTUM];
    const double negative_rows = o[NNINIT_RBM_CHAINS] != 0 ? o[NNINIT_RBM_CHAINS] : (double)rows;
    const int64_t first = loader->position / loader->batch;
    for (int64_t s = 0; s < steps; s++) {
        const double epochs = (double)rbm->epochs + (double)(first + s) / batches, end = o[NNINIT_RBM_LR_EPOCHS];
        const double rate = end > 0 ? o[NNINIT_RBM_LR] * fmax(0, 1 - epochs / end) : o[NNINIT_RBM_LR];
        rates[s] = (struct law_contrast){(float)momentum, (float)(rate / (double)rows), (float)(rate / negative_rows),
                                         (float)(rate * o[NNINIT_RBM_WEIGHT_DECAY]), (float)(rate * o[NNINIT_RBM_L1])};
        if (biases)
            rates[s].decay = rates[s].l1 = 0;
    }
}

static nninit_status write_rates(struct rbm_run *run, const nninit_loader *loader, int64_t steps) {
    const struct executor *executor = run->rbm->object.context->executor;
    nninit_status status = NNINIT_OK;
    for (int biases = 0; biases < 2 && status == NNINIT_OK; biases++) {
        fenv_t caller;
        fpenv_enter(&caller);
        fill_rates(run->rbm, loader, run->request.rows, steps, biases, run->table);
        fpenv_leave(&caller);
        status = executor->slot_write(run->exec, biases ? run->bias_rates : run->weight_rates, 0, steps, run->table);
    }
    return status;
}

/* The next steps, without a report between them. */
static nninit_status train_chunk(nninit_rbm *rbm, nninit_loader *loader) {
    nninit_dataset *dataset = loader->dataset;
    const bool philox = generator_is_philox(rbm->generator);
    const int64_t left = dataset->count - loader->position, rows = left < loader->batch ? left : loader->batch;
    const struct rbm_request request = {RBM_TRAIN, rows, source_element(dataset), source_divisor(dataset), philox};
    struct rbm_run *run;
    nninit_status status = rbm_run_get(&run, rbm, &request);
    if (status < 0)
        return status;
    const int64_t steps = loader_steps(loader, run->steps, rbm->progress != NULL);
    int64_t done;
    const float *costs = run->table;
    status = rbm_run_rows(run, dataset, loader->permutation + loader->position, steps);
    if (status == NNINIT_OK)
        status = write_rates(run, loader, steps);
    if (status < 0)
        return status;
    status = rbm_run_steps(run, rbm->generator, steps, &done);
    nninit_status read = rbm->object.context->executor->slot_read(run->exec, run->cost, 0, done, run->table);
    if (read < 0)
        loader->cost = NAN; /* the steps were made, what they cost is lost */
    else
        loader_add_costs(loader, costs, done);
    loader->position += done * rows;
    if (status == NNINIT_ERR_NUMERIC)
        return context_fail(rbm->object.context, status,
                            "values are not finite in epoch %lld, step %lld; the machine is as it was before",
                            (long long)rbm->epochs + 1, (long long)((loader->position + rows - 1) / loader->batch));
    return status < 0 ? status : read;
}

static bool report(nninit_rbm *rbm, const nninit_loader *loader) {
    const int64_t step = (loader->position + loader->batch - 1) / loader->batch;
    const nninit_progress progress = {sizeof progress, rbm->epochs + 1, step, nninit_loader_batches(loader), loader->cost};
    return !rbm->progress || rbm->progress(rbm->user, &progress) == 0;
}

/* What the last step made of the parameters: the check of a step is of what it reads. */
static nninit_status check_finite(nninit_rbm *rbm) {
    nninit_context *context = rbm->object.context;
    float *values = rbm->before->room, zeros = 0;
    nninit_status status = NNINIT_OK;
    for (int t = 0; t < RBM_PARAMETERS && status == NNINIT_OK; t++) {
        status = arena_read(rbm->arenas[ARENA_VALUES], t, values);
        for (int64_t i = 0; i < tensor_size(rbm, t); i++)
            zeros += 0 * values[i];
    }
    if (status < 0 || zeros == 0)
        return status;
    return context_fail(context, NNINIT_ERR_NUMERIC,
                        "values are not finite after the last step of epoch %lld; the machine is as it was before",
                        (long long)rbm->epochs + 1);
}

static nninit_status run_epoch(nninit_rbm *rbm, nninit_loader *loader) {
    while (!loader_is_over(loader)) {
        nninit_status status = train_chunk(rbm, loader);
        if (status < 0)
            return status;
        bool go_on = report(rbm, loader);
        if (context_cancelled(rbm->object.context) || !go_on)
            return context_fail(rbm->object.context, NNINIT_ERR_CANCELLED, "cancelled in epoch %lld",
                                (long long)rbm->epochs + 1);
    }
    return NNINIT_OK;
}

nninit_status nninit_rbm_epoch(nninit_rbm *rbm, nninit_loader *loader, double *error) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rbm->object.context;
    if (!loader || loader->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the loader is NULL or of another context");
    nninit_status status = rbm_check_dataset(rbm, loader->dataset);
    if (status == NNINIT_OK)
        status = rbm_check_generator(rbm);
    if (status == NNINIT_OK)
        status = rbm_check_rows(rbm, loader->dataset);
    if (status == NNINIT_OK)
        status = source_reserve(&rbm->source, loader->dataset, loader->batch);
    if (status == NNINIT_OK)
        status = loader_enter(loader);
    if (status == NNINIT_OK)
        status = keep_before(rbm, loader);
    if (status < 0)
        return status;
    status = run_epoch(rbm, loader);
    if (status == NNINIT_OK)
        status = check_finite(rbm);
    if (status == NNINIT_ERR_NUMERIC)
        put_back(rbm, loader);
    if (status < 0)
        return status;
    if (error)
        *error = rbm_option(rbm, NNINIT_RBM_CHAINS) > 0 ? (double)NAN : (double)loader->cost;
    loader_finish(loader);
    rbm->epochs++;
    return NNINIT_OK;
}
