/* SPDX-License-Identifier: MIT */
/* A machine's parameters in double, for what is computed on the host. */
#include "rbm.h"

#include <string.h>

static nninit_status read_double(const nninit_rbm *rbm, int which, float *room, double *values) {
    const nninit_tensor *tensor = rbm->parameters[which];
    nninit_status status = storage_read(tensor->storage, room);
    for (int64_t i = 0; i < tensor->count && status == NNINIT_OK; i++)
        values[i] = (double)room[i];
    return status;
}

nninit_status rbm_values_read(struct rbm_values *values, nninit_rbm *rbm) {
    nninit_context *context = rbm->object.context;
    const int64_t visible = rbm->visible, hidden = rbm->hidden;
    float *room = mem_array(context, visible * hidden, sizeof *room);
    *values = (struct rbm_values){mem_array(context, visible * hidden, sizeof(double)),
                                  mem_array(context, visible * hidden, sizeof(double)),
                                  mem_array(context, visible, sizeof(double)), mem_array(context, hidden, sizeof(double))};
    const bool made = room && values->weight && values->turned && values->visible_bias && values->hidden_bias;
    nninit_status status = made ? read_double(rbm, RBM_WEIGHT, room, values->weight) : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK)
        status = read_double(rbm, RBM_VISIBLE_BIAS, room, values->visible_bias);
    if (status == NNINIT_OK)
        status = read_double(rbm, RBM_HIDDEN_BIAS, room, values->hidden_bias);
    for (int64_t j = 0; j < hidden && status == NNINIT_OK; j++)
        for (int64_t i = 0; i < visible; i++)
            values->turned[i * hidden + j] = values->weight[j * visible + i];
    mem_free(context, room);
    if (status < 0)
        rbm_values_free(values, rbm);
    return status;
}

void rbm_values_free(struct rbm_values *values, nninit_rbm *rbm) {
    nninit_context *context = rbm->object.context;
    mem_free(context, values->weight);
    mem_free(context, values->turned);
    mem_free(context, values->visible_bias);
    mem_free(context, values->hidden_bias);
    *values = (struct rbm_values){NULL, NULL, NULL, NULL};
}

void rbm_input(const nninit_rbm *rbm, const struct rbm_values *values, const float *v, int64_t units, double *input) {
    memcpy(input, values->hidden_bias, (size_t)rbm->hidden * sizeof *input);
    for (int64_t i = 0; i < units; i++)
        for (int64_t j = 0; v[i] != 0 && j < rbm->hidden; j++)
            input[j] += (double)v[i] * values->turned[i * rbm->hidden + j];
}

double rbm_energy(const nninit_rbm *rbm, const struct rbm_values *values, const float *v, double *input) {
    double energy = 0;
    rbm_input(rbm, values, v, rbm->visible, input);
    for (int64_t j = 0; j < rbm->hidden; j++)
        energy -= rbm_softplus(input[j]);
    for (int64_t i = 0; i < rbm->visible; i++) {
        const double x = (double)v[i], b = values->visible_bias[i];
        const bool gaussian = rbm->units == NNINIT_RBM_GAUSSIAN && i < rbm_features(rbm);
        energy += gaussian ? .5 * (x - b) * (x - b) : -b * x;
    }
    return energy;
}
