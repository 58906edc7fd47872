/* SPDX-License-Identifier: MIT */
/* Executors in files of their own, which are loaded when they are first asked for. */
#ifndef NNINIT_LIB_MODULE_H
#define NNINIT_LIB_MODULE_H

#include "executor.h"

/* Load libnninit-NAME.so from the context's folder of modules; it stays loaded. Each way in which that fails has its message. */
nninit_status module_load(const struct module **out, nninit_context *context, const char *name);

#endif
