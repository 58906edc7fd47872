/* SPDX-License-Identifier: MIT */
/* Where the `__shared__` variables of the loaded kernels are: each has the tag of cuda_runtime.h in its symbol, and the
 * symbol table of the program or library that it is in, which must not be stripped, has its place and size. */
#include "internal.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace emulator {

static const char TAG[] = "B10emu_shared";

struct variable {
    const void *owner; /* whose kernels it belongs to */
    unsigned char *begin;
    size_t size;
};

static std::vector<variable> variables;

/* A file, mapped for as long as it is read. */
struct image {
    const char *bytes = nullptr;
    size_t size = 0;

    explicit image(const char *path) {
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        struct stat about;
        if (file >= 0 && fstat(file, &about) == 0) {
            size = (size_t)about.st_size;
            void *map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
            bytes = map == MAP_FAILED ? nullptr : (const char *)map;
        }
        if (file >= 0)
            close(file);
    }
    ~image() {
        if (bytes)
            munmap((void *)bytes, size);
    }
    image(const image &) = delete;
    image &operator=(const image &) = delete;
};

static bool read_symbols(const image &file, const void *owner, uintptr_t base) {
    if (!file.bytes)
        return false;
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)file.bytes;
    const ElfW(Shdr) *sections = (const ElfW(Shdr) *)(file.bytes + header->e_shoff);
    for (int i = 0; i < header->e_shnum; ++i) {
        const ElfW(Shdr) &table = sections[i];
        if (table.sh_type != SHT_SYMTAB)
            continue;
        const char *names = file.bytes + sections[table.sh_link].sh_offset;
        const ElfW(Sym) *symbols = (const ElfW(Sym) *)(file.bytes + table.sh_offset);
        for (size_t n = 0; n < table.sh_size / sizeof *symbols; ++n)
            if (std::strstr(names + symbols[n].st_name, TAG))
                variables.push_back({owner, (unsigned char *)(base + symbols[n].st_value), symbols[n].st_size});
        return true;
    }
    return false;
}

struct wanted {
    const void *owner;
    bool found;
};

/* The loaded object that has the owner, a variable, in one of its segments. */
static int look_into(struct dl_phdr_info *object, size_t, void *argument) {
    wanted *w = (wanted *)argument;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr) &segment = object->dlpi_phdr[i];
        const uintptr_t offset = (uintptr_t)w->owner - (object->dlpi_addr + segment.p_vaddr);
        if (segment.p_type != PT_LOAD || offset >= segment.p_memsz)
            continue;
        const image file(object->dlpi_name[0] ? object->dlpi_name : "/proc/self/exe");
        w->found = read_symbols(file, w->owner, object->dlpi_addr);
        return 1;
    }
    return 0;
}

kernels_here::kernels_here() {
    const lock_all lock;
    wanted w = {this, false};
    dl_iterate_phdr(look_into, &w);
    if (!w.found)
        die("the file that kernels are in has no symbol table, so shared memory is not to be found");
}

kernels_here::~kernels_here() {
    const lock_all lock;
    size_t kept = 0;
    for (const variable &v : variables)
        if (v.owner != this)
            variables[kept++] = v;
    variables.resize(kept);
}

/* Volatile, or it would become memset(): the address sanitizer's, which refuses to write between variables. */
void spoil_shared() {
    typedef uint64_t word __attribute__((may_alias, aligned(1)));
    for (const variable &v : variables) {
        size_t i = 0;
        for (; i + sizeof(word) <= v.size; i += sizeof(word))
            *(volatile word *)(v.begin + i) = UINT64_MAX;
        for (; i < v.size; ++i)
            *(volatile unsigned char *)(v.begin + i) = UINT8_MAX;
    }
}

} // namespace emulator
