/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_GENERATOR_H
#define NNINIT_LIB_GENERATOR_H

#include "host/fill.h"
#include "object.h"

#include <nninit/generator.h>

struct nninit_generator {
    struct object object;
    nninit_stream stream;
    struct mt19937 mt;
    const struct fill *fill;
    double next_normal; /* the second half of a Box-Muller pair */
    bool has_next_normal;
    /* PyTorch keeps a float one too; nothing on the CPU draws it, but a state that holds one is given back whole. */
    float next_float_normal;
    bool has_next_float_normal;
};

/* One int64 random_(): two words. */
int64_t generator_random(nninit_generator *generator);

#endif
