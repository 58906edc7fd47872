# SPDX-License-Identifier: MIT
"""PyTorch training the nets of bench_device on a CUDA device: the fastest loops known. Prints one JSON object a net and loop:
the microseconds of a step (an epoch's wall time by its steps).

usage: torch_cuda.py DATA ROWS EPOCHS TF32 NET...
  DATA  the folder of train-images-idx3-ubyte.gz and -labels-idx1-ubyte.gz
  TF32  1: products in TF32; 0: in float32
  NET   widths and the rows of a batch: 784-256-256-10@100
Images, labels and the order of the rows stay on the device, as floats. Loops: eager, with Adam as it is made by default and
as one kernel (fused); and graphs of 1 and of 20 steps, rows and cost included, with a capturable Adam.
"""
import gzip
import json
import sys
import time

import torch

device = torch.device("cuda")


def read_bytes(path, header):
    with gzip.open(path) as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8, offset=header)


def read_rows(data, count):
    images = read_bytes(data + "/train-images-idx3-ubyte.gz", 16).view(-1, 784)[:count]
    labels = read_bytes(data + "/train-labels-idx1-ubyte.gz", 8)[:count]
    return images.to(device, torch.float32).div_(255), labels.to(device, torch.int64)


class Training:
    """A net, and its step from rows that the device counts by itself."""

    def __init__(self, widths, batch, rows, **adam):
        torch.manual_seed(777)
        linears = [torch.nn.Linear(i, o) for i, o in zip(widths, widths[1:])]
        for linear in linears:
            torch.nn.init.xavier_uniform_(linear.weight)
        self.model = torch.nn.Sequential(*[m for linear in linears for m in (linear, torch.nn.ReLU())][:-1]).to(device)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=0.001, **adam)
        self.images, self.labels = rows
        self.steps = len(self.labels) // batch
        self.order = torch.zeros(len(self.labels), dtype=torch.int64, device=device)
        self.within = torch.arange(batch, device=device)
        self.place = torch.zeros((), dtype=torch.int64, device=device)
        self.mean = torch.zeros((), device=device)

    def shuffle(self):
        self.order.copy_(torch.randperm(len(self.order), device=device))
        self.place.zero_()
        self.mean.zero_()

    def learn(self, rows):
        self.adam.zero_grad(set_to_none=True)
        cost = torch.nn.functional.cross_entropy(self.model(self.images[rows]), self.labels[rows])
        cost.backward()
        self.adam.step()
        self.mean += cost.detach() / self.steps

    def step(self):
        self.learn(self.order[self.place + self.within])
        self.place += len(self.within)


def eager(training):
    def epoch():
        for rows in training.order.split(len(training.within))[:training.steps]:
            training.learn(rows)
    return epoch


def graphed(training, steps):
    """An epoch as replays of a graph of so many steps."""
    steps = steps if training.steps % steps == 0 else 1
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        training.shuffle()
        for _ in range(3):
            training.step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(steps):
            training.step()

    def epoch():
        for _ in range(training.steps // steps):
            graph.replay()
    return epoch


LOOPS = {
    "eager": (eager, {}),
    "eager fused": (eager, {"fused": True}),
    "graph": (lambda training: graphed(training, 1), {"capturable": True}),
    "graph fused": (lambda training: graphed(training, 1), {"capturable": True, "fused": True}),
    "graph 20 fused": (lambda training: graphed(training, 20), {"capturable": True, "fused": True}),
}


def measure(training, epoch, epochs):
    """Seconds of each epoch but the first."""
    seconds = []
    for _ in range(epochs):
        torch.cuda.synchronize()
        start = time.monotonic()
        training.shuffle()
        epoch()
        cost = training.mean.item()  # waits for the device
        seconds.append(time.monotonic() - start)
    return sorted(seconds[1:] or seconds), cost


def main():
    data = sys.argv[1]
    rows, epochs, tf32 = map(int, sys.argv[2:5])
    torch.backends.cuda.matmul.allow_tf32 = tf32 == 1
    rows = read_rows(data, rows)
    for net in sys.argv[5:]:
        widths, batch = net.split("@")
        for name, (loop, adam) in LOOPS.items():
            training = Training([int(width) for width in widths.split("-")], int(batch), rows, **adam)
            seconds, cost = measure(training, loop(training), epochs)
            at = {q: round(1e6 / training.steps * seconds[int(p * (len(seconds) - 1) + 0.5)], 2)
                  for q, p in (("median", 0.5), ("p10", 0.1), ("p90", 0.9))}
            print(json.dumps({"net": net, "loop": name, "step_us": at, "cost": cost, "version": torch.__version__}), flush=True)


main()
