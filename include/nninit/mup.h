/* SPDX-License-Identifier: MIT */
/** @file mup.h
 *  The maximal update parametrization: learning rate and init found on a narrow model hold for a wide one of the same depth
 *  (Yang et al., Tensor Programs V, 2021, table 8; as microsoft/mup has it). Use: tune a base model, then build the wide
 *  one with each weight's std, each weight's Adam learning rate, and the output layer's result multiplied by these. */
#ifndef NNINIT_MUP_H
#define NNINIT_MUP_H

#include <nninit/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which sides of a weight grow with the width of the model. */
typedef enum nninit_mup_role {
    NNINIT_MUP_INPUT = 0,  /**< only its outputs: the first layer; and every bias */
    NNINIT_MUP_HIDDEN = 1, /**< both sides */
    NNINIT_MUP_OUTPUT = 2  /**< only its inputs: the last layer */
} nninit_mup_role;

/** What to multiply by, relative to the base model. */
typedef struct nninit_mup_factors {
    size_t size;              /**< set to sizeof before the call: what fits is written */
    double init_std;          /**< the std of the weight, to be multiplied with the number that the base model has */
    double adam_lr;           /**< the learning rate of Adam for this weight (not of SGD) */
    double output_multiplier; /**< the result of the layer, bias aside */
} nninit_mup_factors;

/**
 * The factors of one weight. With m = fan_in / base_fan_in: input 1, 1, 1; hidden 1 / sqrt(m), 1 / m, 1; output 1, 1, 1 / m.
 *
 * @param role         which sides grow
 * @param fan_in       of this weight, at least 1
 * @param base_fan_in  of the same weight in the base model, at least 1
 * @param factors      [out] its size must be set
 * @retval NNINIT_OK           *factors is set
 * @retval NNINIT_ERR_INVALID  factors is NULL, its size is too small to be one, a fan is below 1, or the role is unknown
 * @note   Any thread, any time; there is no message.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_mup_scale(nninit_mup_role role, int64_t fan_in, int64_t base_fan_in,
                                          nninit_mup_factors *factors);

#ifdef __cplusplus
}
#endif
#endif
