/* SPDX-License-Identifier: MIT */
/* Stacks that take turns with the caller's, and what the sanitizers have to know of it. */
#ifndef EMULATOR_FIBER_H
#define EMULATOR_FIBER_H

#include <cstddef>

namespace emulator {

struct fiber;

/* A fiber that will run entry(), which never returns. Fibers are never destroyed. */
fiber *fiber_create(void (*entry)());

/* The caller, a host thread, is what fibers give way to until it calls this again or another one does. */
void fiber_host();

/* On the host: goes on in the fiber until that calls fiber_suspend(). */
void fiber_resume(fiber *f);
void fiber_suspend();

/* Called first in entry(). */
void fiber_entered();

/* The fiber that runs. */
fiber *fiber_current();

/* Whether a fiber is a thread to the thread sanitizer. Two CUDA threads must not share a fiber then, not even in turn:
 * it would not see a race between them, and would see one on the stack. */
bool fiber_is_thread();

/* What was done before the release of a token happens before what is done after its acquisition. */
void order_release(void *token);
void order_acquire(void *token);

} // namespace emulator

#endif
