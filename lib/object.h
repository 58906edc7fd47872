/* SPDX-License-Identifier: MIT */
/* What every handle begins with, the context that owns them all, and its memory. */
#ifndef NNINIT_LIB_OBJECT_H
#define NNINIT_LIB_OBJECT_H

#include <nninit/context.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct object;
struct device;
struct executor;

struct object_type {
    const char *name;                    /* for messages: "generator" */
    void (*release)(struct object *);    /* drop the claims on parts; NULL: it has none */
    void (*finish)(struct object *);     /* free what is its own, touching no other object; NULL: nothing */
};

struct object {
    nninit_context *context;
    const struct object_type *type;
    struct object *older, *newer; /* all objects of a context, in the order of their creation */
    int claims;
};

struct nninit_context {
    nninit_alloc_fn alloc;
    nninit_free_fn free;
    void *alloc_user;
    nninit_log_fn log;
    void *log_user;
    char backend[64]; /* as asked for */
    char *modules;    /* their folder, as asked for; NULL: where they are installed */
    int threads;      /* as asked for; 0: automatic */
    struct object *newest;
    uint64_t datasets; /* that were made */
    atomic_int cancel;
    const struct executor *executor; /* set once the backend is open */
    struct device *device;
    char message[512];
    char fallback[512]; /* why "auto" opened no device */
};

/* Memory of the context's allocator, zeroed and aligned to 64 bytes. NULL after setting the message (NNINIT_ERR_MEMORY). */
void *mem_alloc(nninit_context *context, size_t size);
/* The same for count elements; an overflow is out of memory too. */
void *mem_array(nninit_context *context, int64_t count, size_t size);
char *mem_string(nninit_context *context, const char *text);
void mem_free(nninit_context *context, void *memory); /* accepts NULL */

/* Set the message and return status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
nninit_status context_fail(nninit_context *context, nninit_status status, const char *format, ...);
/* True, and the request is spent, if nninit_context_cancel() was called. */
bool context_cancelled(nninit_context *context);
/* Open the backend unless it is open. */
nninit_status context_open(nninit_context *context);

/* A zeroed object of `size` bytes, whose first member is a struct object, with one claim. NULL after setting the message. */
void *object_create(nninit_context *context, const struct object_type *type, size_t size);
/* One more claim; returns its argument. Accepts NULL. */
void *object_claim(void *object);
/* One claim less; the last one destroys the object. Accepts NULL. */
void object_drop(void *object);

#endif
