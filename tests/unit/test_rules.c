/* SPDX-License-Identifier: MIT */
/* Rule lists: which rule counts, what is drawn, the grammar, and that a failure changes nothing. */
#include "suite.h"

static nninit_context *c;
static nninit_generator *g;
static nninit_layer *model; /* 5-4-3-2: 0.weight, 0.bias, 2.weight, 2.bias, 4.weight, 4.bias */

static void setup(void) {
    static const int64_t widths[] = {5, 4, 3, 2};
    c = suite_context();
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 4, NNINIT_RELU, g));
    ck_assert_ok(c, nninit_generator_seed(g, 1));
}

static nninit_rules *parse(const char *text) {
    nninit_rules *rules;
    ck_assert_ok(c, nninit_rules_parse(&rules, c, text));
    return rules;
}

/* All 47 values of the model in its order, and the state of the generator. */
struct all {
    float values[47];
    unsigned char state[NNINIT_TORCH_STATE_SIZE];
};

static void read_all(struct all *all) {
    memset(all, 0, sizeof *all);
    float *at = all->values;
    for (int i = 0; i < 6; i++) {
        nninit_tensor *t = nninit_layer_parameter(model, i);
        ck_assert_ok(c, nninit_tensor_read(t, at, nninit_tensor_numel(t)));
        at += nninit_tensor_numel(t);
    }
    ck_assert_int_eq(at - all->values, 47);
    ck_assert_ok(c, nninit_generator_save(g, all->state, sizeof all->state));
}

static void apply_to(int parameter, const char *initializer) {
    nninit_initializer *init;
    ck_assert_ok(c, nninit_initializer_parse(&init, c, initializer));
    ck_assert_ok(c, nninit_initializer_apply(init, nninit_layer_parameter(model, parameter), g));
    nninit_initializer_destroy(&init);
}

/* One letter a parameter: the constant that it was filled with, "-" for what it was before. */
static void expect_constants(const char *text, const char *expected) {
    struct all before, after;
    char found[7] = {0};
    read_all(&before);
    ck_assert_ok(c, nninit_rules_apply(parse(text), model, NULL));
    read_all(&after);
    for (int i = 0, at = 0; i < 6; at += (int)nninit_tensor_numel(nninit_layer_parameter(model, i++)))
        found[i] = after.values[at] == before.values[at] ? '-' : (char)('0' + (int)after.values[at]);
    ck_assert_str_eq(found, expected);
}

#define FILL(n) "constant:value=" #n

START_TEST(last_match_wins) {
    setup();
    expect_constants("*.weight=" FILL(1) "; *.bias=" FILL(2) "; last *.weight=" FILL(3), "121232");
    expect_constants("last *.weight=" FILL(4) "; *=" FILL(5), "555555");
    expect_constants("0.weight=" FILL(1) "; 0.weight=" FILL(2), "2-----");
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(selectors) {
    setup();
    expect_constants("first * = " FILL(1), "11----");
    expect_constants("last * = " FILL(2), "----22");
    expect_constants("linear *.bias = " FILL(3), "-3-3-3");
    expect_constants("\n\n first linear *.bias = " FILL(4) " ;;\tlinear  last ?.weight\t= " FILL(5) "\r\n", "-4--5-");
    nninit_context_destroy(&c);
}
END_TEST

/* First and last are those of the whole model, however deep, and of layers with parameters: activations do not count. */
START_TEST(nested_models) {
    nninit_layer *relu, *whole;
    nninit_tensor *t;
    float b;
    setup();
    ck_assert_ok(c, nninit_activation_create(&relu, c, NNINIT_TANH, 0));
    ck_assert_ok(c, nninit_sequential_create(&whole, c, (nninit_layer *[]){relu, model, relu}, 3));
    ck_assert_ok(c, nninit_rules_apply(parse("first 1.0.bias = " FILL(8) "; last *.4.bias = " FILL(9)), whole, g));
    ck_assert_ok(c, nninit_layer_find(whole, "1.0.bias", &t));
    float bias[4];
    ck_assert_ok(c, nninit_tensor_read(t, bias, 4));
    ck_assert_float_eq(bias[3], 8);
    ck_assert_ok(c, nninit_layer_find(whole, "1.4.bias", &t));
    ck_assert_ok(c, nninit_tensor_read(t, bias, 2));
    ck_assert_float_eq(bias[1], 9);
    nninit_layer *linear;
    ck_assert_ok(c, nninit_linear_create(&linear, c, 1, 1, 1, NULL)); /* the first and the last at once */
    ck_assert_ok(c, nninit_rules_apply(parse("first b* = ones; last weight = ones"), linear, g));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(linear, 1), &b, 1));
    ck_assert_float_eq(b, 1);
    nninit_context_destroy(&c);
}
END_TEST

