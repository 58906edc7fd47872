/* SPDX-License-Identifier: MIT */
#include "executor.h"

#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *user, size_t size) {
    (void)user;
    return malloc(size);
}

static void default_free(void *user, void *memory) {
    (void)user;
    free(memory);
}

nninit_status nninit_context_create(nninit_context **out, const nninit_context_options *options) {
    if (!out)
        return NNINIT_ERR_INVALID;
    *out = NULL;
    nninit_context_options o = {.size = sizeof o};
    if (options) {
        if (options->size == 0 || options->size > sizeof o)
            return NNINIT_ERR_INVALID;
        memcpy(&o, options, options->size);
    }
    if (o.threads < 0 || o.threads > 256 || !o.alloc != !o.free)
        return NNINIT_ERR_INVALID;
    if (!o.alloc) {
        o.alloc = default_alloc;
        o.free = default_free;
    }
    nninit_context *context = o.alloc(o.alloc_user, sizeof *context);
    if (!context)
        return NNINIT_ERR_MEMORY;
    memset(context, 0, sizeof *context);
    context->alloc = o.alloc;
    context->free = o.free;
    context->alloc_user = o.alloc_user;
    context->log = o.log;
    context->log_user = o.log_user;
    context->threads = o.threads;
    /* A name that is too long is cut, still unknown, and reported by its beginning. */
    strncpy(context->backend, o.backend ? o.backend : "auto", sizeof context->backend - 1);
    context->modules = o.modules ? mem_string(context, o.modules) : NULL;
    if (o.modules && !context->modules) {
        o.free(o.alloc_user, context);
        return NNINIT_ERR_MEMORY;
    }
    *out = context;
    return NNINIT_OK;
}

void nninit_context_destroy(nninit_context **context) {
    if (!context || !*context)
        return;
    nninit_context *c = *context;
    *context = NULL;
    while (c->newest) {
        struct object *object = c->newest;
        c->newest = object->older;
        if (object->type->finish)
            object->type->finish(object);
        mem_free(c, object);
    }
    if (c->executor)
        c->executor->close(c->device);
    mem_free(c, c->modules);
    c->free(c->alloc_user, c);
}

const char *nninit_context_message(const nninit_context *context) {
    return context ? context->message : "the context is NULL";
}

nninit_status nninit_context_backend(nninit_context *context, const char **description) {
    if (description)
        *description = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!description)
        return context_fail(context, NNINIT_ERR_INVALID, "description is NULL");
    nninit_status status = context_open(context);
    if (status == NNINIT_OK)
        *description = context->executor->describe(context->device);
    return status;
}

const char *nninit_context_fallback(const nninit_context *context) {
    return context ? context->fallback : "the context is NULL";
}

void nninit_context_cancel(nninit_context *context) {
    if (context)
        atomic_store(&context->cancel, 1);
}

bool context_cancelled(nninit_context *context) {
    return atomic_exchange(&context->cancel, 0) != 0;
}
