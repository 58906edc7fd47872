/* SPDX-License-Identifier: MIT */
/* What a stateful object is made of, named once: saving and loading read the same list. */
#ifndef NNINIT_LIB_STATE_H
#define NNINIT_LIB_STATE_H

#include "generator.h"
#include "loader.h"
#include "safetensors.h"
#include "tensor.h"

/* One named part of a state. Where it is decides how it is read and written. */
struct part {
    struct state_item item;
    enum { PART_STORAGE, PART_ARENA, PART_MEMORY, PART_GENERATOR, PART_OPTION } place;
    struct storage *storage;
    struct arena *arena;
    int tensor;
    void *memory;
    double option;
    double low, high; /* PART_MEMORY: what each value may be, … */
    bool whole;       /* … whether it must be a whole number, … */
    bool distinct;    /* … and whether no two may be equal: they are then whole numbers from 0 on */
    nninit_generator *generator;
};

struct state {
    nninit_context *context;
    struct part *parts;
    int count; /* of state_begin()'s room */
};

/* Room for so many parts; state_end() frees it. */
nninit_status state_begin(struct state *state, nninit_context *context, int64_t room);
void state_end(struct state *state);

/* Parts are named prefix and name together. */
void state_add_storage(struct state *state, const char *prefix, const nninit_tensor *tensor);
void state_add_arena(struct state *state, const char *prefix, const char *name, const int64_t *shape, int rank,
                     struct arena *arena, int tensor);
/* Values of the object itself, each of which must lie in low … high when it is loaded. */
struct part *state_add_memory(struct state *state, const char *prefix, const char *name, enum state_dtype dtype, void *memory,
                              int64_t count, double low, double high);
/* A number that a resumed run must share. */
void state_add_option(struct state *state, const char *prefix, const char *name, double value);
void state_add_generator(struct state *state, const char *prefix, nninit_generator *generator);
/* All of a loader, its generator included. */
void state_add_loader(struct state *state, nninit_loader *loader);
enum { STATE_LOADER_PARTS = 13 };

nninit_status state_save(struct state *state, const char *path);
/* All parts are checked before any is written. */
nninit_status state_load(struct state *state, const char *path);

#endif
