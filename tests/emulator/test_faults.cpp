/* SPDX-License-Identifier: MIT */
/* Faults planted in kernels and in what calls the runtime: each must be found in every build that can find it, and
 * without the fault there is nothing to find. `test_faults NAME` commits one fault; without a name each is committed in
 * a child. */
#include "kernels.h"

#include <cstring>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/* Memory that a kernel uses has been freed. */
void check_freed(bool fault) {
    bench b;
    std::vector<int32_t> x(64, 3);
    const int32_t *device = b.put(x);
    int32_t *y = b.room<int32_t>(64), *count = b.room<int32_t>(1);
    if (fault) {
        OK(cudaFree(b.blocks.back()));
        b.blocks.pop_back();
    }
    LAUNCH(squares_of<NONE>, 1, 64, b.stream, device, y, count, 64);
    OK(cudaStreamSynchronize(b.stream));
    b.close();
}

void check_leak(bool fault) {
    bench b;
    b.put(small_numbers(64));
    if (fault)
        b.blocks.pop_back();
    b.close();
    if (emulator_live().device_blocks)
        std::fprintf(stderr, "wrong: alive\n");
}

/* Results in pinned memory that nothing waited for. */
void check_wait(bool fault) {
    bench b;
    void *p;
    OK(cudaMallocHost(&p, 64 * sizeof(float)));
    float *pinned = (float *)p;
    const std::vector<float> x = small_numbers(64);
    const float *device = b.put(x);
    OK(cudaMemcpyAsync(pinned, device, 64 * sizeof(float), cudaMemcpyDeviceToHost, b.stream));
    if (!fault)
        OK(cudaStreamSynchronize(b.stream));
    for (size_t i = 0; i < 64; ++i)
        CHECK(pinned[i] == x[i]);
    OK(cudaFreeHost(p));
    b.close();
}

/* A buffer that is written anew before the copy from it has run. */
void check_overwritten(bool fault) {
    bench b;
    void *p;
    OK(cudaMallocHost(&p, 64 * sizeof(float)));
    float *pinned = (float *)p, *device = b.room<float>(128);
    for (int half = 0; half < 2; ++half) {
        for (int i = 0; i < 64; ++i)
            pinned[i] = (float)(64 * half + i);
        OK(cudaMemcpyAsync(device + 64 * half, pinned, 64 * sizeof(float), cudaMemcpyHostToDevice, b.stream));
        if (!fault)
            OK(cudaStreamSynchronize(b.stream));
    }
    const std::vector<float> got = b.get(device, 128);
    for (size_t i = 0; i < 128; ++i)
        CHECK(got[i] == (float)i);
    OK(cudaFreeHost(p));
    b.close();
}

/* Pinned memory that is gone before the copy into it. */
void check_freed_early(bool fault) {
    bench b;
    void *p;
    OK(cudaMallocHost(&p, 64 * sizeof(float)));
    const float *device = b.put(small_numbers(64));
    OK(cudaMemcpyAsync(p, device, 64 * sizeof(float), cudaMemcpyDeviceToHost, b.stream));
    if (!fault)
        OK(cudaStreamSynchronize(b.stream));
    OK(cudaFreeHost(p));
    OK(cudaStreamSynchronize(b.stream));
    b.close();
}

/* Lanes that take part in a shuffle: of a block that has not so many, or not in the same one. */
__global__ void pairs(float *x, bool fault) {
    float y = (float)threadIdx.x;
    if (fault && threadIdx.x < 16)
        y = __shfl_xor_sync(0xffffffff, y, 16);
    else
        y = __shfl_xor_sync(0xffffffff, y, 16);
    x[threadIdx.x] = y;
}

void check_pairs(unsigned threads, bool fault) {
    bench b;
    float *x = b.room<float>(threads);
    LAUNCH(pairs, 1, threads, b.stream, x, fault);
    OK(cudaGetLastError());
    CHECK(b.get(x, 1)[0] == 16);
    b.close();
}
void check_block_of_part_of_a_warp(bool fault) {
    check_pairs(fault ? 48 : 64, false);
}
void check_two_shuffles(bool fault) {
    check_pairs(64, fault);
}

template <int FAULT> void commit_product(bool fault) {
    fault ? check_product<FAULT>(35, 40, 100) : check_product<NONE>(35, 40, 100);
}
template <int FAULT> void commit_columns(bool fault) {
    fault ? check_columns<FAULT>() : check_columns<NONE>();
}
template <int FAULT> void commit_shuffled(bool fault) {
    fault ? check_shuffled<FAULT>() : check_shuffled<NONE>();
}
template <int FAULT> void commit_squares(bool fault) {
    fault ? check_squares<FAULT>() : check_squares<NONE>();
}

