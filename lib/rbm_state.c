/* SPDX-License-Identifier: MIT */
/* What training of machines and stacks goes on from. */
#include "dbn.h"
#include "rbm_program.h"
#include "state.h"

#include <stdio.h>

enum { MACHINE_PARTS = 2 * RBM_TENSORS + RBM_OPTIONS + 6 };

/* Options that decide what else there is must be the same; the others are taken from the file. */
static bool is_structural(int option) {
    return option == NNINIT_RBM_CHAINS || option == NNINIT_RBM_LABELS;
}

static void visit_options(struct state *state, const char *prefix, nninit_rbm *rbm) {
    for (int i = NNINIT_RBM_LR; i < RBM_OPTIONS; i++) {
        double low, high;
        const bool whole = rbm_option_range(i, &low, &high);
        if (is_structural(i))
            state_add_option(state, prefix, rbm_option_name(i), rbm->option[i]);
        else
            state_add_memory(state, prefix, rbm_option_name(i), STATE_F64, &rbm->option[i], 1, low, high)->whole = whole;
    }
}

static void visit_machine(struct state *state, const char *number, nninit_rbm *rbm) {
    char momentum[32], option[32];
    snprintf(momentum, sizeof momentum, "%smomentum.", number);
    snprintf(option, sizeof option, "%soption.", number);
    state_add_option(state, option, "units", rbm->units);
    visit_options(state, option, rbm);
    for (int t = 0; t < RBM_PARAMETERS; t++) {
        const nninit_tensor *tensor = rbm->parameters[t];
        state_add_storage(state, number, tensor);
        state_add_arena(state, momentum, tensor->name, tensor->shape, tensor->rank, rbm->arenas[ARENA_M], t);
    }
    state_add_arena(state, number, "mean_hidden", &rbm->hidden, 1, rbm->arenas[ARENA_M], RBM_SPARSITY);
    state_add_memory(state, number, "epochs", STATE_I64, &rbm->epochs, 1, 0, 0x1p53);
    if (rbm->chain_count > 0)
        state_add_memory(state, number, "chains", STATE_F32, rbm->chains, rbm->chain_count * rbm->hidden, 0, 1);
}

/* Everything is there and on the host or in arenas, whether or not the machine has been trained. */
static nninit_status settle(nninit_rbm *rbm) {
    nninit_status status = rbm_check(rbm);
    if (status == NNINIT_OK)
        status = rbm_open(rbm, true);
    return status < 0 ? status : rbm_chains_settle(rbm);
}

typedef nninit_status (*state_run)(struct state *, const char *path);

static void visit_machines(struct state *state, nninit_rbm *const *machines, int count, bool numbered) {
    for (int k = 0; k < count; k++) {
        char number[16] = "";
        if (numbered)
            snprintf(number, sizeof number, "%d.", k);
        visit_machine(state, number, machines[k]);
    }
}

/* Machines of one generator; numbered in a stack. */
static nninit_status run_machines(nninit_rbm *const *machines, int count, bool numbered, nninit_loader *loader,
                                  const char *path, state_run run) {
    nninit_context *context = machines[0]->object.context;
    struct state state;
    nninit_status status = path && (!loader || loader->object.context == context)
                               ? state_begin(&state, context, (int64_t)count * MACHINE_PARTS + 1 + STATE_LOADER_PARTS)
                               : context_fail(context, NNINIT_ERR_INVALID, "path is NULL, or the loader is of another context");
    if (status < 0)
        return status;
    for (int k = 0; k < count && status == NNINIT_OK; k++)
        status = settle(machines[k]);
    if (status == NNINIT_OK) {
        visit_machines(&state, machines, count, numbered);
        if (loader)
            state_add_loader(&state, loader);
        if (machines[0]->generator && (!loader || loader->generator != machines[0]->generator))
            state_add_generator(&state, loader && loader->generator ? "machine." : "", machines[0]->generator);
        status = run(&state, path);
    }
    if (status == NNINIT_OK && run == state_load)
        for (int k = 0; k < count; k++)
            machines[k]->revision++;
    state_end(&state);
    return status;
}

nninit_status nninit_rbm_save(nninit_rbm *rbm, nninit_loader *loader, const char *path) {
    return rbm ? run_machines(&rbm, 1, false, loader, path, state_save) : NNINIT_ERR_INVALID;
}

nninit_status nninit_rbm_resume(nninit_rbm *rbm, nninit_loader *loader, const char *path) {
    return rbm ? run_machines(&rbm, 1, false, loader, path, state_load) : NNINIT_ERR_INVALID;
}

nninit_status nninit_dbn_save(nninit_dbn *dbn, const char *path) {
    return dbn ? run_machines(dbn->machines, dbn->count, true, NULL, path, state_save) : NNINIT_ERR_INVALID;
}

nninit_status nninit_dbn_resume(nninit_dbn *dbn, const char *path) {
    return dbn ? run_machines(dbn->machines, dbn->count, true, NULL, path, state_load) : NNINIT_ERR_INVALID;
}
