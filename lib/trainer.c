/* SPDX-License-Identifier: MIT */
#include "trainer.h"

#include "dataset.h"
#include "loader.h"
#include "session.h"

#include <math.h>
#include <string.h>

enum { EVALUATION_ROWS = 500 }; /* of a batch */

static void trainer_release(struct object *object) {
    nninit_trainer *trainer = (nninit_trainer *)object;
    object_drop(trainer->model);
    object_drop(trainer->optimizer);
}

static void trainer_finish(struct object *object) {
    source_free(&((nninit_trainer *)object)->source, object->context);
}

static const struct object_type trainer_type = {"trainer", trainer_release, trainer_finish};

nninit_status nninit_trainer_create(nninit_trainer **out, nninit_layer *model, nninit_loss loss,
                                    nninit_optimizer *optimizer) {
    if (out)
        *out = NULL;
    if (!model)
        return NNINIT_ERR_INVALID;
    nninit_context *context = model->object.context;
    if (!out || !optimizer || optimizer->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "out or optimizer is NULL, or it is of another context");
    if (loss != NNINIT_CROSS_ENTROPY && loss != NNINIT_MEAN_SQUARED_ERROR)
        return context_fail(context, NNINIT_ERR_INVALID, "loss %d is unknown", (int)loss);
    if (model->inputs == 0)
        return context_fail(context, NNINIT_ERR_SHAPE, "the model has no fixed width of input: it has no linear layer");
    nninit_trainer *trainer = object_create(context, &trainer_type, sizeof *trainer);
    if (!trainer)
        return NNINIT_ERR_MEMORY;
    trainer->model = object_claim(model);
    trainer->optimizer = object_claim(optimizer);
    trainer->loss = loss;
    *out = trainer;
    return NNINIT_OK;
}

void nninit_trainer_destroy(nninit_trainer **trainer) {
    if (!trainer)
        return;
    object_drop(*trainer);
    *trainer = NULL;
}

nninit_status nninit_trainer_on_progress(nninit_trainer *trainer, nninit_progress_fn progress, void *user) {
    if (!trainer)
        return NNINIT_ERR_INVALID;
    trainer->progress = progress;
    trainer->user = user;
    return NNINIT_OK;
}