/* What a report must have in it, by build; NULL: the build cannot find the fault, or only by luck. */
const struct {
    const char *name;
    void (*commit)(bool fault);
    const char *plain, *address, *thread;
} faults[] = {
    {"no barrier before reading", commit_product<NO_BARRIER_BEFORE_READING>, "wrong", "wrong", "data race"},
    {"no barrier after reading", commit_product<NO_BARRIER_AFTER_READING>, "wrong", "wrong", "data race"},
    {"no barrier between uses", commit_columns<NO_BARRIER_BETWEEN_USES>, nullptr, nullptr, "data race"},
    {"one word", commit_squares<ONE_WORD>, nullptr, nullptr, "data race"},
    {"no syncwarp", commit_columns<NO_SYNCWARP>, "wrong", "wrong", "data race"},
    {"row too many", commit_product<ROW_TOO_MANY>, nullptr, "heap-buffer-overflow", nullptr},
    {"column too many", commit_columns<COLUMN_TOO_MANY>, nullptr, "out of bounds", nullptr},
    {"barrier in a branch", commit_product<BARRIER_IN_A_BRANCH>, "__syncthreads of kernels.h", "is at the", "is at the"},
    {"barrier after a return", commit_product<BARRIER_AFTER_A_RETURN>, "has returned", "has returned", "has returned"},
    {"lanes missing", commit_shuffled<LANES_MISSING>, "has returned", "has returned", "has returned"},
    {"part of a warp", check_block_of_part_of_a_warp, "which is not there", "which is not there", "which is not there"},
    {"two shuffles", check_two_shuffles, "is at the shuffle", "is at the shuffle", "is at the shuffle"},
    {"unwritten shared memory", commit_columns<UNWRITTEN>, "wrong", "wrong", "wrong"},
#if defined(__clang__) /* whose sanitizer does not check copies of structures */
    {"misaligned", commit_shuffled<MISALIGNED>, nullptr, nullptr, nullptr},
#else
    {"misaligned", commit_shuffled<MISALIGNED>, nullptr, "misaligned address", nullptr},
#endif
    {"use after free", check_freed, nullptr, "heap-use-after-free", nullptr},
    {"freed before a copy", check_freed_early, "has been freed", "has been freed", "has been freed"},
    {"leak", check_leak, "wrong: alive", "detected memory leaks", "wrong: alive"},
    {"no wait", check_wait, "wrong", "wrong", "wrong"},
    {"overwritten", check_overwritten, "wrong", "wrong", "wrong"},
};

#if defined(__SANITIZE_ADDRESS__)
enum { ADDRESS = 1, THREAD = 0 };
#elif defined(__SANITIZE_THREAD__)
enum { ADDRESS = 0, THREAD = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { ADDRESS = 1, THREAD = 0 };
#elif __has_feature(thread_sanitizer)
enum { ADDRESS = 0, THREAD = 1 };
#else
enum { ADDRESS = 0, THREAD = 0 };
#endif
#else
enum { ADDRESS = 0, THREAD = 0 };
#endif

} // namespace

/* The thread sanitizer otherwise waits for a second at each exit. */
extern "C" const char *__tsan_default_options() {
    return "atexit_sleep_ms=0";
}

namespace {

/* What a child has to say, on stderr and by its status. */
std::string output_of(void (*commit)(bool fault), bool fault, int *status) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    std::fflush(stdout);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        commit(fault);
        std::exit(0);
    }
    close(ends[1]);
    std::string text;
    char part[4096];
    for (ssize_t got; (got = read(ends[0], part, sizeof part)) > 0;)
        text.append(part, (size_t)got);
    close(ends[0]);
    CHECK(waitpid(child, status, 0) == child);
    return text;
}

} // namespace

int main(int argc, char **argv) {
    int missed = 0;
    for (const auto &f : faults) {
        if (argc > 1 && std::strcmp(argv[1], f.name) == 0) {
            f.commit(true);
            return 0;
        }
        if (argc > 1)
            continue;
        int status;
        const char *wanted = ADDRESS ? f.address : THREAD ? f.thread : f.plain;
        const std::string without = output_of(f.commit, false, &status);
        const bool clean = without.empty() && status == 0;
        const std::string with = output_of(f.commit, true, &status);
        const bool found = !wanted || with.find(wanted) != std::string::npos;
        std::printf("%-26s %s%s\n", f.name, !wanted ? "not for this build" : found ? "found" : "MISSED",
                    clean ? "" : ", and found where it is not");
        if (!clean)
            std::printf("%s\n", without.c_str());
        if (!found)
            std::printf("%s\n", with.c_str());
        missed += !clean || !found;
    }
    return missed != 0;
}
