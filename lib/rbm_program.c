/* SPDX-License-Identifier: MIT */
#include "rbm_program.h"

#include "fpenv.h"
#include "rbm_emit.h"

#include <string.h>

enum { RUN_LIMIT = 8 /* programs that a machine keeps */, TABLE_ROW = 32 };

static void run_free(struct rbm_run *run) {
    nninit_context *context = run->rbm->object.context;
    if (run->exec)
        context->executor->release(run->exec);
    for (int i = 0; i < run->draw_count; i++)
        mem_free(context, run->draws[i].host);
    arena_drop(run->annealing);
    mem_free(context, run->draws);
    mem_free(context, run->table);
    mem_free(context, run->numbers);
    mem_free(context, run);
}

void rbm_runs_free(nninit_rbm *rbm) {
    while (rbm->runs) {
        struct rbm_run *run = rbm->runs;
        rbm->runs = run->next;
        run_free(run);
    }
    rbm->chained = NULL;
}

/* Row numbers and, for every draw that is data, room. */
static nninit_status make_room(struct rbm_run *run) {
    nninit_context *context = run->rbm->object.context;
    const struct executor *executor = context->executor;
    int64_t most = run->request.rows;
    for (int i = 0; i < run->draw_count; i++)
        most = run->draws[i].rows > most ? run->draws[i].rows : most;
    run->numbers = mem_array(context, most, sizeof *run->numbers);
    nninit_status status = run->numbers ? NNINIT_OK : NNINIT_ERR_MEMORY;
    for (int64_t i = 0; i < most && run->numbers; i++)
        run->numbers[i] = (int32_t)i;
    for (int i = 0; i < run->draw_count && status == NNINIT_OK; i++) {
        struct rbm_draw *draw = &run->draws[i];
        if (draw->data < 0)
            continue;
        draw->host = mem_array(context, draw->rows * draw->cols, sizeof *draw->host);
        status = draw->host ? executor->slot_write(run->exec, draw->slot, 0, 1, run->numbers) : NNINIT_ERR_MEMORY;
    }
    return status;
}

static nninit_status make_annealing_arena(struct rbm_run *run) {
    const int64_t visible = run->rbm->visible;
    const struct tensor_shape shapes[AIS_TENSORS] = {
        [AIS_DIFFERENCE_ROW] = {1, visible}, [AIS_DIFFERENCE] = {visible, 1}, [AIS_BASE] = {visible, 1}};
    return arena_create(&run->annealing, run->rbm->object.context, shapes, AIS_TENSORS);
}

static nninit_status prepare(struct rbm_run *run, struct program *program) {
    nninit_rbm *rbm = run->rbm;
    nninit_context *context = rbm->object.context;
    struct memory *memories[ARENA_COUNT];
    if (program->status < 0)
        return program->status;
    nninit_status status = run->request.mode == RBM_AIS ? make_annealing_arena(run) : NNINIT_OK;
    for (int a = 0; a < ARENA_COUNT; a++)
        memories[a] = rbm->arenas[a] ? rbm->arenas[a]->memory : NULL;
    if (run->annealing)
        memories[ARENA_M] = run->annealing->memory;
    program_fuse(program, context->executor->has);
    if (status == NNINIT_OK)
        status = context->executor->prepare(&run->exec, context->device, program, memories);
    return status < 0 ? status : make_room(run);
}

