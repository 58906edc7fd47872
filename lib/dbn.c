/* SPDX-License-Identifier: MIT */
/* A stack of machines and its training. What is made of it: dbn_model.c, dbn_sample.c. */
#include "dbn.h"

#include "options.h"

#include <nninit/loader.h>

#include <stdio.h>
#include <string.h>

static void dbn_release(struct object *object) {
    nninit_dbn *dbn = (nninit_dbn *)object;
    for (int k = 0; k < dbn->count; k++)
        object_drop(dbn->machines[k]);
}

static void dbn_finish(struct object *object) {
    mem_free(object->context, ((nninit_dbn *)object)->machines);
}

static const struct object_type dbn_type = {"stack", dbn_release, dbn_finish};

static nninit_status make_machines(nninit_dbn *dbn, const char *text, const int64_t *widths, int count,
                                   nninit_generator *generator) {
    nninit_context *context = dbn->object.context;
    const char *options = strchr(text, ':');
    const size_t size = strlen(text) + sizeof "bernoulli";
    char *upper = mem_alloc(context, size);
    dbn->machines = mem_array(context, count, sizeof *dbn->machines);
    nninit_status status = upper && dbn->machines ? NNINIT_OK : NNINIT_ERR_MEMORY;
    if (upper)
        snprintf(upper, size, "bernoulli%s", options ? options : "");
    for (; dbn->count < count && status == NNINIT_OK; dbn->count += status == NNINIT_OK) {
        const int k = dbn->count;
        const int64_t labels = k == count - 1 ? dbn->labels : 0;
        status = nninit_rbm_parse(&dbn->machines[k], context, k ? upper : text, widths[k] + labels, widths[k + 1], generator);
        if (status == NNINIT_OK && labels > 0)
            status = nninit_rbm_set(dbn->machines[k], NNINIT_RBM_LABELS, (double)labels);
        if (status < 0)
            nninit_rbm_destroy(&dbn->machines[k]);
    }
    mem_free(context, upper);
    return status;
}

nninit_status nninit_dbn_create(nninit_dbn **out, nninit_context *context, const char *machine, const int64_t *widths,
                                int count, int64_t labels, nninit_generator *generator) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out || !widths || !generator || generator->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL, or the generator belongs to another context",
                            !out ? "out" : !widths ? "widths" : "the generator");
    if (count < 2 || count > 1000 || labels < 0 || labels > 1 << 24)
        return context_fail(context, NNINIT_ERR_INVALID, "%d widths and %lld labels; there must be 2 to 1000 and 0 to %d",
                            count, (long long)labels, 1 << 24);
    nninit_dbn *dbn = object_create(context, &dbn_type, sizeof *dbn);
    if (!dbn)
        return NNINIT_ERR_MEMORY;
    dbn->labels = labels;
    nninit_status status = make_machines(dbn, machine ? machine : "bernoulli", widths, count - 1, generator);
    if (status < 0) {
        object_drop(dbn);
        return status;
    }
    *out = dbn;
    return NNINIT_OK;
}

void nninit_dbn_destroy(nninit_dbn **dbn) {
    if (!dbn)
        return;
    object_drop(*dbn);
    *dbn = NULL;
}

int nninit_dbn_machine_count(const nninit_dbn *dbn) {
    return dbn ? dbn->count : -1;
}

nninit_rbm *nninit_dbn_machine(nninit_dbn *dbn, int index) {
    return dbn && index >= 0 && index < dbn->count ? dbn->machines[index] : NULL;
}

/* What progress functions of machines are told with. */
struct telling {
    const nninit_dbn_options *options;
    int machine;
};

static int tell(void *user, const nninit_progress *progress) {
    const struct telling *t = user;
    return t->options->progress(t->options->user, t->machine, progress);
}

static nninit_status train_machine(nninit_rbm *rbm, nninit_dataset *dataset, const nninit_dbn_options *o, int k) {
    struct telling telling = {o, k};
    nninit_loader *loader;
    const int64_t batch = o->batch < dataset->count ? o->batch : dataset->count;
    nninit_status status = rbm->epochs == 0 ? nninit_rbm_init_visible_bias(rbm, dataset) : NNINIT_OK;
    if (status == NNINIT_OK)
        status = nninit_loader_create(&loader, dataset, batch, NNINIT_SHUFFLE, rbm->generator);
    if (status < 0)
        return status;
    nninit_rbm_on_progress(rbm, o->progress ? tell : NULL, &telling);
    while (rbm->epochs < o->epochs && status == NNINIT_OK)
        status = nninit_rbm_epoch(rbm, loader, NULL);
    nninit_rbm_on_progress(rbm, NULL, NULL);
    nninit_loader_destroy(&loader);
    return status;
}

