/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "fpenv.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const struct option_name *find(const struct option_name *names, const char *text, size_t length) {
    for (; names->name; names++)
        if (strlen(names->name) == length && memcmp(names->name, text, length) == 0)
            return names;
    return NULL;
}

nninit_status options_name(nninit_context *context, const char *what, const char *text, const struct option_name *names,
                           int *value) {
    const struct option_name *found = find(names, text, strcspn(text, ":"));
    if (!found)
        return context_fail(context, NNINIT_ERR_NOT_FOUND, "%s \"%.100s\" is unknown", what, text);
    *value = found->value;
    return NNINIT_OK;
}

/* A number with a point in every locale; the whole of text. */
static bool parse_number(const char *text, size_t length, double *value) {
    char copy[64], *end;
    if (length == 0 || length >= sizeof copy || memchr(text, ',', length) || strchr(" \t\n\r\v\f", text[0]))
        return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    char *point = strchr(copy, '.');
    if (point)
        *point = localeconv()->decimal_point[0];
    fenv_t caller;
    fpenv_enter(&caller); /* strtod rounds as the environment says */
    *value = strtod(copy, &end);
    fpenv_leave(&caller);
    return *end == 0;
}

nninit_status options_pairs(nninit_context *context, const char *text, const struct option_name *keys,
                            const struct option_name *words, option_set set, void *user) {
    const char *pair = strchr(text, ':');
    if (!pair)
        return NNINIT_OK;
    for (pair++;; pair++) {
        size_t length = strcspn(pair, ","), key_length = strcspn(pair, "=,");
        if (key_length == length)
            return context_fail(context, NNINIT_ERR_INVALID, "\"%.*s\" in \"%.100s\" is not key=value", (int)length,
                                pair, text);
        const struct option_name *key = find(keys, pair, key_length);
        if (!key)
            return context_fail(context, NNINIT_ERR_NOT_FOUND, "option \"%.*s\" in \"%.100s\" is unknown",
                                (int)key_length, pair, text);
        const char *value = pair + key_length + 1;
        size_t value_length = length - key_length - 1;
        const struct option_name *word = words ? find(words, value, value_length) : NULL;
        double number = word ? word->value : 0;
        if (!word && !parse_number(value, value_length, &number))
            return context_fail(context, NNINIT_ERR_INVALID, "\"%.*s\" in \"%.100s\" is not a number",
                                (int)value_length, value, text);
        nninit_status status = set(user, key->value, number);
        if (status < 0)
            return status;
        pair += length;
        if (!*pair)
            return NNINIT_OK;
    }
}
