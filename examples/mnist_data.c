/* SPDX-License-Identifier: MIT */
#include "mnist_data.h"

#include <unistd.h>

const char *mnist_folder(const char *given) {
    return given ? given : access(NNINIT_MNIST_DIR, R_OK) == 0 ? NNINIT_MNIST_DIR : NNINIT_MNIST_SOURCE_DIR;
}

static nninit_status open_half(nninit_context *context, const char *folder, long rows, nninit_split split,
                               nninit_dataset **half) {
    nninit_status status = nninit_dataset_open_mnist(half, context, folder, split);
    if (status < 0 || rows == 0 || rows >= nninit_dataset_count(*half))
        return status;
    return nninit_dataset_slice(half, *half, 0, rows);
}

nninit_status mnist_open(nninit_context *context, const char *folder, long rows, nninit_dataset **train, nninit_dataset **test) {
    nninit_status status = open_half(context, mnist_folder(folder), rows, NNINIT_TRAIN, train);
    return status < 0 ? status : open_half(context, mnist_folder(folder), rows, NNINIT_TEST, test);
}