/* The same rows with their labels behind them, one of `labels` features on. */
static nninit_status append_labels(nninit_dataset *from, int64_t labels, nninit_dataset **out) {
    nninit_context *context = from->object.context;
    const int64_t width = from->features + labels;
    float *rows = mem_array(context, from->count * width, sizeof *rows);
    nninit_status status = rows ? NNINIT_OK : NNINIT_ERR_MEMORY;
    for (int64_t i = 0; i < from->count && status == NNINIT_OK; i++) {
        int64_t label;
        status = nninit_dataset_read(from, &i, 1, rows + i * width, &label);
        if (status == NNINIT_OK)
            rows[i * width + from->features + label] = 1;
    }
    if (status == NNINIT_OK)
        status = dataset_own(out, from, rows, NULL, width);
    if (status < 0)
        mem_free(context, rows);
    return status;
}

/* The data of machine k, from that of the one below; `data` has a claim of its own. */
static nninit_status next_data(nninit_dbn *dbn, int k, nninit_rbm_values values, nninit_dataset **data) {
    nninit_dataset *above = NULL;
    nninit_status status = k > 0 ? nninit_rbm_transform(dbn->machines[k - 1], *data, values, &above) : NNINIT_OK;
    if (k > 0 && status == NNINIT_OK) {
        nninit_dataset_destroy(data);
        *data = above;
    }
    if (status < 0 || dbn->labels == 0 || k < dbn->count - 1)
        return status;
    status = append_labels(*data, dbn->labels, &above);
    if (status == NNINIT_OK) {
        nninit_dataset_destroy(data);
        *data = above;
    }
    return status;
}

static nninit_status check_dataset(const nninit_dbn *dbn, const nninit_dataset *dataset) {
    nninit_context *context = dbn->object.context;
    const int64_t inputs = rbm_features(dbn->machines[0]);
    if (!dataset || dataset->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the data set is NULL or of another context");
    if (dataset->features != inputs)
        return context_fail(context, NNINIT_ERR_SHAPE, "the data set has %lld features, the stack %lld visible units",
                            (long long)dataset->features, (long long)inputs);
    if (dbn->labels > 0 && !dataset->labels && !dataset->read)
        return context_fail(context, NNINIT_ERR_STATE, "the top machine learns labels, and the data set has none");
    if (dbn->labels > 0 && dataset->classes > dbn->labels)
        return context_fail(context, NNINIT_ERR_SHAPE, "the data set has %lld classes, the top machine %lld labels",
                            (long long)dataset->classes, (long long)dbn->labels);
    return NNINIT_OK;
}

static nninit_status take_options(const nninit_dbn *dbn, const nninit_dbn_options *given, nninit_dbn_options *o) {
    nninit_context *context = dbn->object.context;
    nninit_status status = options_take(context, o, sizeof *o, given);
    if (status < 0)
        return status;
    o->epochs = o->epochs == 0 ? 10 : o->epochs;
    o->batch = o->batch == 0 ? 100 : o->batch;
    o->values = o->values == 0 ? NNINIT_RBM_MEANS : o->values;
    if (o->epochs < 1 || o->batch < 1 || (o->values != NNINIT_RBM_MEANS && o->values != NNINIT_RBM_SAMPLES))
        return context_fail(context, NNINIT_ERR_INVALID,
                            "epochs is %lld, batch %lld, values %d; the first two must be at least 1, the last known",
                            (long long)o->epochs, (long long)o->batch, (int)o->values);
    return NNINIT_OK;
}

nninit_status nninit_dbn_pretrain(nninit_dbn *dbn, nninit_dataset *dataset, const nninit_dbn_options *options) {
    if (!dbn)
        return NNINIT_ERR_INVALID;
    nninit_dbn_options o;
    nninit_status status = take_options(dbn, options, &o);
    if (status == NNINIT_OK)
        status = check_dataset(dbn, dataset);
    if (status < 0)
        return status;
    nninit_dataset *data = object_claim(dataset);
    for (int k = 0; k < dbn->count && status == NNINIT_OK; k++) {
        status = next_data(dbn, k, o.values, &data);
        if (status == NNINIT_OK && dbn->machines[k]->epochs < o.epochs)
            status = train_machine(dbn->machines[k], data, &o, k);
    }
    nninit_dataset_destroy(&data);
    return status;
}

nninit_status nninit_dbn_transform(nninit_dbn *dbn, nninit_dataset *dataset, int machines, nninit_rbm_values values,
                                   nninit_dataset **out) {
    if (out)
        *out = NULL;
    if (!dbn)
        return NNINIT_ERR_INVALID;
    nninit_context *context = dbn->object.context;
    const int most = dbn->count - (dbn->labels > 0);
    if (!out || machines < 1 || machines > most)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL, or machines is %d; it must be 1 to %d", machines, most);
    nninit_dataset *data = object_claim(dataset);
    nninit_status status = NNINIT_OK;
    for (int k = 0; k < machines && status == NNINIT_OK; k++) {
        nninit_dataset *above;
        status = nninit_rbm_transform(dbn->machines[k], data, values, &above);
        if (status == NNINIT_OK) {
            nninit_dataset_destroy(&data);
            data = above;
        }
    }
    if (status == NNINIT_OK)
        *out = data;
    else
        nninit_dataset_destroy(&data);
    return status;
}
