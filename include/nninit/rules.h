/* SPDX-License-Identifier: MIT */
/** @file rules.h
 *  Rule lists: which initializer fills which parameters of a model. Simple: one text and nninit_rules_apply().
 *
 *      *.weight = kaiming_normal:nonlinearity=relu; *.bias = zeros; last *.weight = zeros
 *
 *  A rule selects parameters by the layer that they are in and by their name; of the rules that select a parameter, the
 *  last one counts. So general rules come first and exceptions after them. */
#ifndef NNINIT_RULES_H
#define NNINIT_RULES_H

#include <nninit/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A list of rules. */
typedef struct nninit_rules nninit_rules;

/** Layers that a rule is for, by what they are. Layers without parameters do not count. */
typedef enum nninit_rules_kind {
    NNINIT_RULES_ANY_KIND = 0, /**< every layer */
    NNINIT_RULES_LINEAR = 1    /**< linear layers; as text "linear" */
} nninit_rules_kind;

/** Layers that a rule is for, by where they stand among those of its kind, in model order. */
typedef enum nninit_rules_position {
    NNINIT_RULES_ANYWHERE = 0, /**< every layer */
    NNINIT_RULES_FIRST = 1,    /**< the first one; as text "first" */
    NNINIT_RULES_LAST = 2      /**< the last one; as text "last" */
} nninit_rules_position;

/**
 * Create a list without rules.
 *
 * @param out      the new list, or NULL on failure
 * @param context  its owner
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rules_create(nninit_rules **out, nninit_context *context);

/**
 * Create a list from text: rules separated by ";" or by ends of lines, first to last. A rule is
 * `[first | last] [linear] PATTERN = INITIALIZER`: words of nninit_rules_position and nninit_rules_kind, each at most once, a
 * pattern as in nninit_layer_init(), which holds no space and no "=", and the text of nninit_initializer_parse(). Blanks
 * around these parts and empty rules mean nothing.
 *
 * @retval NNINIT_OK             *out is ready
 * @retval NNINIT_ERR_INVALID    a pointer is NULL, there is no rule in the text, or one has no "=", no pattern, or words that
 *                               repeat or contradict each other
 * @retval NNINIT_ERR_NOT_FOUND  a word before a pattern is unknown
 * @retval (as nninit_initializer_parse)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rules_parse(nninit_rules **out, nninit_context *context, const char *text);

/** Give up the claim on a list (see context.h). @since 0.1 */
NNINIT_API void nninit_rules_destroy(nninit_rules **rules);

/**
 * Add a rule at the end.
 *
 * @param rules        the list
 * @param kind         of the layers that it is for
 * @param position     of the layers that it is for
 * @param pattern      names of parameters in the model, as in nninit_layer_init(), e.g. "*.weight"; copied
 * @param initializer  what fills them; claimed by the list, so that options set later count
 *
 * @retval NNINIT_OK           added
 * @retval NNINIT_ERR_INVALID  a NULL, an unknown kind or position, or an initializer of another context
 * @retval NNINIT_ERR_MEMORY   out of memory; the list is as it was
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rules_add(nninit_rules *rules, nninit_rules_kind kind, nninit_rules_position position,
                                          const char *pattern, nninit_initializer *initializer);

/**
 * Fill every parameter that a rule selects, once and by the last such rule, in model order from one stream. Parameters that
 * no rule selects keep their values. A rule that selects none is a mistake, and found before anything is drawn.
 *
 * @param generator  advanced; may be NULL where nninit_initializer_fill() allows it
 *
 * @retval NNINIT_OK             filled
 * @retval NNINIT_ERR_INVALID    a NULL, or handles of different contexts
 * @retval NNINIT_ERR_NOT_FOUND  a rule, which the message names, selects no parameter
 * @retval (as nninit_initializer_apply)
 * @note   On failure neither the model nor the generator has changed, unless the backend failed (NNINIT_ERR_DEVICE).
 * @since 0.1
 */
NNINIT_API nninit_status nninit_rules_apply(const nninit_rules *rules, nninit_layer *model, nninit_generator *generator);

#ifdef __cplusplus
}
#endif
#endif
