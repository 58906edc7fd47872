/* SPDX-License-Identifier: MIT */
/* Both nets from one random stream, as the notebook ran them: the second one's weights depend on the first one's run. */
#include "mnist.h"

int main(int argc, char **argv) {
    struct options options;
    struct lecture lecture;
    int status = options_read(&options, argc, argv, "Replays the lecture: both nets on MNIST, from one random stream.");
    if (status >= 0)
        return status;
    status = lecture_open(&lecture, &options);
    if (status == 0)
        status = lecture_run(&lecture, &net_xavier, ".xavier");
    if (status == 0)
        status = lecture_run(&lecture, &net_deep, ".deep");
    lecture_close(&lecture);
    return status;
}
