/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include "fpenv.h"
#include "host/philox.h"

static void loader_release(struct object *object) {
    nninit_loader *loader = (nninit_loader *)object;
    object_drop(loader->dataset);
    object_drop(loader->generator);
}

static void loader_free(struct object *object) {
    nninit_loader *loader = (nninit_loader *)object;
    mem_free(object->context, loader->permutation);
    mem_free(object->context, loader->indices);
}

static const struct object_type loader_type = {"loader", loader_release, loader_free};

nninit_status nninit_loader_create(nninit_loader **out, nninit_dataset *dataset, int64_t batch, unsigned flags,
                                   nninit_generator *generator) {
    if (out)
        *out = NULL;
    if (!dataset)
        return NNINIT_ERR_INVALID;
    nninit_context *context = dataset->object.context;
    if (!out || (generator && generator->object.context != context))
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL, or the generator belongs to another context");
    if (batch < 1 || batch > dataset->count)
        return context_fail(context, NNINIT_ERR_INVALID,
                            "batch is %lld; it must be 1 to %lld, the rows of the data set", (long long)batch,
                            (long long)dataset->count);
    if (flags & ~(unsigned)(NNINIT_SHUFFLE | NNINIT_DROP_LAST))
        return context_fail(context, NNINIT_ERR_INVALID, "flags 0x%x are unknown", flags);
    nninit_loader *loader = object_create(context, &loader_type, sizeof *loader);
    if (!loader)
        return NNINIT_ERR_MEMORY;
    loader->permutation = mem_array(context, dataset->count, sizeof *loader->permutation);
    loader->indices = mem_array(context, dataset->count, sizeof *loader->indices);
    if (!loader->permutation || !loader->indices) {
        object_drop(loader);
        return NNINIT_ERR_MEMORY;
    }
    for (int64_t i = 0; i < dataset->count; i++)
        loader->permutation[i] = (int32_t)i;
    loader->dataset = object_claim(dataset);
    loader->generator = object_claim(generator);
    loader->batch = batch;
    loader->flags = flags;
    loader->order = NNINIT_ORDER_TORCH;
    *out = loader;
    return NNINIT_OK;
}

void nninit_loader_destroy(nninit_loader **loader) {
    if (!loader)
        return;
    object_drop(*loader);
    *loader = NULL;
}

nninit_status nninit_loader_set_order(nninit_loader *loader, nninit_order order, uint64_t seed) {
    if (!loader)
        return NNINIT_ERR_INVALID;
    nninit_context *context = loader->object.context;
    if (order < NNINIT_ORDER_TORCH || order > NNINIT_ORDER_EPOCH)
        return context_fail(context, NNINIT_ERR_INVALID, "order %d is unknown", (int)order);
    if (order != NNINIT_ORDER_EPOCH && !loader->generator)
        return context_fail(context, NNINIT_ERR_INVALID, "order %d needs a generator, and the loader has none",
                            (int)order);
    if (loader->begun)
        return context_fail(context, NNINIT_ERR_STATE, "the order cannot change while an epoch is in progress");
    loader->order = order;
    loader->seed = seed;
    return NNINIT_OK;
}

int64_t nninit_loader_batches(const nninit_loader *loader) {
    if (!loader)
        return -1;
    int64_t count = loader->dataset->count;
    return loader->flags & NNINIT_DROP_LAST ? count / loader->batch : (count + loader->batch - 1) / loader->batch;
}

int64_t nninit_loader_batch(const nninit_loader *loader) {
    return loader ? loader->batch : -1;
}

int64_t nninit_loader_epochs(const nninit_loader *loader) {
    return loader ? loader->epochs : -1;
}

nninit_status nninit_loader_begin(nninit_loader *loader) {
    if (!loader)
        return NNINIT_ERR_INVALID;
    if (loader->order != NNINIT_ORDER_EPOCH && !loader->generator)
        return context_fail(loader->object.context, NNINIT_ERR_INVALID,
                            "the loader's order needs a generator, and it has none");
    if (loader->begun)
        loader->epochs++;
    if (loader->order != NNINIT_ORDER_EPOCH)
        generator_random(loader->generator); /* DataLoader's base seed for workers */
    loader->begun = true;
    loader->ordered = loader->exhausted = false;
    loader->position = 0;
    loader->cost = 0;
    return NNINIT_OK;
}