static nninit_status check_dataset(const nninit_trainer *trainer, const nninit_dataset *dataset, nninit_loss loss) {
    nninit_context *context = trainer->object.context;
    const nninit_layer *model = trainer->model;
    if (!dataset || dataset->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the data set is NULL or of another context");
    if (dataset->features != model->inputs)
        return context_fail(context, NNINIT_ERR_SHAPE, "the data set has %lld features, the model takes %lld inputs",
                            (long long)dataset->features, (long long)model->inputs);
    if (loss == NNINIT_CROSS_ENTROPY && !dataset->labels && !dataset->read)
        return context_fail(context, NNINIT_ERR_STATE, "cross-entropy needs labels, and the data set has none");
    if (loss == NNINIT_CROSS_ENTROPY && dataset->classes > model->outputs)
        return context_fail(context, NNINIT_ERR_INVALID, "the data set has labels up to %lld, the model %lld outputs",
                            (long long)dataset->classes - 1, (long long)model->outputs);
    if (loss == NNINIT_MEAN_SQUARED_ERROR && (!dataset->targets || dataset->width != model->outputs))
        return context_fail(context, NNINIT_ERR_STATE,
                            "mean squared error needs targets of width %lld; the data set's have %lld",
                            (long long)model->outputs, (long long)dataset->width);
    return NNINIT_OK;
}

/* One batch through the callback, to rows 0 … of the session. */
static nninit_status read_batch(nninit_trainer *trainer, nninit_dataset *dataset, struct session *session,
                                const int32_t *indices, int64_t rows) {
    struct source *source = &trainer->source;
    nninit_status status = source_read(source, dataset, indices, rows);
    for (int64_t i = 0; i < rows && status == NNINIT_OK; i++)
        session->labels[i] = (int32_t)source->labels[i];
    if (status == NNINIT_OK)
        status = session_bind(session, source->rows, session->labels, rows, 0);
    return status < 0 ? status : session_count_up(session);
}

static nninit_status set_source(nninit_trainer *trainer, nninit_dataset *dataset, struct session *session,
                                const int32_t *indices, int64_t rows, int64_t steps) {
    if (dataset->read)
        return read_batch(trainer, dataset, session, indices, rows);
    const void *target = dataset->targets ? (const void *)dataset->targets : dataset->labels;
    nninit_status status = session_bind(session, dataset->rows, target, dataset->count, dataset->identity);
    return status < 0 ? status : session_indices(session, indices, steps);
}

static struct session_request make_request(const nninit_trainer *trainer, const nninit_dataset *dataset,
                                           enum session_mode mode, nninit_loss loss, int64_t rows) {
    bool training = mode == SESSION_TRAIN;
    return (struct session_request){.mode = mode,
                                    .loss = loss,
                                    .optimizer = training ? trainer->optimizer : NULL,
                                    .revision = training ? trainer->optimizer->revision : 0,
                                    .rows = rows,
                                    .element = source_element(dataset),
                                    .divisor = source_divisor(dataset)};
}

static bool report(nninit_trainer *trainer, const nninit_loader *loader, int64_t step, int64_t steps) {
    const nninit_progress progress = {sizeof progress, loader->epochs + 1, step, steps, loader->cost};
    return !trainer->progress || trainer->progress(trainer->user, &progress) == 0;
}

static nninit_status train_chunk(nninit_trainer *trainer, nninit_loader *loader) {
    nninit_dataset *dataset = loader->dataset;
    int64_t left = dataset->count - loader->position, rows = left < loader->batch ? left : loader->batch;
    const struct session_request request = make_request(trainer, dataset, SESSION_TRAIN, trainer->loss, rows);
    struct session *session;
    nninit_status status = session_get(&session, trainer->model, &request);
    if (status < 0)
        return status;
    int64_t done = 0, steps = loader_steps(loader, session->steps, trainer->progress != NULL);
    int64_t known = steps < session->steps && (steps + 1) * rows <= left ? steps + 1 : steps;
    status = set_source(trainer, dataset, session, loader->permutation + loader->position, rows, known);
    if (status < 0)
        return status;
    status = session_run(session, steps, &done);
    const float *costs;
    nninit_status read = session_costs(session, done, &costs);
    if (read < 0)
        loader->cost = NAN; /* the steps were made, what they cost is lost */
    else
        loader_add_costs(loader, costs, done);
    loader->position += done * rows;
    if (status == NNINIT_ERR_NUMERIC)
        return context_fail(trainer->object.context, status, "the cost is not finite in epoch %lld, step %lld",
                            (long long)loader->epochs + 1, (long long)((loader->position + rows - 1) / loader->batch));
    return status < 0 ? status : read;
}

nninit_status nninit_trainer_epoch(nninit_trainer *trainer, nninit_loader *loader, float *cost) {
    if (!trainer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = trainer->object.context;
    if (!loader || loader->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the loader is NULL or of another context");
    nninit_status status = check_dataset(trainer, loader->dataset, trainer->loss);
    if (status == NNINIT_OK)
        status = optimizer_bind(trainer->optimizer, trainer->model);
    if (status == NNINIT_OK)
        status = source_reserve(&trainer->source, loader->dataset, loader->batch);
    if (status == NNINIT_OK)
        status = loader_enter(loader);
    if (status < 0)
        return status;
    int64_t batches = nninit_loader_batches(loader);
    while (!loader_is_over(loader)) {
        status = train_chunk(trainer, loader);
        if (status < 0)
            return status;
        bool go_on = report(trainer, loader, (loader->position + loader->batch - 1) / loader->batch, batches);
        if (context_cancelled(context) || !go_on)
            return context_fail(context, NNINIT_ERR_CANCELLED, "cancelled in epoch %lld",
                                (long long)loader->epochs + 1);
    }
    if (cost)
        *cost = loader->cost;
    loader_finish(loader);
    return NNINIT_OK;
}

/* One batch of an evaluation, rows first … first + rows - 1. */
static nninit_status evaluate_batch(nninit_trainer *trainer, nninit_dataset *dataset, int64_t first, int64_t rows,
                                    bool loss, bool count, double *cost, int64_t *right) {
    struct session_request request =
        make_request(trainer, dataset, SESSION_EVALUATE, loss ? trainer->loss : (nninit_loss)0, rows);
    request.count = count;
    struct session *session;
    nninit_status status = session_get(&session, trainer->model, &request);
    if (status < 0)
        return status;
    int32_t indices[EVALUATION_ROWS];
    for (int64_t i = 0; i < rows; i++)
        indices[i] = (int32_t)(first + i);
    int64_t done;
    status = set_source(trainer, dataset, session, indices, rows, 1);
    if (status == NNINIT_OK)
        status = session_run(session, 1, &done);
    const float *mean = NULL;
    int32_t equal = 0;
    if (status == NNINIT_OK && loss)
        status = session_costs(session, 1, &mean);
    if (status == NNINIT_OK && count)
        status = session->context->executor->slot_read(session->exec, session->count, 0, 1, &equal);
    *cost += status == NNINIT_OK && mean ? (double)*mean * (double)rows : 0;
    *right += equal;
    return status;
}

nninit_status nninit_trainer_evaluate(nninit_trainer *trainer, nninit_dataset *dataset, double *loss,
                                      double *accuracy) {
    if (!trainer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = trainer->object.context;
    nninit_status status = check_dataset(trainer, dataset, loss ? trainer->loss : NNINIT_CROSS_ENTROPY);
    if (status == NNINIT_OK && accuracy && !dataset->labels && !dataset->read)
        status = context_fail(context, NNINIT_ERR_STATE, "accuracy needs labels, and the data set has none");
    if (status == NNINIT_OK)
        status = source_reserve(&trainer->source, dataset, EVALUATION_ROWS);
    if (status < 0)
        return status;
    double cost = 0;
    int64_t right = 0;
    for (int64_t first = 0; first < dataset->count; first += EVALUATION_ROWS) {
        int64_t left = dataset->count - first, rows = left < EVALUATION_ROWS ? left : EVALUATION_ROWS;
        status = evaluate_batch(trainer, dataset, first, rows, loss != NULL, accuracy != NULL, &cost, &right);
        if (status < 0)
            return status;
        if (context_cancelled(context))
            return context_fail(context, NNINIT_ERR_CANCELLED, "evaluation cancelled at row %lld", (long long)first);
    }
    if (loss)
        *loss = cost / (double)dataset->count;
    if (accuracy)
        *accuracy = (double)right / (double)dataset->count;
    return NNINIT_OK;
}

nninit_status nninit_trainer_accuracy(nninit_trainer *trainer, nninit_dataset *dataset, double *accuracy) {
    if (trainer && !accuracy)
        return context_fail(trainer->object.context, NNINIT_ERR_INVALID, "accuracy is NULL");
    return nninit_trainer_evaluate(trainer, dataset, NULL, accuracy);
}

nninit_status nninit_trainer_predict(nninit_trainer *trainer, nninit_dataset *dataset, int64_t row,
                                     int64_t *prediction) {
    if (!trainer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = trainer->object.context;
    if (!prediction || !dataset || dataset->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "prediction or dataset is NULL, or of another context");
    if (dataset->features != trainer->model->inputs)
        return context_fail(context, NNINIT_ERR_SHAPE, "the data set has %lld features, the model takes %lld inputs",
                            (long long)dataset->features, (long long)trainer->model->inputs);
    int64_t outputs = trainer->model->outputs;
    float *memory = mem_array(context, dataset->features + outputs, sizeof *memory);
    if (!memory)
        return NNINIT_ERR_MEMORY;
    nninit_status status = nninit_dataset_read(dataset, &row, 1, memory, NULL);
    if (status == NNINIT_OK)
        status = nninit_layer_forward(trainer->model, memory, 1, memory + dataset->features);
    if (status == NNINIT_OK)
        *prediction = law_argmax(memory + dataset->features, outputs);
    mem_free(context, memory);
    return status;
}
