/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <nninit/rules.h>

#include <string.h>

struct rule {
    struct rule *older;
    nninit_rules_kind kind;
    nninit_rules_position position;
    char *pattern;
    nninit_initializer *initializer;
};

struct nninit_rules {
    struct object object;
    struct rule *newest;
};

/* The parameters of a model and the layers that they are in. */
struct scope {
    nninit_layer *model;
    nninit_layer **leaves;
    int leaf_count;
    int *leaf_of; /* of each parameter */
};

static void rules_release(struct object *object) {
    for (struct rule *rule = ((nninit_rules *)object)->newest; rule; rule = rule->older)
        object_drop(rule->initializer);
}

static void rule_free(nninit_context *context, struct rule *rule) {
    mem_free(context, rule->pattern);
    mem_free(context, rule);
}

static void rules_finish(struct object *object) {
    for (struct rule *rule = ((nninit_rules *)object)->newest, *older; rule; rule = older) {
        older = rule->older;
        rule_free(object->context, rule);
    }
}

static const struct object_type rules_type = {"rules", rules_release, rules_finish};

nninit_status nninit_rules_create(nninit_rules **out, nninit_context *context) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
    *out = object_create(context, &rules_type, sizeof **out);
    return *out ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

void nninit_rules_destroy(nninit_rules **rules) {
    if (!rules)
        return;
    object_drop(*rules);
    *rules = NULL;
}

nninit_status nninit_rules_add(nninit_rules *rules, nninit_rules_kind kind, nninit_rules_position position,
                               const char *pattern, nninit_initializer *initializer) {
    if (!rules)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rules->object.context;
    if (kind < NNINIT_RULES_ANY_KIND || kind > NNINIT_RULES_LINEAR || position < NNINIT_RULES_ANYWHERE ||
        position > NNINIT_RULES_LAST)
        return context_fail(context, NNINIT_ERR_INVALID, "kind %d or position %d of a rule is unknown", (int)kind,
                            (int)position);
    if (!pattern)
        return context_fail(context, NNINIT_ERR_INVALID, "pattern is NULL");
    if (!initializer || ((struct object *)initializer)->context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the initializer is NULL, or belongs to another context");
    struct rule *rule = mem_alloc(context, sizeof *rule);
    if (!rule)
        return NNINIT_ERR_MEMORY;
    *rule = (struct rule){rules->newest, kind, position, mem_string(context, pattern), NULL};
    if (!rule->pattern) {
        rule_free(context, rule);
        return NNINIT_ERR_MEMORY;
    }
    rule->initializer = object_claim(initializer);
    rules->newest = rule;
    return NNINIT_OK;
}

#define BLANKS " \t\r\v\f"

static const struct {
    const char *name;
    nninit_rules_kind kind;
    nninit_rules_position position;
} words[] = {
    {"first", NNINIT_RULES_ANY_KIND, NNINIT_RULES_FIRST},
    {"last", NNINIT_RULES_ANY_KIND, NNINIT_RULES_LAST},
    {"linear", NNINIT_RULES_LINEAR, NNINIT_RULES_ANYWHERE},
};

static nninit_status take_word(nninit_context *context, const char *word, struct rule *rule) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].name, word) != 0)
            continue;
        if ((words[i].kind && rule->kind) || (words[i].position && rule->position))
            return context_fail(context, NNINIT_ERR_INVALID, "\"%s\" repeats or contradicts another word of its rule", word);
        rule->kind = words[i].kind ? words[i].kind : rule->kind;
        rule->position = words[i].position ? words[i].position : rule->position;
        return NNINIT_OK;
    }
    return context_fail(context, NNINIT_ERR_NOT_FOUND,
                        "\"%.100s\" before the pattern of a rule is unknown; known: first, last, linear", word);
}

/* "WORD... PATTERN" and "INITIALIZER", both cut up in place. */
static nninit_status parse_rule(nninit_rules *rules, char *selector, char *initializer) {
    nninit_context *context = rules->object.context;
    struct rule rule = {0};
    nninit_status status = NNINIT_OK;
    char *rest, *next = strtok_r(selector, BLANKS, &rest);
    while (next && status == NNINIT_OK) {
        rule.pattern = next;
        next = strtok_r(NULL, BLANKS, &rest);
        if (next)
            status = take_word(context, rule.pattern, &rule);
    }
    if (!rule.pattern)
        status = context_fail(context, NNINIT_ERR_INVALID, "a rule for \"%.100s\" has no pattern", initializer);
    initializer += strspn(initializer, BLANKS);
    for (size_t n = strlen(initializer); n > 0 && strchr(BLANKS, initializer[n - 1]); n--)
        initializer[n - 1] = 0;
    if (status == NNINIT_OK)
        status = nninit_initializer_parse(&rule.initializer, context, initializer);
    if (status == NNINIT_OK)
        status = nninit_rules_add(rules, rule.kind, rule.position, rule.pattern, rule.initializer);
    nninit_initializer_destroy(&rule.initializer);
    return status;
}

