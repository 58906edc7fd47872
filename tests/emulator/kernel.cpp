/* SPDX-License-Identifier: MIT */
/* CUDA's thread model: blocks one after another, the threads of a block as fibers. A fiber runs one thread after the
 * other until one has to wait; only then does another fiber go on with the next thread. So a kernel without barriers
 * costs a loop. */
#include "fiber.h"
#include "internal.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <numeric>

namespace emulator {

place here;

enum { WARP = 32 };

enum class state { ready, at_block_barrier, at_warp_barrier, at_shuffle, returned };

struct thread {
    fiber *on = nullptr; /* none yet */
    state now = state::ready;
    const char *file = nullptr; /* where it waits */
    int line = 0;
    unsigned block_barriers = 0, warp_barriers = 0, shuffles = 0;
    uint32_t given[2] = {}; /* to the shuffles by turns: a lane may be one ahead of another that has still to read */
};

static const kernel *running;
static std::vector<thread> threads; /* of the block */
static std::vector<int> order;      /* in which they run */
static size_t begun;                /* how many of the order have */
static int current;
static std::vector<fiber *> fibers; /* kept from block to block */
static size_t fibers_used;          /* in this block */

/* What happens before what, for the thread sanitizer. Barriers have two tokens by turns: with one, a thread that has
 * run on to the next barrier would look ordered before one that is still to leave this one. Shuffles order nothing, as
 * in CUDA. */
static char at_start, at_end, at_block[2], at_warp[1024 / WARP][2];

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::fprintf(stderr, "emulator: ");
    std::vfprintf(stderr, format, arguments);
    std::fprintf(stderr, "\n");
    va_end(arguments);
    std::abort();
}

static const char *describe(const thread &t, char (&text)[256]) {
    const int number = (int)(&t - threads.data());
    const char *base = t.file ? std::strrchr(t.file, '/') : nullptr;
    if (t.now == state::returned)
        std::snprintf(text, sizeof text, "thread %d has returned", number);
    else
        std::snprintf(text, sizeof text, "thread %d is at the %s of %s:%d", number,
                      t.now == state::at_block_barrier  ? "__syncthreads"
                      : t.now == state::at_warp_barrier ? "__syncwarp"
                                                        : "shuffle",
                      base ? base + 1 : t.file, t.line);
    return text;
}

[[noreturn]] static void die_apart(const thread &a, const thread &b) {
    char one[256], other[256];
    die("kernel %s, block %u %u %u: %s, %s", running->name, here.block.x, here.block.y, here.block.z, describe(a, one),
        describe(b, other));
}

/* A fiber's life. */
static void work() {
    fiber_entered();
    for (;;) {
        do {
            current = order[begun++];
            thread &t = threads[(size_t)current];
            t.on = fiber_current();
            const dim3 &size = running->block;
            const unsigned number = (unsigned)current;
            here.thread = {number % size.x, number / size.x % size.y, number / size.x / size.y};
            order_acquire(&at_start);
            running->thread();
            order_release(&at_end);
            t.now = state::returned;
        } while (begun < order.size() && !fiber_is_thread());
        fiber_suspend();
    }
}

/* Gives way until the others are there too. */
static thread &wait_at(state where, const char *file, int line) {
    thread &t = threads[(size_t)current];
    const place mine = here;
    const int number = current;
    t.now = where;
    t.file = file;
    t.line = line;
    fiber_suspend();
    here = mine;
    current = number;
    return t;
}

void block_barrier(const char *file, int line) {
    void *token = &at_block[threads[(size_t)current].block_barriers++ % 2];
    order_release(token);
    wait_at(state::at_block_barrier, file, line);
    order_acquire(token);
}

void warp_barrier(const char *file, int line) {
    void *token = &at_warp[current / WARP][threads[(size_t)current].warp_barriers++ % 2];
    order_release(token);
    wait_at(state::at_warp_barrier, file, line);
    order_acquire(token);
}

