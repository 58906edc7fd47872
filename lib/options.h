/* SPDX-License-Identifier: MIT */
/* Options as text: "name" or "name:key=value,key=value", for command lines and bindings. */
#ifndef NNINIT_LIB_OPTIONS_H
#define NNINIT_LIB_OPTIONS_H

#include "object.h"

/* A name and the number that it stands for; lists end with a NULL name. */
struct option_name {
    const char *name;
    int value;
};

/* Receives each pair; values that are names of `words` come as their numbers. */
typedef nninit_status (*option_set)(void *user, int key, double value);

/* Find the name before ":" in `names`. NNINIT_ERR_NOT_FOUND if it is not there. */
nninit_status options_name(nninit_context *context, const char *what, const char *text, const struct option_name *names,
                           int *value);
/* Pass the pairs after ":" to `set`, first to last, and stop at the first failure. */
nninit_status options_pairs(nninit_context *context, const char *text, const struct option_name *keys,
                            const struct option_name *words, option_set set, void *user);

#endif