static nninit_status run_make(struct rbm_run **out, nninit_rbm *rbm, const struct rbm_request *request) {
    nninit_context *context = rbm->object.context;
    struct rbm_run *run = mem_alloc(context, sizeof *run);
    if (!run)
        return NNINIT_ERR_MEMORY;
    *run = (struct rbm_run){.rbm = rbm, .request = *request, .revision = rbm->revision, .x = -1, .index = -1, .state = -1,
                            .fixed = -1, .output = -1, .visible = -1, .cost = -1};
    run->steps = request->mode == RBM_TRAIN && request->philox ? executor_steps(context->executor, request->rows) : 1;
    run->draws = mem_array(context, rbm_draws_at_most(rbm), sizeof *run->draws);
    run->table = mem_array(context, run->steps, TABLE_ROW);
    struct rbm_emission e = {.run = run};
    fenv_t caller;
    program_init(&e.program, context, run->steps);
    fpenv_enter(&caller); /* options are rounded to float on the way into nodes */
    if (run->draws && run->table)
        rbm_emit(&e);
    fpenv_leave(&caller);
    nninit_status status = run->draws && run->table ? prepare(run, &e.program) : NNINIT_ERR_MEMORY;
    program_finish(&e.program);
    if (status < 0) {
        run_free(run);
        return status;
    }
    *out = run;
    return NNINIT_OK;
}

static bool same_request(const struct rbm_request *a, const struct rbm_request *b) {
    return a->mode == b->mode && a->rows == b->rows && a->element == b->element && a->divisor == b->divisor &&
           a->philox == b->philox;
}

/* Take the run for a request out of the list, if it is there; free those that have become useless. */
static struct rbm_run *take_run(nninit_rbm *rbm, const struct rbm_request *request) {
    struct rbm_run *found = NULL;
    int kept = 0;
    for (struct rbm_run **link = &rbm->runs; *link;) {
        struct rbm_run *run = *link;
        bool current = run->revision == rbm->revision;
        if (current && !found && same_request(&run->request, request)) {
            found = run;
            *link = run->next;
        } else if (current && (kept < RUN_LIMIT - 1 || run == rbm->chained)) {
            kept++;
            link = &run->next;
        } else {
            *link = run->next;
            run_free(run);
        }
    }
    return found;
}

nninit_status rbm_chains_read(nninit_rbm *rbm) {
    if (!rbm->chained)
        return NNINIT_OK;
    nninit_status status = rbm_run_read(rbm->chained, rbm->chained->state, rbm->chains);
    if (status == NNINIT_OK)
        rbm->chained = NULL;
    return status;
}

nninit_status rbm_chains_settle(nninit_rbm *rbm) {
    const int64_t count = rbm_option(rbm, NNINIT_RBM_CHAINS);
    nninit_status status = rbm_chains_read(rbm);
    if (status < 0 || count == rbm->chain_count)
        return status;
    float *chains = mem_array(rbm->object.context, count * rbm->hidden, sizeof *chains);
    if (!chains)
        return NNINIT_ERR_MEMORY;
    mem_free(rbm->object.context, rbm->chains);
    rbm->chains = chains;
    rbm->chain_count = count;
    return NNINIT_OK;
}

/* Chains go from the run that had them to this one. */
static nninit_status move_chains(struct rbm_run *run) {
    nninit_rbm *rbm = run->rbm;
    if (run->request.mode != RBM_TRAIN || run->state < 0 || rbm->chained == run)
        return NNINIT_OK;
    nninit_status status = rbm_chains_read(rbm);
    if (status == NNINIT_OK)
        status = rbm->object.context->executor->state_write(run->exec, run->state, rbm->chains);
    if (status == NNINIT_OK)
        rbm->chained = run;
    return status;
}

nninit_status rbm_run_get(struct rbm_run **out, nninit_rbm *rbm, const struct rbm_request *request) {
    const bool training = request->mode == RBM_TRAIN;
    *out = NULL;
    nninit_status status = rbm_check(rbm);
    if (status == NNINIT_OK)
        status = rbm_open(rbm, training);
    if (status == NNINIT_OK && rbm->chained && rbm->chained->revision != rbm->revision)
        status = rbm_chains_read(rbm);
    if (status == NNINIT_OK && training && rbm->chain_count != rbm_option(rbm, NNINIT_RBM_CHAINS))
        status = rbm_chains_settle(rbm);
    if (status < 0)
        return status;
    struct rbm_run *run = take_run(rbm, request);
    if (!run)
        status = run_make(&run, rbm, request);
    if (status < 0)
        return status;
    run->next = rbm->runs;
    rbm->runs = run;
    status = move_chains(run);
    *out = status < 0 ? NULL : run;
    return status;
}

