/* SPDX-License-Identifier: MIT */
/* Modules as they should not be, for tests of the registry: KIND says what is wrong with one. */
#include "executor.h"
#include "version.h"

#include <stddef.h>

#if KIND == 0 /* nothing */
const char nothing_here[] = "no entry";
#else
static const struct executor executor = {.name = "cuda"};

static const struct module module = {
    .abi = EXECUTOR_ABI + (KIND == 1),
    .size = sizeof(struct executor) + (KIND == 2 ? 8 : 0),
    .version = KIND == 3 ? "0.0.9" : VERSION_TEXT,
    .exact = &executor,
    .fast = &executor,
};

__attribute__((visibility("default"))) const struct module *nninit_module_entry(void);

const struct module *nninit_module_entry(void) {
    return KIND == 4 ? NULL : &module;
}
#endif
