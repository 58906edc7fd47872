/* SPDX-License-Identifier: MIT */
#include "safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files are little-endian, and are read and written as memory is: this machine needs a byte swap here"
#endif

static const char *const dtype_names[] = {"F32", "F64", "I32", "I64", "U8"};

/* One item's entry; its length, as snprintf counts it. */
static int print_item(char *text, size_t room, const struct state_item *item, size_t offset, bool first) {
    char shape[256] = "";
    for (int i = 0, at = 0; i < item->rank; i++)
        at += snprintf(shape + at, sizeof shape - (size_t)at, i ? ",%lld" : "%lld", (long long)item->shape[i]);
    return snprintf(text, room, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", first ? "" : ",",
                    item->name, dtype_names[item->dtype], shape, offset, offset + item->size);
}

static int write_all(int file, const void *data, size_t size) {
    for (const char *at = data; size > 0;) {
        ssize_t n = write(file, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

static int write_items(int file, const char *header, size_t length, const struct state_item *items, int count) {
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)((uint64_t)length >> (8 * i));
    if (write_all(file, prefix, sizeof prefix) < 0 || write_all(file, header, length) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (write_all(file, items[i].data, items[i].size) < 0)
            return -1;
    return fsync(file);
}

/* The rename is lasting once the folder is synced; folders that cannot be are left to the system. */
static void sync_folder(char *path) {
    char *slash = strrchr(path, '/');
    if (slash)
        slash[slash == path] = 0;
    int folder = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    fsync(folder);
    close(folder);
}

static nninit_status write_file(nninit_context *context, const char *path, char *temporary, const char *header,
                                size_t length, const struct state_item *items, int count) {
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return context_fail(context, NNINIT_ERR_IO, "%s: cannot be written: %s", temporary, strerror(errno));
    int failed = write_items(file, header, length, items, count), error = errno;
    if (close(file) < 0 && !failed) {
        failed = -1;
        error = errno;
    }
    if (!failed && rename(temporary, path) < 0) {
        failed = -1;
        error = errno;
    }
    if (failed) {
        unlink(temporary);
        return context_fail(context, NNINIT_ERR_IO, "%s: cannot be written: %s", path, strerror(error));
    }
    sync_folder(temporary);
    return NNINIT_OK;
}

nninit_status safetensors_save(nninit_context *context, const char *path, const struct state_item *items, int count) {
    size_t room = 16 + (size_t)count * 768, length = 1, offset = 0;
    char *header = mem_alloc(context, room), *temporary = mem_alloc(context, strlen(path) + 32);
    nninit_status status = header && temporary ? NNINIT_OK : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK) {
        header[0] = '{';
        for (int i = 0; i < count; i++) {
            length += (size_t)print_item(header + length, room - length, &items[i], offset, i == 0);
            offset += items[i].size;
        }
        header[length++] = '}';
        while (length % 8)
            header[length++] = ' ';
        sprintf(temporary, "%s.tmp-%ld", path, (long)getpid());
        status = write_file(context, path, temporary, header, length, items, count);
    }
    mem_free(context, header);
    mem_free(context, temporary);
    return status;
}

static nninit_status read_whole(nninit_context *context, const char *path, unsigned char **bytes, size_t *size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info) < 0 || !S_ISREG(info.st_mode)) {
        int error = file >= 0 && !errno ? EINVAL : errno;
        if (file >= 0)
            close(file);
        return context_fail(context, NNINIT_ERR_IO, "%s: cannot be read: %s", path,
                            file >= 0 ? "not a regular file" : strerror(error));
    }
    *size = (size_t)info.st_size;
    *bytes = mem_alloc(context, *size);
    nninit_status status = *bytes ? NNINIT_OK : NNINIT_ERR_MEMORY;
    for (size_t at = 0; at < *size && status == NNINIT_OK;) {
        ssize_t n = read(file, *bytes + at, *size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            status = context_fail(context, NNINIT_ERR_IO, "%s: cannot be read: %s", path,
                                  n < 0 ? strerror(errno) : "it became shorter");
        else
            at += (size_t)n;
    }
    close(file);
    return status;
}

nninit_status safetensors_open(nninit_context *context, const char *path, struct safetensors *file) {
    *file = (struct safetensors){.context = context};
    size_t size = 0;
    nninit_status status = read_whole(context, path, &file->bytes, &size);
    if (status == NNINIT_OK) {
        const char *problem = safetensors_parse(file->bytes, size, NULL, 0, &file->count);
        if (!problem) {
            file->items = mem_array(context, file->count, sizeof *file->items);
            status = file->items ? NNINIT_OK : NNINIT_ERR_MEMORY;
            if (file->items)
                problem = safetensors_parse(file->bytes, size, file->items, file->count, &file->count);
        }
        if (problem)
            status = context_fail(context, NNINIT_ERR_FORMAT, "%s: not safetensors: %s", path, problem);
    }
    if (status < 0)
        safetensors_close(file);
    return status;
}

const struct state_item *safetensors_find(const struct safetensors *file, const char *name) {
    for (int i = 0; i < file->count; i++)
        if (strcmp(file->items[i].name, name) == 0)
            return &file->items[i];
    return NULL;
}

void safetensors_close(struct safetensors *file) {
    mem_free(file->context, file->items);
    mem_free(file->context, file->bytes);
    *file = (struct safetensors){.context = file->context};
}
