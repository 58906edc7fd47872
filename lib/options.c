/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "fpenv.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_name *find(const struct option_name *names, const char *text, size_t length) {
    for (; names->name; names++)
        if (strlen(names->name) == length && memcmp(names->name, text, length) == 0)
            return names;
    return NULL;
}

/* "a, b, c" for messages; what does not fit is cut off. */
static const char *list(const struct option_name *names, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (const char *comma = ""; names->name && used < size; names++, comma = ", ") {
        int more = snprintf(text + used, size - used, "%s%s", comma, names->name);
        used += more > 0 ? (size_t)more : 0;
    }
    return text;
}

nninit_status options_name(nninit_context *context, const char *what, const char *text, const struct option_name *names,
                           int *value) {
    const struct option_name *found = find(names, text, strcspn(text, ":"));
    char known[400];
    if (!found)
        return context_fail(context, NNINIT_ERR_NOT_FOUND, "%s \"%.100s\" is unknown; known: %s", what, text,
                            list(names, known, sizeof known));
    *value = found->value;
    return NNINIT_OK;
}

/* The whole of text is a number, with a point in every locale: strtod() expects the locale's own. */
static bool parse_number(const char *text, size_t length, double *value) {
    char copy[128], *end, *to = copy;
    const char *point = localeconv()->decimal_point;
    if (length == 0 || length >= 64 || strchr(" \t\n\r\v\f", text[0]))
        return false;
    for (size_t i = 0; i < length; i++) {
        size_t size = text[i] == '.' ? strlen(point) : 1;
        if (size >= (size_t)(copy + sizeof copy - to))
            return false;
        memcpy(to, text[i] == '.' ? point : text + i, size);
        to += size;
    }
    *to = 0;
    fenv_t caller;
    fpenv_enter(&caller); /* strtod() rounds as the environment says */
    *value = strtod(copy, &end);
    fpenv_leave(&caller);
    return *end == 0;
}

static const struct option_name *words_of(const struct option_words *words, int key) {
    static const struct option_name none[] = {{NULL, 0}};
    for (; words && words->names; words++)
        if (words->key == key)
            return words->names;
    return none;
}

/* One "key=value" of `length` bytes, in `text`. */
static nninit_status pass_pair(nninit_context *context, const char *text, const char *pair, int length,
                               const struct option_name *keys, const struct option_words *words, option_set set,
                               void *user) {
    char known[400];
    const char *equals = memchr(pair, '=', (size_t)length);
    if (!equals)
        return context_fail(context, NNINIT_ERR_INVALID, "\"%.*s\" in \"%.100s\" is not key=value", length, pair, text);
    int key_length = (int)(equals - pair), value_length = length - key_length - 1;
    const struct option_name *key = find(keys, pair, (size_t)key_length);
    if (!key)
        return context_fail(context, NNINIT_ERR_NOT_FOUND, "option \"%.*s\" in \"%.100s\" is unknown; known: %s",
                            key_length, pair, text, list(keys, known, sizeof known));
    const struct option_name *names = words_of(words, key->value), *word = find(names, equals + 1, (size_t)value_length);
    double number = word ? word->value : 0;
    if (!word && !parse_number(equals + 1, (size_t)value_length, &number))
        return context_fail(context, NNINIT_ERR_INVALID, "\"%.*s\" in \"%.100s\" is not a number%s%s", value_length,
                            equals + 1, text, names->name ? ", nor one of " : "", list(names, known, sizeof known));
    return set(user, key->value, number);
}

nninit_status options_pairs(nninit_context *context, const char *text, const struct option_name *keys,
                            const struct option_words *words, option_set set, void *user) {
    const char *pair = strchr(text, ':');
    while (pair) {
        pair++;
        size_t length = strcspn(pair, ",");
        if (length > 200)
            return context_fail(context, NNINIT_ERR_INVALID, "an option in \"%.100s\" is longer than 200 bytes", text);
        nninit_status status = pass_pair(context, text, pair, (int)length, keys, words, set, user);
        if (status < 0)
            return status;
        pair = pair[length] ? pair + length : NULL;
    }
    return NNINIT_OK;
}

nninit_status options_take(nninit_context *context, void *options, size_t size, const void *given) {
    size_t given_size = size;
    memset(options, 0, size);
    if (!given)
        return NNINIT_OK;
    memcpy(&given_size, given, sizeof given_size);
    if (given_size == 0 || given_size > size)
        return context_fail(context, NNINIT_ERR_INVALID, "the size of the options is %zu; it must be 1 to %zu", given_size,
                            size);
    memcpy(options, given, given_size);
    return NNINIT_OK;
}