uint32_t exchange(shuffle how, unsigned mask, uint32_t value, int operand, const char *file, int line) {
    const int lane = current % WARP, first = current - lane;
    const int from = how == shuffle::xor_ ? lane ^ operand : how == shuffle::down ? lane + operand : operand % WARP;
    const unsigned turn = threads[(size_t)current].shuffles++ % 2;
    if (mask != UINT32_MAX)
        die("kernel %s, %s:%d: a shuffle with mask %#x; the emulator knows the full one", running->name, file, line, mask);
    threads[(size_t)current].given[turn] = value;
    wait_at(state::at_shuffle, file, line);
    if (how == shuffle::down && from >= WARP)
        return value;
    if (from < 0 || from >= WARP || first + from >= (int)threads.size())
        die("kernel %s, %s:%d: lane %d shuffles with lane %d, which is not there", running->name, file, line, lane, from);
    return threads[(size_t)(first + from)].given[turn];
}

static bool same_place(const thread &a, const thread &b) {
    return a.now == b.now && a.line == b.line && std::strcmp(a.file, b.file) == 0;
}

/* The threads of [first, end) go on if all are at one place; whoever is elsewhere will never come. */
static void release(size_t first, size_t end) {
    for (size_t i = first; i < end; ++i)
        if (threads[i].now == state::returned || !same_place(threads[first], threads[i]))
            die_apart(threads[first], threads[i]);
    for (size_t i = first; i < end; ++i)
        threads[i].now = state::ready;
}

static bool release_warps() {
    bool any = false;
    for (size_t first = 0; first < threads.size(); first += WARP) {
        const size_t end = std::min(first + WARP, threads.size());
        bool waits = false;
        for (size_t i = first; i < end; ++i)
            waits |= threads[i].now == state::at_warp_barrier || threads[i].now == state::at_shuffle;
        if (waits)
            release(first, end);
        any |= waits;
    }
    return any;
}

static bool all_returned() {
    for (const thread &t : threads)
        if (t.now != state::returned)
            return false;
    return true;
}

static fiber *another_fiber() {
    if (fibers_used == fibers.size())
        fibers.push_back(fiber_create(work));
    return fibers[fibers_used++];
}

static void run_block() {
    spoil_shared();
    threads.assign(threads.size(), thread());
    order_release(&at_start);
    for (begun = fibers_used = 0; begun < order.size();)
        fiber_resume(another_fiber());
    while (!all_returned()) {
        if (!release_warps())
            release(0, threads.size());
        for (const int i : order)
            if (threads[(size_t)i].now == state::ready)
                fiber_resume(threads[(size_t)i].on);
    }
    order_acquire(&at_end);
}

/* What EMULATOR_ORDER says: up, down, or another shuffle for every kernel. */
static std::vector<int> numbers_to(size_t count) {
    static uint64_t random = 1;
    const char *way = std::getenv("EMULATOR_ORDER");
    std::vector<int> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0);
    if (way && std::strcmp(way, "down") == 0) {
        std::reverse(numbers.begin(), numbers.end());
    } else if (way && std::strcmp(way, "shuffle") == 0) {
        for (size_t left = count; left > 1; --left) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            std::swap(numbers[left - 1], numbers[(random >> 33) % left]);
        }
    }
    return numbers;
}

void run_kernel(const kernel &k) {
    const size_t blocks = (size_t)k.grid.x * k.grid.y * k.grid.z;
    fiber_host();
    running = &k;
    here.grid_size = k.grid;
    here.block_size = k.block;
    threads.resize((size_t)k.block.x * k.block.y * k.block.z);
    order = numbers_to(threads.size());
    for (const int i : numbers_to(blocks)) {
        const unsigned number = (unsigned)i;
        here.block = {number % k.grid.x, number / k.grid.x % k.grid.y, number / k.grid.x / k.grid.y};
        run_block();
    }
    ++counts.kernels;
}

} // namespace emulator
