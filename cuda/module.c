/* SPDX-License-Identifier: MIT */
/* The module's one symbol. With exact products some runs of nodes are one kernel; cuBLASLt's products stand alone. */
#include "device.h"
#include "version.h"

#define PRESENT(name, inputs, outputs, formula) [KIND_##name] = true,

/* What both tables have. */
#define COMMON                                                                                                         \
    .abi = EXECUTOR_ABI, .size = sizeof(struct executor), .name = "cuda", .steps = 1024, .describe = device_describe,  \
    .memory_create = memory_create, .memory_destroy = memory_destroy, .memory_read = memory_read,                      \
    .memory_write = memory_write, .prepare = exec_prepare, .release = exec_release, .bind = exec_bind,                 \
    .slot_write = exec_slot_write, .slot_read = exec_slot_read, .buffer_read = exec_buffer_read,                       \
    .state_write = exec_state_write, .run = exec_run

static const struct executor exact = {
    COMMON,
    .has = {BASIC_KINDS(PRESENT) FUSED_KINDS(PRESENT)},
    .open = device_open,
    .close = device_close,
};

static const struct executor fast = {
    COMMON,
    .has = {BASIC_KINDS(PRESENT)[KIND_CROSS_ENTROPY_ALL] = true, [KIND_COLUMN_SUM_ADAM] = true},
    .open = blas_device_open,
    .close = blas_device_close,
};

static const struct module module = {
    .abi = EXECUTOR_ABI,
    .size = sizeof(struct executor),
    .version = VERSION_TEXT,
    .exact = &exact,
    .fast = &fast,
};

__attribute__((visibility("default"))) const struct module *nninit_module_entry(void);

const struct module *nninit_module_entry(void) {
    return &module;
}
