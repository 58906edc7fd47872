/* SPDX-License-Identifier: MIT */
#include "object.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Large blocks begin at a large page and ask for such pages: a step walks through all of its weights and a random batch
 * through all of its data, and the translation of 4 KiB pages was 2 to 4 % of a step. */
enum { ALIGNMENT = 64, LARGE_PAGE = 2 << 20, LARGE_SIZE = 2 * LARGE_PAGE };

/* The allocator promises alignment for any object only; the address that it gave is kept in front of ours. */
void *mem_alloc(nninit_context *context, size_t size) {
    size_t alignment = size >= LARGE_SIZE ? LARGE_PAGE : ALIGNMENT;
    void *raw = size > SIZE_MAX - alignment - sizeof(void *)
                    ? NULL
                    : context->alloc(context->alloc_user, size + alignment + sizeof(void *));
    if (!raw) {
        context_fail(context, NNINIT_ERR_MEMORY, "out of memory: %zu bytes", size);
        return NULL;
    }
    uintptr_t address = ((uintptr_t)raw + sizeof(void *) + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((char *)address - sizeof(void *), &raw, sizeof raw);
#ifdef MADV_HUGEPAGE
    if (alignment == LARGE_PAGE)
        madvise((void *)address, size / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE); /* a refusal costs speed only */
#endif
    return memset((void *)address, 0, size);
}

void *mem_array(nninit_context *context, int64_t count, size_t size) {
    if (count < 0 || (uint64_t)count > SIZE_MAX / 2 / size) {
        context_fail(context, NNINIT_ERR_MEMORY, "out of memory: %lld elements of %zu bytes", (long long)count, size);
        return NULL;
    }
    return mem_alloc(context, (size_t)count * size);
}

char *mem_string(nninit_context *context, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(context, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void mem_free(nninit_context *context, void *memory) {
    if (!memory)
        return;
    void *raw;
    memcpy(&raw, (char *)memory - sizeof raw, sizeof raw);
    context->free(context->alloc_user, raw);
}

nninit_status context_fail(nninit_context *context, nninit_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context->message, sizeof context->message, format, arguments);
    va_end(arguments);
    return status;
}

void *object_create(nninit_context *context, const struct object_type *type, size_t size) {
    struct object *object = mem_alloc(context, size);
    if (!object)
        return NULL;
    object->context = context;
    object->type = type;
    object->claims = 1;
    object->older = context->newest;
    if (context->newest)
        context->newest->newer = object;
    context->newest = object;
    return object;
}

void *object_claim(void *object) {
    if (object)
        ((struct object *)object)->claims++;
    return object;
}

void object_drop(void *memory) {
    struct object *object = memory;
    if (!object || --object->claims > 0)
        return;
    nninit_context *context = object->context;
    if (object->type->release)
        object->type->release(object);
    if (object->type->finish)
        object->type->finish(object);
    *(object->newer ? &object->newer->older : &context->newest) = object->older;
    if (object->older)
        object->older->newer = object->newer;
    mem_free(context, object);
}
