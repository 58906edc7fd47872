/* SPDX-License-Identifier: MIT */
#ifndef MNIST_DATA_H
#define MNIST_DATA_H

#include <nninit/nninit.h>

/* The folder of the MNIST files: as given, or if that is NULL the one that comes along, installed or in the source tree. */
const char *mnist_folder(const char *given);

/* Both halves; of each only the first `rows`, unless that is 0 or more than there are. */
nninit_status mnist_open(nninit_context *context, const char *folder, long rows, nninit_dataset **train, nninit_dataset **test);

#endif
