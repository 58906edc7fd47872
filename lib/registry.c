/* SPDX-License-Identifier: MIT */
/* Which executors there are, and which one a context gets. */
#include "executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct executor *const executors[] = {&cpu_executor, &ref_executor};

const struct executor *registry_find(const char *name) {
    for (size_t i = 0; i < sizeof executors / sizeof *executors; i++)
        if (strcmp(executors[i]->name, name) == 0)
            return executors[i];
    return NULL;
}

const char *registry_names(void) {
    return "auto, cpu, ref";
}

nninit_status context_open(nninit_context *context) {
    if (context->executor)
        return NNINIT_OK;
    const char *name = context->backend, *source = "the options";
    const char *forced = strcmp(name, "auto") == 0 ? secure_getenv("NNINIT_BACKEND") : NULL;
    if (forced && *forced) {
        name = forced;
        source = "NNINIT_BACKEND";
    }
    const struct executor *executor = registry_find(strcmp(name, "auto") == 0 ? "cpu" : name);
    if (!executor)
        return context_fail(context, NNINIT_ERR_BACKEND, "backend \"%.31s\" (from %s) is unknown; there are: %s", name,
                            source, registry_names());
    const struct host host = {context, mem_alloc, mem_free, context_fail, context->threads};
    nninit_status status = executor->open(&context->device, &host);
    if (status < 0)
        return status;
    context->executor = executor;
    if (context->log) {
        char line[160];
        snprintf(line, sizeof line, "backend: %s", executor->describe(context->device));
        context->log(context->log_user, line);
    }
    return NNINIT_OK;
}
