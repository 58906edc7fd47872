/* SPDX-License-Identifier: MIT */
/* CPUs that a process may use, under made-up control groups in a temporary folder. */
#include "suite.h"

#include "cpu/cpu.h"

#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

static char root[64];

static int mask_cpus(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* Write a file below root, and the folders that it is in. */
static void write_file(const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *c = full + strlen(root) + 1; (c = strchr(c, '/')); *c++ = '/') {
        *c = '\0';
        mkdir(full, 0700);
    }
    FILE *file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void new_root(void) {
    strcpy(root, "/tmp/nninit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void drop_root(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(no_groups) {
    new_root();
    ck_assert_int_eq(cpus_usable(root), least(mask_cpus(), 256));
    drop_root();
}
END_TEST

START_TEST(version_2) {
    new_root();
    write_file("/proc/self/cgroup", "0::/user/one\n");
    write_file("/sys/fs/cgroup/user/one/cpu.max", "max 100000\n");
    ck_assert_int_eq(cpus_usable(root), least(mask_cpus(), 256));
    write_file("/sys/fs/cgroup/user/cpu.max", "50000 100000\n"); /* half a CPU, one group above */
    ck_assert_int_eq(cpus_usable(root), 1);
    write_file("/sys/fs/cgroup/user/cpu.max", "110000 100000\n");
    ck_assert_int_eq(cpus_usable(root), least(mask_cpus(), 2));
    drop_root();
}
END_TEST

/* In a container the path may be one of the host's; the mounted root is then the container's. */
START_TEST(version_2_in_a_container) {
    new_root();
    write_file("/proc/self/cgroup", "0::/docker/0123\n");
    write_file("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    ck_assert_int_eq(cpus_usable(root), 1);
    write_file("/proc/self/cgroup", "0::/\n");
    ck_assert_int_eq(cpus_usable(root), 1);
    drop_root();
}
END_TEST

START_TEST(version_1) {
    new_root();
    write_file("/proc/self/cgroup", "12:cpuset:/box\n4:cpu,cpuacct:/box\n1:name=systemd:/\n0::/\n");
    write_file("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
    write_file("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(cpus_usable(root), least(mask_cpus(), 256));
    write_file("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "80000\n");
    ck_assert_int_eq(cpus_usable(root), 1);
    drop_root();
}
END_TEST

START_TEST(nonsense) {
    static const char *const quotas[] = {"", "\n", "max\n", "0 0\n", "-5 100000\n", "100000 0\n", "x y\n"};
    new_root();
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++) {
        write_file("/proc/self/cgroup", "\n::\n0:\nx\n0::/\n");
        write_file("/sys/fs/cgroup/cpu.max", quotas[i]);
        ck_assert_int_eq(cpus_usable(root), least(mask_cpus(), 256));
    }
    drop_root();
}
END_TEST

/* A mask of one CPU counts, and is left as it is. */
START_TEST(affinity_mask) {
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(cpus_usable(""), 1);
    cpu_set_t after;
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    ck_assert(CPU_EQUAL(&one, &after));
    sched_setaffinity(0, sizeof all, &all);
}
END_TEST

/* Opening a device and training on it leaves the caller's thread as it was. */
START_TEST(caller_is_left_alone) {
    static float x[64 * 64];
    static const int64_t labels[64] = {0};
    const nninit_context_options options = {.size = sizeof options, .backend = "cpu", .threads = 3};
    nninit_context *c;
    nninit_generator *g;
    nninit_layer *model;
    nninit_optimizer *adam;
    sigset_t mask, mask_after;
    cpu_set_t cpus, cpus_after;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
    ck_assert_int_eq(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 5));
    ck_assert_ok(c, nninit_linear_create(&model, c, 64, 64, 0, g));
    ck_assert_ok(c, nninit_optimizer_create(&adam, c, NNINIT_ADAM));
    for (int step = 0; step < 100; step++)
        ck_assert_ok(c, nninit_step(model, NNINIT_CROSS_ENTROPY, adam, x, labels, 64, NULL));
    nninit_context_destroy(&c);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &mask_after), 0);
    ck_assert_int_eq(sched_getaffinity(0, sizeof cpus_after, &cpus_after), 0);
    ck_assert_int_eq(sigismember(&mask_after, SIGUSR2), 1);
    ck_assert_int_eq(sigismember(&mask_after, SIGUSR1), 0);
    ck_assert(CPU_EQUAL(&cpus, &cpus_after));
}
END_TEST

SUITE(cpus, caller_is_left_alone, no_groups, version_2, version_2_in_a_container, version_1, nonsense, affinity_mask)
