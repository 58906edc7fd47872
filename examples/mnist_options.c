/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "mnist.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* what: the first line says what the program does, the rest, if any, what is particular about its options. */
static void print_help(const char *program, const char *what) {
    size_t first = strcspn(what, "\n");
    printf("Usage: %s [OPTIONS]\n%.*s\n\n"
           "  --data DIR     folder with the four MNIST files, plain or .gz (default: those that come along)\n"
           "  --epochs N     epochs (15)\n"
           "  --seed S       seed of the random stream (777)\n"
           "  --batch N      rows of a batch (100)\n"
           "  --lr X         learning rate (0.001)\n"
           "  --backend B    auto, cuda, cuda:1, cpu or ref (auto)\n"
           "  --modules DIR  where libnninit-cuda.so is, an absolute path (default: where it was installed)\n"
           "  --threads N    0: as many as may be used (0)\n"
           "  --subset N     only the first N rows of each half (all)\n"
           "  --save F       write a checkpoint, first at the start and then after each epoch\n"
           "  --resume F     go on from a checkpoint\n"
           "  --quiet        no progress bar and no prose\n"
           "  --help         this text\n",
           program, (int)first, what);
    if (what[first])
        printf("%s\n", what + first);
}

static int complain(const struct options *o, const char *option, const char *value, const char *wanted) {
    fprintf(stderr, "%s: --%s takes %s, not \"%s\"\n", o->program, option, wanted, value);
    return 2;
}

static int take(struct options *o, int which, const char *name, const char *value) {
    switch (which) {
    case 'd': o->data = value; return -1;
    case 'k': o->backend = value; return -1;
    case 'm': o->modules = value; return -1;
    case 'w': o->save = value; return -1;
    case 'r': o->resume = value; return -1;
    case 'e': return argument_whole(value, 0, 1000000, &o->epochs) ? -1 : complain(o, name, value, "a number from 0 to 1000000");
    case 'b': return argument_whole(value, 1, 1000000000, &o->batch) ? -1 : complain(o, name, value, "a number from 1 on");
    case 't': return argument_whole(value, 0, 256, &o->threads) ? -1 : complain(o, name, value, "a number from 0 to 256");
    case 'n': return argument_whole(value, 1, 1000000000, &o->subset) ? -1 : complain(o, name, value, "a number from 1 on");
    case 's': return argument_seed(value, &o->seed) ? -1 : complain(o, name, value, "a number from 0 to 2^64 - 1");
    default: return argument_number(value, &o->lr) ? -1 : complain(o, name, value, "a number from 0 on");
    }
}

int options_read(struct options *o, int argc, char **argv, const char *what) {
    static const struct option names[] = {
        {"data", 1, NULL, 'd'},    {"epochs", 1, NULL, 'e'}, {"seed", 1, NULL, 's'},   {"batch", 1, NULL, 'b'},
        {"lr", 1, NULL, 'l'},      {"backend", 1, NULL, 'k'}, {"threads", 1, NULL, 't'}, {"subset", 1, NULL, 'n'},
        {"save", 1, NULL, 'w'},    {"resume", 1, NULL, 'r'}, {"quiet", 0, NULL, 'q'},  {"help", 0, NULL, 'h'},
        {"modules", 1, NULL, 'm'},
        {NULL, 0, NULL, 0}};
    *o = (struct options){.program = argv[0], .epochs = 15, .batch = 100, .seed = 777, .lr = 0.001};
    int which, index;
    while ((which = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (which == '?')
            return 2;
        if (which == 'h') {
            print_help(argv[0], what);
            return 0;
        }
        if (which == 'q') {
            o->quiet = true;
            continue;
        }
        int status = take(o, which, names[index].name, optarg);
        if (status >= 0)
            return status;
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument \"%s\"; see --help\n", argv[0], argv[optind]);
        return 2;
    }
    return -1;
}

bool options_are_the_notebooks(const struct options *o) {
    return o->seed == 777 && o->batch == 100 && o->lr == 0.001 && o->subset == 0;
}
