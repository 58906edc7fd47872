/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_INITIALIZER_H
#define NNINIT_LIB_INITIALIZER_H

#include "object.h"

#include <nninit/initializer.h>

enum { INITIALIZER_OPTIONS = NNINIT_INIT_LAYER_FAN_IN + 1 };

struct nninit_initializer {
    struct object object;
    nninit_initializer_kind kind;
    double option[INITIALIZER_OPTIONS];
};

#endif
