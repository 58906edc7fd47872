/* SPDX-License-Identifier: MIT */
/** @file loss.h
 *  What a model is trained for. Both are means over the batch, as PyTorch's default. */
#ifndef NNINIT_LOSS_H
#define NNINIT_LOSS_H

#include <nninit/version.h>

/** Which loss; its target. */
typedef enum nninit_loss {
    NNINIT_CROSS_ENTROPY = 1,     /**< softmax and -log p[label], from logits; target int64_t [rows], each 0 to outputs - 1.
                                       torch.nn.CrossEntropyLoss */
    NNINIT_MEAN_SQUARED_ERROR = 2 /**< mean over rows and outputs of (y - target)^2; target float [rows, outputs].
                                       torch.nn.MSELoss */
} nninit_loss;

#endif
