/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_DBN_H
#define NNINIT_LIB_DBN_H

#include "layer.h"
#include "rbm.h"

#include <nninit/dbn.h>

struct nninit_dbn {
    struct object object;
    nninit_rbm **machines; /* [count], from the bottom */
    int count;
    int64_t labels; /* of a joint top; 0: none */
};

#endif