/* The private stream that shuffles an epoch. */
static void private_permutation(nninit_loader *loader, uint64_t seed) {
    struct mt19937 mt;
    mt19937_seed(&mt, seed);
    host_randperm(&mt, loader->indices, loader->dataset->count);
}

static uint64_t epoch_seed(const nninit_loader *loader) {
    const uint32_t counter[4] = {(uint32_t)loader->epochs, (uint32_t)(loader->epochs >> 32), 0, 0xffffffff};
    uint32_t word[4];
    philox(loader->seed, counter, word);
    return word[0];
}

nninit_status loader_order(nninit_loader *loader) {
    if (!loader->begun)
        return context_fail(loader->object.context, NNINIT_ERR_STATE, "no epoch has been begun");
    if (loader->ordered)
        return NNINIT_OK;
    int64_t count = loader->dataset->count;
    if (!(loader->flags & NNINIT_SHUFFLE))
        for (int64_t i = 0; i < count; i++)
            loader->indices[i] = i;
    else if (loader->order == NNINIT_ORDER_TORCH)
        private_permutation(loader, (uint64_t)generator_random(loader->generator));
    else if (loader->order == NNINIT_ORDER_TORCH_GENERATOR)
        generator_permutation(loader->generator, loader->indices, count);
    else
        private_permutation(loader, epoch_seed(loader));
    for (int64_t i = 0; i < count; i++)
        loader->permutation[i] = (int32_t)loader->indices[i];
    loader->ordered = true;
    return NNINIT_OK;
}

nninit_status loader_enter(nninit_loader *loader) {
    nninit_status status = loader->begun ? NNINIT_OK : nninit_loader_begin(loader);
    return status < 0 ? status : loader_order(loader);
}

bool loader_is_over(const nninit_loader *loader) {
    const int64_t left = loader->dataset->count - loader->position;
    return left == 0 || (left < loader->batch && loader->flags & NNINIT_DROP_LAST);
}

int64_t loader_steps(const nninit_loader *loader, int64_t limit, bool reports) {
    const int64_t count = loader->dataset->count - loader->position, hundredth = nninit_loader_batches(loader) / 100;
    const int64_t rows = count < loader->batch ? count : loader->batch, left = count / rows;
    int64_t steps = !reports ? limit : hundredth > 1 ? hundredth : 1;
    steps = steps < limit ? steps : limit;
    steps = loader->dataset->read ? 1 : steps;
    return steps < left ? steps : left;
}

void loader_add_costs(nninit_loader *loader, const float *costs, int64_t steps) {
    const float batches = (float)nninit_loader_batches(loader);
    fenv_t caller;
    fpenv_enter(&caller);
    for (int64_t s = 0; s < steps; s++)
        loader->cost += costs[s] / batches;
    fpenv_leave(&caller);
}

/* RandomSampler asks its generator for one more permutation, of which it takes nothing. */
static void exhaust(nninit_loader *loader) {
    if (!loader->exhausted && loader->flags & NNINIT_SHUFFLE && loader->order == NNINIT_ORDER_TORCH_GENERATOR)
        generator_permutation(loader->generator, loader->indices, loader->dataset->count);
    loader->exhausted = true;
}

void loader_finish(nninit_loader *loader) {
    exhaust(loader);
    loader->begun = loader->ordered = loader->exhausted = false;
    loader->position = 0;
    loader->epochs++;
}

nninit_status nninit_loader_next(nninit_loader *loader, const int64_t **indices, int64_t *rows) {
    if (indices)
        *indices = NULL;
    if (rows)
        *rows = 0;
    if (!loader)
        return NNINIT_ERR_INVALID;
    if (!indices || !rows)
        return context_fail(loader->object.context, NNINIT_ERR_INVALID, "%s is NULL", indices ? "rows" : "indices");
    nninit_status status = loader_order(loader);
    if (status < 0)
        return status;
    int64_t left = loader->dataset->count - loader->position;
    if (loader_is_over(loader)) {
        loader_finish(loader);
        return NNINIT_END;
    }
    if (left < loader->batch)
        exhaust(loader); /* Python finds the end while it looks for the rows that a full batch would have */
    *rows = left < loader->batch ? left : loader->batch;
    for (int64_t i = 0; i < *rows; i++)
        loader->indices[i] = loader->permutation[loader->position + i];
    loader->position += *rows;
    *indices = loader->indices;
    return NNINIT_OK;
}