static nninit_status parse_rules(nninit_rules *rules, char *text) {
    nninit_context *context = rules->object.context;
    char *rest;
    for (char *rule = strtok_r(text, ";\n", &rest); rule; rule = strtok_r(NULL, ";\n", &rest)) {
        if (rule[strspn(rule, BLANKS)] == 0)
            continue;
        char *equals = strchr(rule, '=');
        if (!equals)
            return context_fail(context, NNINIT_ERR_INVALID, "\"%.100s\" is not \"pattern = initializer\"", rule);
        *equals = 0;
        nninit_status status = parse_rule(rules, rule, equals + 1);
        if (status < 0)
            return status;
    }
    return rules->newest ? NNINIT_OK : context_fail(context, NNINIT_ERR_INVALID, "there is no rule in the text");
}

nninit_status nninit_rules_parse(nninit_rules **out, nninit_context *context, const char *text) {
    nninit_status status = nninit_rules_create(out, context);
    if (status < 0)
        return status;
    char *copy = text ? mem_string(context, text) : NULL;
    if (copy)
        status = parse_rules(*out, copy);
    else
        status = text ? NNINIT_ERR_MEMORY : context_fail(context, NNINIT_ERR_INVALID, "text is NULL");
    mem_free(context, copy);
    if (status < 0)
        nninit_rules_destroy(out);
    return status;
}

static void scope_free(struct scope *scope) {
    mem_free(scope->model->object.context, scope->leaves);
    mem_free(scope->model->object.context, scope->leaf_of);
}

static nninit_status scope_make(struct scope *scope, nninit_layer *model) {
    nninit_context *context = model->object.context;
    *scope = (struct scope){.model = model, .leaf_count = layer_leaves(model, NULL)};
    scope->leaves = mem_array(context, scope->leaf_count, sizeof *scope->leaves);
    scope->leaf_of = mem_array(context, model->parameter_count, sizeof *scope->leaf_of);
    if (!scope->leaves || !scope->leaf_of) {
        scope_free(scope);
        return NNINIT_ERR_MEMORY;
    }
    layer_leaves(model, scope->leaves);
    for (int leaf = 0, parameter = 0; leaf < scope->leaf_count; leaf++)
        for (int k = 0; k < scope->leaves[leaf]->parameter_count; k++)
            scope->leaf_of[parameter++] = leaf;
    return NNINIT_OK;
}

static bool is_of_kind(const nninit_layer *leaf, nninit_rules_kind kind) {
    return leaf->parameter_count > 0 && (kind == NNINIT_RULES_ANY_KIND || leaf->kind == LAYER_LINEAR);
}

static bool selects(const struct rule *rule, const struct scope *scope, int parameter) {
    const int leaf = scope->leaf_of[parameter];
    const int begin = rule->position == NNINIT_RULES_LAST ? leaf + 1 : 0;
    const int end = rule->position == NNINIT_RULES_ANYWHERE ? begin
                    : rule->position == NNINIT_RULES_FIRST  ? leaf
                                                            : scope->leaf_count;
    for (int i = begin; i < end; i++)
        if (is_of_kind(scope->leaves[i], rule->kind))
            return false;
    return is_of_kind(scope->leaves[leaf], rule->kind) &&
           layer_name_matches(rule->pattern, scope->model->parameters[parameter]->name);
}

static bool selects_any(const struct rule *rule, const struct scope *scope) {
    for (int p = 0; p < scope->model->parameter_count; p++)
        if (selects(rule, scope, p))
            return true;
    return false;
}

static nninit_status check_rules(const nninit_rules *rules, const struct scope *scope) {
    static const char *const position[] = {"", "first ", "last "}, *const kind[] = {"", "linear "};
    const struct rule *useless = NULL;
    for (const struct rule *rule = rules->newest; rule; rule = rule->older)
        useless = selects_any(rule, scope) ? useless : rule;
    return useless ? context_fail(rules->object.context, NNINIT_ERR_NOT_FOUND, "rule \"%s%s%.100s\" selects no parameter",
                                  position[useless->position], kind[useless->kind], useless->pattern)
                   : NNINIT_OK;
}

static nninit_status fill(const nninit_rules *rules, const struct scope *scope, nninit_generator *generator) {
    struct snapshot before;
    nninit_status status = snapshot_begin(&before, scope->model, generator);
    if (status < 0)
        return status;
    for (int p = 0; p < scope->model->parameter_count && status == NNINIT_OK; p++) {
        const struct rule *rule = rules->newest;
        while (rule && !selects(rule, scope, p))
            rule = rule->older;
        if (rule)
            status = nninit_initializer_apply(rule->initializer, scope->model->parameters[p], generator);
    }
    return snapshot_end(&before, status);
}

nninit_status nninit_rules_apply(const nninit_rules *rules, nninit_layer *model, nninit_generator *generator) {
    if (!rules)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rules->object.context;
    if (!model || model->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the model is NULL, or belongs to another context");
    if (generator && ((struct object *)generator)->context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the generator belongs to another context");
    struct scope scope;
    nninit_status status = scope_make(&scope, model);
    if (status < 0)
        return status;
    status = check_rules(rules, &scope);
    if (status == NNINIT_OK)
        status = fill(rules, &scope, generator);
    scope_free(&scope);
    return status;
}
