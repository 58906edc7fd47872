/* SPDX-License-Identifier: MIT */
#include "mnist.h"

int main(int argc, char **argv) {
    struct options options;
    struct lecture lecture;
    int status = options_read(&options, argc, argv, "Trains the lecture's 784-256-256-10 net on MNIST.");
    if (status >= 0)
        return status;
    status = lecture_open(&lecture, &options);
    if (status == 0)
        status = lecture_run(&lecture, &net_xavier, "");
    lecture_close(&lecture);
    return status;
}
