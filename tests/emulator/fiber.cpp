/* SPDX-License-Identifier: MIT */
#include "fiber.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

/* Of the sanitizers' interface (sanitizer/common_interface_defs.h, tsan_interface.h). Weak: there where the program was
 * built with the sanitizer, and null elsewhere, so that one library serves all. */
extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size);
__attribute__((weak)) void *__tsan_get_current_fiber(void);
__attribute__((weak)) void *__tsan_create_fiber(unsigned flags);
__attribute__((weak)) void __tsan_switch_to_fiber(void *fiber, unsigned flags);
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

/* Keeps the callee-saved registers on the stack and its end in *from; goes on where `to` was kept. The C library's
 * longjmp() is no substitute: the sanitizers intercept it and take it for an unwinding of one stack. */
void emulator_switch(void ***from, void **to);
}

#if defined(__x86_64__)
__asm__(R"(
    .text
    .type emulator_switch, @function
    .hidden emulator_switch
    .globl emulator_switch
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size emulator_switch, . - emulator_switch
)");
enum { SAVED = 8, RETURN = 6 }; /* words on the stack of a fiber that does not run, of which this is the return address */
#elif defined(__aarch64__)
__asm__(R"(
    .text
    .type emulator_switch, %function
    .hidden emulator_switch
    .globl emulator_switch
emulator_switch:
    sub sp, sp, #160
    stp x19, x20, [sp]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size emulator_switch, . - emulator_switch
)");
enum { SAVED = 20, RETURN = 11 };
#endif

namespace emulator {

struct fiber {
    void **kept; /* end of the stack while it does not run */
    const void *bottom;
    size_t size;
    void *fake_stack, *thread; /* the address and the thread sanitizer's */
};

static fiber host;
static fiber *current;

fiber *fiber_create(void (*entry)()) {
    const size_t size = 256 << 10, guard = (size_t)sysconf(_SC_PAGESIZE);
    const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *memory = (char *)mmap(nullptr, guard + size, PROT_READ | PROT_WRITE, how, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) != 0) {
        std::perror("emulator: a stack");
        std::abort();
    }
    fiber *f = (fiber *)(memory + guard + size) - 1; /* not of the heap: it would be a leak once the library is unloaded */
    f->kept = (void **)((uintptr_t)f & ~(uintptr_t)15) - SAVED;
    f->kept[RETURN] = reinterpret_cast<void *>(entry);
    f->bottom = memory + guard;
    f->size = size;
    f->thread = fiber_is_thread() ? __tsan_create_fiber(0) : nullptr;
    return f;
}

void fiber_host() {
    host.thread = fiber_is_thread() ? __tsan_get_current_fiber() : nullptr;
}

enum { WITHOUT_ORDER = 1 }; /* a switch that does not order what the two fibers do */

static void change(fiber &from, fiber &to) {
    if (fiber_is_thread())
        __tsan_switch_to_fiber(to.thread, WITHOUT_ORDER);
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
    emulator_switch(&from.kept, to.kept);
}

void fiber_resume(fiber *f) {
    current = f;
    change(host, *f);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(host.fake_stack, nullptr, nullptr);
}

/* The host may be another thread than the last time: each arrival tells of its stack. */
void fiber_entered() {
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(current->fake_stack, &host.bottom, &host.size);
}

void fiber_suspend() {
    change(*current, host);
    fiber_entered();
}

fiber *fiber_current() {
    return current;
}

bool fiber_is_thread() {
    return __tsan_create_fiber != nullptr;
}

void order_release(void *token) {
    if (__tsan_release)
        __tsan_release(token);
}

void order_acquire(void *token) {
    if (__tsan_acquire)
        __tsan_acquire(token);
}

} // namespace emulator
