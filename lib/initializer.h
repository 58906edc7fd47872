/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_INITIALIZER_H
#define NNINIT_LIB_INITIALIZER_H

#include "object.h"

#include <nninit/initializer.h>

#define INITIALIZER_OPTIONS 11

struct nninit_initializer {
    struct object object;
    nninit_initializer_kind kind;
    double option[INITIALIZER_OPTIONS];
};

#endif
