# SPDX-License-Identifier: MIT
"""PyTorch training the nets of bench_device on a GPU, with all data there. Prints one line of JSON for each way and net.

usage: torch_cuda.py DATA EPOCHS BATCH WIDTH... [--tf32]
  DATA  holds train-images-idx3-ubyte and -labels-idx1-ubyte, plain or .gz

eager    one step after the other, as programs are written
graphed  a whole step, gather and Adam (capturable) included, recorded as a CUDA graph and replayed"""
import gzip
import json
import os
import statistics
import sys
import time

import torch


def read_bytes(folder, name, header):
    path = os.path.join(folder, name)
    with (open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz", "rb")) as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8, offset=header).cuda()


def build_model(widths):
    torch.manual_seed(777)
    linears = [torch.nn.Linear(inputs, outputs) for inputs, outputs in zip(widths, widths[1:])]
    for linear in linears:
        torch.nn.init.xavier_uniform_(linear.weight)
    layers = [layer for linear in linears for layer in (linear, torch.nn.ReLU())]
    return torch.nn.Sequential(*layers[:-1]).cuda()


class Training:
    def __init__(self, folder, batch, widths, capturable):
        self.images = read_bytes(folder, "train-images-idx3-ubyte", 16).view(-1, 784)
        self.labels = read_bytes(folder, "train-labels-idx1-ubyte", 8).to(torch.int64)
        self.model = build_model(widths)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=1e-3, capturable=capturable)
        self.loss = torch.nn.CrossEntropyLoss()
        self.cost = torch.zeros((), device="cuda")
        self.rows = torch.zeros(batch, dtype=torch.int64, device="cuda")
        self.batches = len(self.labels) // batch

    def step(self):
        self.adam.zero_grad(set_to_none=True)
        x = self.images[self.rows].to(torch.float32).div_(255)
        cost = self.loss(self.model(x), self.labels[self.rows])
        cost.backward()
        self.adam.step()
        self.cost += cost.detach() / self.batches

    def record(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        return graph.replay

    def epoch(self, step):
        order = torch.randperm(len(self.labels), device="cuda")
        self.cost.zero_()
        for rows in order.split(len(self.rows))[:self.batches]:
            self.rows.copy_(rows)
            step()
        return self.cost.item()


def run(way, folder, epochs, batch, widths, tf32):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    training = Training(folder, batch, widths, way == "graphed")
    step = training.record() if way == "graphed" else training.step
    seconds, cost = [], 0
    for _ in range(epochs):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        cost = training.epoch(step)
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"way": way, "torch": torch.__version__, "tf32": tf32, "net": "-".join(map(str, widths)), "batch": batch,
                      "epoch_s": seconds, "cost": cost,
                      "us_step": {"p50": 1e6 * statistics.median(seconds[1:] or seconds) / training.batches}}), flush=True)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--tf32"]
    folder, epochs, batch, *widths = arguments
    for way in ("eager", "graphed"):
        run(way, folder, int(epochs), int(batch), [int(w) for w in widths], "--tf32" in sys.argv)


main()
