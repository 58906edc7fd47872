/* SPDX-License-Identifier: MIT */
/* Options as text, "name" or "name:key=value,key=value", for command lines and bindings; and as structs. */
#ifndef NNINIT_LIB_OPTIONS_H
#define NNINIT_LIB_OPTIONS_H

#include "object.h"

/* A name and the number that it stands for; lists end with a NULL name. */
struct option_name {
    const char *name;
    int value;
};

/* The names that may stand for values of one key; lists end with NULL names. */
struct option_words {
    int key;
    const struct option_name *names;
};

/* Receives each pair; values that are names come as their numbers. */
typedef nninit_status (*option_set)(void *user, int key, double value);

/* Find the name before ":" in `names`. NNINIT_ERR_NOT_FOUND if it is not there. */
nninit_status options_name(nninit_context *context, const char *what, const char *text, const struct option_name *names,
                           int *value);
/* Pass the pairs after ":" to `set`, first to last, and stop at the first failure. words: NULL where all are numbers. */
nninit_status options_pairs(nninit_context *context, const char *text, const struct option_name *keys,
                            const struct option_words *words, option_set set, void *user);

/* Options as a struct whose first member is its size: zeros, then what the caller's version of it has. given: NULL for none. */
nninit_status options_take(nninit_context *context, void *options, size_t size, const void *given);

#endif