/* Each parameter is drawn once, in model order, whatever the order of the rules. */
START_TEST(draws_in_model_order) {
    struct all expected, found;
    setup();
    ck_assert_ok(c, nninit_rules_apply(parse("*.bias = uniform:low=-1; * = normal; 4.bias = zeros\n0.* = uniform\n"
                                             "*.weight = kaiming_normal:mode=fan_out,nonlinearity=relu\n"
                                             "first *.weight = xavier_uniform"), model, g));
    read_all(&found);
    ck_assert_ok(c, nninit_generator_seed(g, 1));
    apply_to(0, "xavier_uniform");
    apply_to(1, "uniform");
    apply_to(2, "kaiming_normal:mode=fan_out,nonlinearity=relu");
    apply_to(3, "normal");
    apply_to(4, "kaiming_normal:mode=fan_out,nonlinearity=relu");
    apply_to(5, "zeros");
    read_all(&expected);
    ck_assert_mem_eq(&found, &expected, sizeof found);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(options_set_later_count) {
    nninit_rules *rules;
    nninit_initializer *init;
    float w[20];
    setup();
    ck_assert_ok(c, nninit_rules_create(&rules, c));
    ck_assert_ok(c, nninit_rules_apply(rules, model, NULL)); /* no rules, no change */
    ck_assert_ok(c, nninit_initializer_parse(&init, c, "constant"));
    ck_assert_ok(c, nninit_rules_add(rules, NNINIT_RULES_LINEAR, NNINIT_RULES_FIRST, "*.weight", init));
    ck_assert_ok(c, nninit_initializer_set(init, NNINIT_INIT_VALUE, 7));
    nninit_initializer_destroy(&init);
    ck_assert_ok(c, nninit_rules_apply(rules, model, NULL));
    ck_assert_ok(c, nninit_tensor_read(nninit_layer_parameter(model, 0), w, 20));
    ck_assert_float_eq(w[19], 7);
    nninit_rules_destroy(&rules);
    ck_assert_ptr_null(rules);
    nninit_rules_destroy(&rules);
    nninit_context_destroy(&c);
}
END_TEST

static void expect_failure(const char *text, nninit_generator *generator, nninit_status status, const char *message) {
    struct all before, after;
    read_all(&before);
    ck_assert_int_eq(nninit_rules_apply(parse(text), model, generator), status);
    ck_assert_msg(strstr(nninit_context_message(c), message) != NULL, "%s", nninit_context_message(c));
    read_all(&after);
    ck_assert_mem_eq(&before, &after, sizeof before);
}

START_TEST(failures_change_nothing) {
    setup();
    expect_failure("* = normal; *.gamma = ones", g, NNINIT_ERR_NOT_FOUND, "rule \"*.gamma\" selects no parameter");
    expect_failure("last linear 0.* = ones; *.gamma = ones", g, NNINIT_ERR_NOT_FOUND, "\"last linear 0.*\"");
    expect_failure("first 4.* = normal", g, NNINIT_ERR_NOT_FOUND, "\"first 4.*\"");
    expect_failure("* = normal; last *.bias = xavier_normal", g, NNINIT_ERR_SHAPE, "fans");
    expect_failure("* = ones; 2.bias = uniform:low=2", g, NNINIT_ERR_INVALID, "low is 2");
    expect_failure("* = ones; 2.bias = normal", NULL, NNINIT_ERR_INVALID, "generator");
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(grammar) {
    static const struct {
        const char *text;
        nninit_status status;
        const char *message;
    } bad[] = {
        {"", NNINIT_ERR_INVALID, "no rule"},
        {" ;\n; ", NNINIT_ERR_INVALID, "no rule"},
        {"*.weight", NNINIT_ERR_INVALID, "*.weight"},
        {"* = ones; = zeros", NNINIT_ERR_INVALID, "no pattern"},
        {"second *.weight = ones", NNINIT_ERR_NOT_FOUND, "\"second\""},
        {"first last * = ones", NNINIT_ERR_INVALID, "\"last\""},
        {"linear linear * = ones", NNINIT_ERR_INVALID, "\"linear\""},
        {"*.weight *.bias = ones", NNINIT_ERR_NOT_FOUND, "\"*.weight\""},
        {"* =", NNINIT_ERR_NOT_FOUND, "initializer \"\""},
        {"* = nothing", NNINIT_ERR_NOT_FOUND, "\"nothing\""},
        {"* = constant:value=x", NNINIT_ERR_INVALID, "\"x\""},
        {"* = normal:std=-1", NNINIT_ERR_INVALID, "std"},
    };
    nninit_rules *rules;
    setup();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rules = (nninit_rules *)&rules;
        ck_assert_int_eq(nninit_rules_parse(&rules, c, bad[i].text), bad[i].status);
        ck_assert_ptr_null(rules);
        ck_assert_msg(strstr(nninit_context_message(c), bad[i].message) != NULL, "%s: %s", bad[i].text,
                      nninit_context_message(c));
    }
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(refuses) {
    nninit_context *other = suite_context();
    nninit_rules *rules;
    nninit_initializer *ones, *foreign;
    nninit_generator *foreign_generator;
    setup();
    ck_assert_ok(c, nninit_initializer_parse(&ones, c, "ones"));
    ck_assert_ok(other, nninit_initializer_parse(&foreign, other, "ones"));
    ck_assert_ok(other, nninit_generator_create(&foreign_generator, other, NNINIT_STREAM_TORCH, 1));
    ck_assert_int_eq(nninit_rules_create(NULL, c), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_create(&rules, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_parse(&rules, NULL, "* = ones"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_parse(NULL, c, "* = ones"), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_parse(&rules, c, NULL), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(rules);
    ck_assert_ok(c, nninit_rules_create(&rules, c));
    ck_assert_int_eq(nninit_rules_add(NULL, 0, 0, "*", ones), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_add(rules, (nninit_rules_kind)2, 0, "*", ones), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_add(rules, 0, (nninit_rules_position)3, "*", ones), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_add(rules, 0, 0, NULL, ones), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_add(rules, 0, 0, "*", NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_add(rules, 0, 0, "*", foreign), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_apply(NULL, model, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_apply(rules, NULL, g), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_rules_apply(rules, model, foreign_generator), NNINIT_ERR_INVALID);
    nninit_context_destroy(&other);
    nninit_context_destroy(&c);
}
END_TEST

SUITE(rules, last_match_wins, selectors, nested_models, draws_in_model_order, options_set_later_count,
      failures_change_nothing, grammar, refuses)
