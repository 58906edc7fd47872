/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <string.h>

void program_init(struct program *program, nninit_context *context, int64_t steps) {
    memset(program, 0, sizeof *program);
    program->context = context;
    program->steps = steps;
}

void program_finish(struct program *program) {
    mem_free(program->context, program->nodes);
    mem_free(program->context, program->values);
    program->nodes = NULL;
    program->values = NULL;
}

/* Room for one more element; false after setting the program's status. */
static bool grow(struct program *program, void **array, int count, int *capacity, size_t size) {
    if (program->status < 0)
        return false;
    if (count < *capacity)
        return true;
    int larger = *capacity ? *capacity * 2 : 32;
    void *memory = mem_array(program->context, larger, size);
    if (!memory) {
        program->status = NNINIT_ERR_MEMORY;
        return false;
    }
    if (count)
        memcpy(memory, *array, (size_t)count * size);
    mem_free(program->context, *array);
    *array = memory;
    *capacity = larger;
    return true;
}

static int add_value(struct program *program, struct value value) {
    if (!grow(program, (void **)&program->values, program->value_count, &program->value_capacity, sizeof value))
        return 0;
    program->values[program->value_count] = value;
    return program->value_count++;
}

int program_buffer(struct program *program, enum element element, int64_t rows, int64_t cols) {
    return add_value(program, (struct value){PLACE_BUFFER, element, rows, cols, ARENA_VALUES, 0});
}

int program_state(struct program *program, int64_t rows, int64_t cols) {
    return add_value(program, (struct value){PLACE_STATE, ELEMENT_F32, rows, cols, ARENA_VALUES, 0});
}

int program_tensor(struct program *program, enum arena_role arena, int tensor, int64_t rows, int64_t cols) {
    return add_value(program, (struct value){PLACE_ARENA, ELEMENT_F32, rows, cols, arena, tensor});
}

int program_data(struct program *program, enum element element, int64_t cols) {
    return add_value(program, (struct value){PLACE_DATA, element, 0, cols, ARENA_VALUES, 0});
}

int program_slot(struct program *program, enum element element, int64_t cols) {
    return add_value(program, (struct value){PLACE_SLOT, element, 1, cols, ARENA_VALUES, 0});
}

struct node *program_emit(struct program *program, enum phase phase, enum kind kind, int in0, int in1, int out0) {
    if (!grow(program, (void **)&program->nodes, program->node_count, &program->node_capacity, sizeof(struct node)))
        return &program->scratch;
    struct node *node = &program->nodes[program->node_count++];
    *node = (struct node){kind, phase, {in0, in1, -1, -1, -1}, {out0, -1, -1}, {0}};
    return node;
}
