# SPDX-License-Identifier: MIT
"""PyTorch training the nets of bench.py, by one of two loops. Prints JSON as bench_step does for an epoch.

usage: torch_loop.py DATA LOOP THREADS STEPS BATCH WIDTH...
  DATA     holds MNIST/raw/train-images-idx3-ubyte and -labels-idx1-ubyte, not compressed
  LOOP     notebook  as lecture notebooks have it: a DataLoader over torchvision's MNIST, each image through ToTensor
           foreach, fused  all images as one tensor, a batch by a random index; the name is that of Adam's kernel
  STEPS    of the epoch; the wall time is that of so many
"""
import itertools
import json
import statistics
import sys
import time

import torch


def build_model(widths):
    pairs = zip(widths, widths[1:])
    linears = [torch.nn.Linear(inputs, outputs) for inputs, outputs in pairs]
    for linear in linears:
        torch.nn.init.xavier_uniform_(linear.weight)
    layers = [layer for linear in linears for layer in (linear, torch.nn.ReLU())]
    return torch.nn.Sequential(*layers[:-1])


def read_bytes(path, header):
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8, offset=header)


def tensor_batches(data, batch):
    """The fastest way known: no loader, no copy but that of the batch."""
    raw = data + "/MNIST/raw/train-"
    images = read_bytes(raw + "images-idx3-ubyte", 16).view(-1, 784).to(torch.float32).div_(255)
    labels = read_bytes(raw + "labels-idx1-ubyte", 8).to(torch.int64)

    def epoch():
        for rows in torch.randperm(len(labels)).split(batch):
            yield images[rows], labels[rows]
    return epoch


def loader_batches(data, batch):
    from torchvision import datasets, transforms
    digits = datasets.MNIST(root=data, train=True, transform=transforms.ToTensor(), download=False)
    loader = torch.utils.data.DataLoader(digits, batch_size=batch, shuffle=True, drop_last=True)

    def epoch():
        for images, labels in loader:
            yield images.view(-1, 784), labels
    return epoch


def train(model, optimizer, batches, steps, total):
    """The clock after each step, and the cost's mean over `total` steps as a notebook sums it (0: it is not summed)."""
    criterion = torch.nn.CrossEntropyLoss()
    mean, clock = 0, []
    for images, labels in itertools.islice(batches(), steps):
        optimizer.zero_grad()
        cost = criterion(model(images), labels)
        cost.backward()
        optimizer.step()
        if total:
            mean += cost.detach() / total
        clock.append(time.monotonic())
    return clock, float(mean)


def peak_kilobytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main():
    data, loop = sys.argv[1:3]
    threads, steps, batch, *widths = map(int, sys.argv[3:])
    torch.set_num_threads(threads)
    torch.manual_seed(777)
    model = build_model(widths)
    kinds = {"notebook": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, **kinds[loop])
    batches = (loader_batches if loop == "notebook" else tensor_batches)(data, batch)
    start = time.monotonic()
    clock, cost = train(model, optimizer, batches, steps, 60000 // batch if loop == "notebook" else 0)
    took = sorted(b - a for a, b in zip(clock, clock[1:]))
    step = {"median": statistics.median(took), "least": took[0], "most": took[-1]}
    print(json.dumps({"version": torch.__version__, "wall": clock[-1] - start, "step": step, "first": clock[0],
                      "cost": cost, "peak_kilobytes": peak_kilobytes()}))


main()
