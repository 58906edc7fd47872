/* SPDX-License-Identifier: MIT */
#include "safetensors.h"

#include "file.h"

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

/* A name as JSON has it; its length. A byte takes six at most. */
static size_t print_name(char *text, const char *name) {
    size_t n = 0;
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < 0x20) {
            n += (size_t)sprintf(text + n, "\\u%04x", (unsigned)c);
            continue;
        }
        if (c == '"' || c == '\\')
            text[n++] = '\\';
        text[n++] = (char)c;
    }
    text[n] = 0;
    return n;
}

enum { ITEM_ROOM = 6 * 256 + 21 * NNINIT_MAX_RANK + 128 };

/* One item's entry; its length, at most ITEM_ROOM. */
static size_t print_item(char *text, const struct state_item *item, size_t offset, bool first) {
    size_t n = (size_t)sprintf(text, first ? "\"" : ",\"");
    n += print_name(text + n, item->name);
    n += (size_t)sprintf(text + n, "\":{\"dtype\":\"%s\",\"shape\":[", dtype_names[item->dtype]);
    for (int i = 0; i < item->rank; i++)
        n += (size_t)sprintf(text + n, i ? ",%lld" : "%lld", (long long)item->shape[i]);
    return n + (size_t)sprintf(text + n, "],\"data_offsets\":[%zu,%zu]}", offset, offset + item->size);
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
    struct stat info;
    /* A rename would replace a device. */
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return context_fail(context, NNINIT_ERR_IO, "%s: cannot be written: not a regular file", path);
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
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
    size_t length = 1, offset = 0;
    char *header = mem_alloc(context, 16 + (size_t)count * ITEM_ROOM);
    char *temporary = mem_alloc(context, strlen(path) + 32);
    nninit_status status = header && temporary ? NNINIT_OK : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK) {
        header[0] = '{';
        for (int i = 0; i < count; i++) {
            length += print_item(header + length, &items[i], offset, i == 0);
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

/* Other writers need not align: then every item moves to a place that is. */
static nninit_status align_items(nninit_context *context, struct safetensors *file, size_t size) {
    bool aligned = true;
    for (int i = 0; i < file->count; i++)
        aligned = aligned && ((uintptr_t)file->items[i].data % 8 == 0 || file->items[i].size == 0);
    if (aligned)
        return NNINIT_OK;
    unsigned char *bytes = mem_alloc(context, size + 8 * (size_t)file->count);
    if (!bytes)
        return NNINIT_ERR_MEMORY;
    size_t at = 0;
    for (int i = 0; i < file->count; i++) {
        file->items[i].data = memcpy(bytes + at, file->items[i].data, file->items[i].size);
        at += (file->items[i].size + 7) / 8 * 8;
    }
    mem_free(context, file->bytes);
    file->bytes = bytes;
    return NNINIT_OK;
}

static nninit_status read_items(nninit_context *context, const char *path, struct safetensors *file, size_t size) {
    char problem[SAFETENSORS_PROBLEM];
    bool good = safetensors_parse(file->bytes, size, NULL, 0, &file->count, problem);
    if (good) {
        file->items = mem_array(context, file->count, sizeof *file->items);
        if (!file->items)
            return NNINIT_ERR_MEMORY;
        good = safetensors_parse(file->bytes, size, file->items, file->count, &file->count, problem);
    }
    return good ? align_items(context, file, size)
                : context_fail(context, NNINIT_ERR_FORMAT, "%s: not safetensors: %s", path, problem);
}

nninit_status safetensors_open(nninit_context *context, const char *path, struct safetensors *file) {
    *file = (struct safetensors){.context = context};
    size_t size = 0;
    nninit_status status = file_read(context, path, &file->bytes, &size);
    if (status == NNINIT_OK)
        status = read_items(context, path, file, size);
    if (status < 0)
        safetensors_close(file);
    return status;
}

const struct state_item *safetensors_find(const struct safetensors *file, const char *name) {
    int low = 0, high = file->count;
    while (low < high) {
        int middle = low + (high - low) / 2, order = strcmp(name, file->items[middle].name);
        if (order == 0)
            return &file->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

void safetensors_close(struct safetensors *file) {
    mem_free(file->context, file->items);
    mem_free(file->context, file->bytes);
    *file = (struct safetensors){.context = file->context};
}
