/* SPDX-License-Identifier: MIT */
/* Threads that wait for work. Whoever waits spins for some microseconds and then sleeps, so that a busy machine is not made
 * busier. */
#include "pool.h"

#include "../fpenv.h"

#include <pthread.h>
#include <signal.h>

enum { SPIN_NANOSECONDS = 25000, SPINS_BETWEEN_CLOCKS = 16 };

/* A count that others wait for to change. */
struct gate {
    atomic_uint generation;
    atomic_int sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct worker {
    struct pool *pool;
    pthread_t handle;
    int index;
    struct gate start;
};

struct pool {
    const struct host *host;
    int threads;
    struct gate barrier;
    atomic_int arrived;
    atomic_bool stop;
    /* the run in progress */
    int active;
    pool_work work;
    void *argument;
    struct worker worker[]; /* [threads]; the first is the caller */
};

static void pause_spin(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A pause takes from a few to over a hundred cycles, as the processor likes: the clock says when it is enough. */
static bool gate_spin(struct gate *gate, unsigned old) {
    int64_t until = 0;
    for (unsigned i = 1; atomic_load_explicit(&gate->generation, memory_order_acquire) == old; i++) {
        pause_spin();
        if (i % SPINS_BETWEEN_CLOCKS)
            continue;
        int64_t now = nanoseconds();
        if (until && now > until)
            return false;
        until = until ? until : now + SPIN_NANOSECONDS;
    }
    return true;
}

static void gate_wait(struct gate *gate, unsigned old) {
    if (gate_spin(gate, old))
        return;
    pthread_mutex_lock(&gate->mutex);
    atomic_fetch_add(&gate->sleepers, 1);
    while (atomic_load(&gate->generation) == old)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    atomic_fetch_sub(&gate->sleepers, 1);
    pthread_mutex_unlock(&gate->mutex);
}

static void gate_open(struct gate *gate) {
    atomic_fetch_add(&gate->generation, 1);
    if (atomic_load(&gate->sleepers) == 0)
        return;
    pthread_mutex_lock(&gate->mutex);
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

void pool_barrier(struct pool *pool) {
    const int active = pool->active; /* read first: once all have arrived the next run may begin and change it */
    if (active == 1)
        return;
    unsigned generation = atomic_load(&pool->barrier.generation);
    if (atomic_fetch_add(&pool->arrived, 1) + 1 == active) {
        atomic_store(&pool->arrived, 0);
        gate_open(&pool->barrier);
    } else {
        gate_wait(&pool->barrier, generation);
    }
}

static void *worker_main(void *argument) {
    struct worker *worker = argument;
    struct pool *pool = worker->pool;
    fenv_t ignored;
    fpenv_enter(&ignored);
    for (unsigned generation = 0;; generation++) {
        gate_wait(&worker->start, generation);
        if (atomic_load(&pool->stop))
            return NULL;
        pool->work(pool->argument, worker->index);
        pool_barrier(pool);
    }
}

void pool_run(struct pool *pool, int threads, pool_work work, void *argument) {
    pool->active = threads;
    pool->work = work;
    pool->argument = argument;
    for (int i = 1; i < threads; i++)
        gate_open(&pool->worker[i].start);
    work(argument, 0);
    pool_barrier(pool);
}

static void gate_init(struct gate *gate) {
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static void gate_finish(struct gate *gate) {
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

void pool_destroy(struct pool *pool) {
    atomic_store(&pool->stop, true);
    for (int i = 1; i < pool->threads; i++) {
        gate_open(&pool->worker[i].start);
        pthread_join(pool->worker[i].handle, NULL);
        gate_finish(&pool->worker[i].start);
    }
    gate_finish(&pool->barrier);
    pool->host->free(pool->host->context, pool);
}

nninit_status pool_create(struct pool **out, const struct host *host, int threads) {
    struct pool *pool = host->alloc(host->context, sizeof *pool + (size_t)threads * sizeof pool->worker[0]);
    if (!pool)
        return NNINIT_ERR_MEMORY;
    pool->host = host;
    gate_init(&pool->barrier);
    /* Signals are the host program's: its threads take them, ours never do. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = 0;
    for (pool->threads = 1; pool->threads < threads; pool->threads++) {
        struct worker *worker = &pool->worker[pool->threads];
        worker->pool = pool;
        worker->index = pool->threads;
        gate_init(&worker->start);
        error = pthread_create(&worker->handle, NULL, worker_main, worker);
        if (error) {
            gate_finish(&worker->start);
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error) {
        int started = pool->threads;
        pool_destroy(pool);
        return host->fail(host->context, NNINIT_ERR_DEVICE, "thread %d of %d could not be started: error %d",
                          started + 1, threads, error);
    }
    *out = pool;
    return NNINIT_OK;
}

int pool_threads(const struct pool *pool) {
    return pool->threads;
}