nninit_status rbm_run_bind(struct rbm_run *run, const void *x, int64_t rows, uint64_t identity) {
    return run->rbm->object.context->executor->bind(run->exec, run->x, x, rows, identity);
}

static nninit_status write_indices(struct rbm_run *run, const int32_t *indices, int64_t steps) {
    return run->rbm->object.context->executor->slot_write(run->exec, run->index, 0, steps, indices);
}

nninit_status rbm_run_count_up(struct rbm_run *run) {
    return write_indices(run, run->numbers, 1);
}

nninit_status rbm_run_rows(struct rbm_run *run, nninit_dataset *dataset, const int32_t *indices, int64_t steps) {
    struct source *source = &run->rbm->source;
    const int64_t rows = run->request.rows;
    if (!dataset->read) {
        nninit_status status = rbm_run_bind(run, dataset->rows, dataset->count, dataset->identity);
        return status < 0 ? status : write_indices(run, indices, steps);
    }
    nninit_status status = source_read(source, dataset, indices, rows);
    if (status == NNINIT_OK)
        status = rbm_check_values(run->rbm, source->rows, rows, indices[0]);
    if (status == NNINIT_OK)
        status = rbm_run_bind(run, source->rows, rows, 0);
    return status < 0 ? status : rbm_run_count_up(run);
}

nninit_status rbm_run_read(const struct rbm_run *run, int value, float *rows) {
    return run->rbm->object.context->executor->buffer_read(run->exec, value, rows);
}

/* Node r of a program with R of them has draw next + R step + r. */
static nninit_status number_draws(struct rbm_run *run, const nninit_generator *generator, int64_t steps) {
    const struct executor *executor = run->rbm->object.context->executor;
    const uint64_t seed = generator->philox.seed;
    nninit_status status = NNINIT_OK;
    for (int r = 0; r < run->draw_count && status == NNINIT_OK; r++) {
        uint32_t *row = run->table;
        for (int64_t s = 0; s < steps; s++, row += 4) {
            const uint64_t draw = generator->philox.draw + (uint64_t)(s * run->draw_count + r);
            row[0] = (uint32_t)seed;
            row[1] = (uint32_t)(seed >> 32);
            row[2] = (uint32_t)draw;
            row[3] = (uint32_t)(draw >> 32);
        }
        status = executor->slot_write(run->exec, run->draws[r].slot, 0, steps, run->table);
    }
    return status;
}

static nninit_status draw_on_host(struct rbm_run *run, nninit_generator *generator) {
    const struct executor *executor = run->rbm->object.context->executor;
    nninit_status status = NNINIT_OK;
    for (int r = 0; r < run->draw_count && status == NNINIT_OK; r++) {
        struct rbm_draw *d = &run->draws[r];
        const int64_t count = d->rows * d->cols;
        if (d->normal)
            status = nninit_generator_normal(generator, NNINIT_FLOAT32, d->host, count, 0, 1);
        else
            generator_unit(generator, NNINIT_FLOAT32, d->host, count);
        if (status == NNINIT_OK)
            status = executor->bind(run->exec, d->data, d->host, d->rows, 0);
    }
    return status;
}

nninit_status rbm_run_steps(struct rbm_run *run, nninit_generator *generator, int64_t steps, int64_t *done) {
    const struct rbm_request *request = &run->request;
    fenv_t caller;
    *done = 0;
    nninit_status status = NNINIT_OK;
    fpenv_enter(&caller);
    if (run->draw_count > 0)
        status = request->philox ? number_draws(run, generator, steps) : draw_on_host(run, generator);
    if (status == NNINIT_OK)
        status = run->rbm->object.context->executor->run(run->exec, PHASE_ALL, 0, steps, done);
    fpenv_leave(&caller);
    if (request->philox && run->draw_count > 0)
        generator->philox.draw += (uint64_t)(*done * run->draw_count);
    return status;
}
