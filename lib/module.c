/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef NNINIT_MODULE_DIR
#error "NNINIT_MODULE_DIR: the folder of installed modules"
#endif

/* Does the file hold all that its program headers say? The loader maps what is not there, and touching it would be a fault. */
static bool is_whole(int file) {
    struct stat status;
    ElfW(Ehdr) header;
    ElfW(Phdr) segment;
    if (fstat(file, &status) != 0 || pread(file, &header, sizeof header, 0) != (ssize_t)sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof segment)
        return false;
    const uint64_t size = (uint64_t)status.st_size;
    for (int i = 0; i < header.e_phnum; i++) {
        const uint64_t at = (uint64_t)header.e_phoff + (uint64_t)i * sizeof segment;
        if (at > size || pread(file, &segment, sizeof segment, (off_t)at) != (ssize_t)sizeof segment)
            return false;
        if (segment.p_type == PT_LOAD && (segment.p_filesz > size || segment.p_offset > size - segment.p_filesz))
            return false;
    }
    return true;
}

static nninit_status check_file(nninit_context *context, const char *name, const char *path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return context_fail(context, NNINIT_ERR_BACKEND, "%s: no module: %s: %s", name, path, strerror(errno));
    const bool whole = is_whole(file);
    close(file);
    return whole ? NNINIT_OK
                 : context_fail(context, NNINIT_ERR_BACKEND, "%s: %s is truncated or no module at all", name, path);
}

static nninit_status check_module(nninit_context *context, const char *name, const char *path,
                                  const struct module *module) {
    if (!module || module->abi != EXECUTOR_ABI || module->size != sizeof(struct executor))
        return context_fail(context, NNINIT_ERR_BACKEND,
                            "%s: %s is of another build: interface %u with %zu bytes; this library's is %d with %zu", name,
                            path, module ? module->abi : 0, module ? module->size : (size_t)0, EXECUTOR_ABI,
                            sizeof(struct executor));
    if (!module->version || strcmp(module->version, nninit_version()) != 0)
        return context_fail(context, NNINIT_ERR_BACKEND, "%s: %s is of version %.31s, this library of %s", name, path,
                            module->version ? module->version : "?", nninit_version());
    return NNINIT_OK;
}

nninit_status module_load(const struct module **out, nninit_context *context, const char *name) {
    const char *folder = context->modules ? context->modules : NNINIT_MODULE_DIR;
    char path[PATH_MAX];
    if (*folder != '/')
        return context_fail(context, NNINIT_ERR_BACKEND, "%s: the folder of modules is \"%.200s\"; it must be an absolute path",
                            name, folder);
    if (snprintf(path, sizeof path, "%s/libnninit-%s.so", folder, name) >= (int)sizeof path)
        return context_fail(context, NNINIT_ERR_BACKEND, "%s: the folder of modules has a name of %zu bytes; %d are allowed",
                            name, strlen(folder), PATH_MAX - 1);
    nninit_status status = check_file(context, name, path);
    if (status < 0)
        return status;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return context_fail(context, NNINIT_ERR_BACKEND, "%s: the module does not load: %s", name, dlerror());
    module_entry entry;
    *(void **)&entry = dlsym(library, MODULE_ENTRY);
    const struct module *module = entry ? entry() : NULL;
    status = check_module(context, name, path, module);
    if (status < 0) {
        dlclose(library);
        return status;
    }
    *out = module;
    return NNINIT_OK;
}
