/* SPDX-License-Identifier: MIT */
/* Which executors there are, and which one a context gets: "name", or for a device "name:number,math=how". */
#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a text asks for. */
struct choice {
    const char *text, *source; /* as it was given, and by whom */
    char name[16];
    bool options; /* anything after the name */
    int device;
    enum math math;
};

static nninit_status bad_choice(nninit_context *context, const struct choice *c, const char *why) {
    return context_fail(context, NNINIT_ERR_BACKEND, "backend \"%.63s\" (from %s) %s", c->text, c->source, why);
}

static nninit_status unknown_name(nninit_context *context, const struct choice *c) {
    return bad_choice(context, c, "is unknown; there are: auto, cpu, cuda, ref");
}

/* One part of what follows the name. */
static nninit_status take_option(nninit_context *context, struct choice *c, const char *option, size_t length) {
    static const char *const maths[] = {[MATH_EXACT] = "exact", [MATH_FAST] = "fast", [MATH_TF32] = "tf32"};
    if (length > 5 && strncmp(option, "math=", 5) == 0) {
        for (int m = 0; m < 3; m++)
            if (strlen(maths[m]) == length - 5 && strncmp(option + 5, maths[m], length - 5) == 0) {
                c->math = (enum math)m;
                return NNINIT_OK;
            }
        return bad_choice(context, c, "names an unknown math; there are: exact, fast, tf32");
    }
    c->device = 0;
    for (size_t i = 0; i < length; i++) {
        if (option[i] < '0' || option[i] > '9' || i >= 4)
            return bad_choice(context, c, "must be like cuda, cuda:1 or cuda:1,math=fast");
        c->device = 10 * c->device + (option[i] - '0');
    }
    return length > 0 ? NNINIT_OK : bad_choice(context, c, "must be like cuda, cuda:1 or cuda:1,math=fast");
}

static nninit_status parse_choice(nninit_context *context, struct choice *c) {
    const size_t length = strcspn(c->text, ":");
    if (length >= sizeof c->name)
        return unknown_name(context, c);
    memcpy(c->name, c->text, length);
    c->options = c->text[length] != '\0';
    nninit_status status = NNINIT_OK;
    for (const char *at = c->text + length; *at && status == NNINIT_OK;) {
        const size_t part = strcspn(++at, ",");
        status = take_option(context, c, at, part);
        at += part;
    }
    return status;
}

static nninit_status open_executor(nninit_context *context, const struct executor *executor, const struct choice *c) {
    const struct host host = {context, mem_alloc, mem_free, context_fail, context->threads, c->device, c->math};
    nninit_status status = executor->open(&context->device, &host);
    if (status == NNINIT_OK)
        context->executor = executor;
    return status;
}

static nninit_status open_cuda(nninit_context *context, const struct choice *c) {
    const struct module *module;
    nninit_status status = module_load(&module, context, "cuda");
    return status < 0 ? status : open_executor(context, c->math == MATH_EXACT ? module->exact : module->fast, c);
}

/* A device if there is one. Why there is none is kept, and is no failure. */
static nninit_status open_any(nninit_context *context, const struct choice *c) {
    char before[sizeof context->message];
    memcpy(before, context->message, sizeof before);
    if (open_cuda(context, c) == NNINIT_OK)
        return NNINIT_OK;
    memcpy(context->fallback, context->message, sizeof context->fallback);
    memcpy(context->message, before, sizeof before);
    return open_executor(context, &cpu_executor, c);
}

static nninit_status open_choice(nninit_context *context, struct choice *c) {
    nninit_status status = parse_choice(context, c);
    if (status < 0)
        return status;
    if (strcmp(c->name, "cuda") == 0)
        return open_cuda(context, c);
    const bool automatic = strcmp(c->name, "auto") == 0, cpu = strcmp(c->name, "cpu") == 0;
    if (!automatic && !cpu && strcmp(c->name, "ref") != 0)
        return unknown_name(context, c);
    if (c->options)
        return bad_choice(context, c, "has options; only cuda takes any");
    return automatic ? open_any(context, c) : open_executor(context, cpu ? &cpu_executor : &ref_executor, c);
}

static void tell(nninit_context *context, const char *what, const char *text) {
    char line[sizeof context->fallback + 32];
    snprintf(line, sizeof line, "%s: %s", what, text);
    if (context->log)
        context->log(context->log_user, line);
}

nninit_status context_open(nninit_context *context) {
    if (context->executor)
        return NNINIT_OK;
    struct choice c = {.text = context->backend, .source = "the options"};
    const char *forced = strcmp(c.text, "auto") == 0 ? secure_getenv("NNINIT_BACKEND") : NULL;
    if (forced && *forced) {
        c.text = forced;
        c.source = "NNINIT_BACKEND";
    }
    nninit_status status = open_choice(context, &c);
    if (status < 0)
        return status;
    tell(context, "backend", context->executor->describe(context->device));
    if (*context->fallback)
        tell(context, "no device", context->fallback);
    return NNINIT_OK;
}
