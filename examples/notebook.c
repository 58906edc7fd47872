/* SPDX-License-Identifier: MIT */
/* Both nets from one random stream, as the notebook ran them: the second net's weights follow the first one's draws. */
#include "mnist.h"

static const char help[] =
    "Replays the lecture: both nets on MNIST, from one random stream.\n"
    "There are two checkpoints, F.xavier and F.deep. A net whose checkpoint has all its epochs is not trained again;\n"
    "its random stream goes on where it was. Without F.deep, or when the first net trains on, the second net starts\n"
    "afresh.";

int main(int argc, char **argv) {
    struct options options;
    struct lecture lecture;
    int status = options_read(&options, argc, argv, help);
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
