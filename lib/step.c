/* SPDX-License-Identifier: MIT */
#include "step.h"

#include "session.h"

static nninit_status check_model(const nninit_layer *model) {
    return model->inputs > 0 ? NNINIT_OK
                             : context_fail(model->object.context, NNINIT_ERR_SHAPE,
                                            "the model has no fixed width of input: it has no linear layer");
}

/* Labels as the program wants them; checked. */
static nninit_status take_labels(struct session *session, const nninit_layer *model, const int64_t *labels) {
    for (int64_t i = 0; i < session->request.rows; i++) {
        if (labels[i] < 0 || labels[i] >= model->outputs)
            return context_fail(session->context, NNINIT_ERR_INVALID,
                                "label %lld of row %lld; the model has %lld outputs", (long long)labels[i], (long long)i,
                                (long long)model->outputs);
        session->labels[i] = (int32_t)labels[i];
    }
    return NNINIT_OK;
}

/* Rows 0 … rows - 1 of memory that is no data set. */
static nninit_status bind_batch(struct session *session, const float *x, const void *target) {
    nninit_status status = session_bind(session, x, target, session->request.rows, 0);
    return status < 0 ? status : session_count_up(session);
}

static nninit_status run_batch(nninit_layer *model, const struct session_request *request, const float *x,
                               const void *target, float *cost) {
    struct session *session;
    nninit_status status = session_get(&session, model, request);
    if (status < 0)
        return status;
    if (request->loss == NNINIT_CROSS_ENTROPY) {
        status = take_labels(session, model, target);
        target = session->labels;
    }
    if (status == NNINIT_OK)
        status = bind_batch(session, x, target);
    if (status < 0)
        return status;
    int64_t done;
    status = session_run(session, 1, &done);
    if (cost && done == 1) {
        const float *costs;
        nninit_status read = session_costs(session, 1, &costs);
        *cost = costs[0];
        status = status < 0 ? status : read;
    }
    return status;
}

nninit_status step_check(nninit_layer *model, nninit_loss loss, const float *x, const void *target,
                         int64_t rows) {
    nninit_context *context = model->object.context;
    if (loss != NNINIT_CROSS_ENTROPY && loss != NNINIT_MEAN_SQUARED_ERROR)
        return context_fail(context, NNINIT_ERR_INVALID, "loss %d is unknown", (int)loss);
    if (!x || !target)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL", x ? "target" : "x");
    if (rows < 1 || rows > INT32_MAX)
        return context_fail(context, NNINIT_ERR_INVALID, "rows is %lld; it must be 1 to %d", (long long)rows, INT32_MAX);
    return check_model(model);
}

nninit_status nninit_step(nninit_layer *model, nninit_loss loss, nninit_optimizer *optimizer, const float *x,
                          const void *target, int64_t rows, float *cost) {
    if (!model)
        return NNINIT_ERR_INVALID;
    nninit_status status = step_check(model, loss, x, target, rows);
    if (status < 0)
        return status;
    if (!optimizer || optimizer->object.context != model->object.context)
        return context_fail(model->object.context, NNINIT_ERR_INVALID, "the optimizer is NULL or of another context");
    status = optimizer_bind(optimizer, model);
    if (status < 0)
        return status;
    const struct session_request request = {.mode = SESSION_TRAIN, .loss = loss, .optimizer = optimizer,
                                            .revision = optimizer->revision, .rows = rows, .element = ELEMENT_F32,
                                            .divisor = 1};
    return run_batch(model, &request, x, target, cost);
}

nninit_status step_gradient(nninit_layer *model, nninit_loss loss, const float *x, const void *target, int64_t rows,
                            bool keep, float *cost) {
    nninit_status status = step_check(model, loss, x, target, rows);
    if (status < 0)
        return status;
    const struct session_request request = {.mode = SESSION_GRADIENT, .loss = loss, .rows = rows,
                                            .element = ELEMENT_F32, .divisor = 1, .keep = keep};
    return run_batch(model, &request, x, target, cost);
}

nninit_status nninit_gradient(nninit_layer *model, nninit_loss loss, const float *x, const void *target, int64_t rows,
                              float *cost) {
    return model ? step_gradient(model, loss, x, target, rows, false, cost) : NNINIT_ERR_INVALID;
}

nninit_status nninit_layer_forward(nninit_layer *layer, const float *x, int64_t rows, float *y) {
    if (!layer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = layer->object.context;
    if (!x || !y || rows < 1 || rows > INT32_MAX)
        return context_fail(context, NNINIT_ERR_INVALID, "x or y is NULL, or rows (%lld) is not 1 to %d",
                            (long long)rows, INT32_MAX);
    nninit_status status = check_model(layer);
    if (status < 0)
        return status;
    const struct session_request request = {.mode = SESSION_FORWARD, .rows = rows, .element = ELEMENT_F32, .divisor = 1};
    struct session *session;
    status = session_get(&session, layer, &request);
    if (status == NNINIT_OK)
        status = bind_batch(session, x, NULL);
    int64_t done;
    if (status == NNINIT_OK)
        status = session_run(session, 1, &done);
    return status < 0 ? status : context->executor->buffer_read(session->exec, session->output, y);
}
