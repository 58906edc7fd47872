"""Make tests/golden/loader_order.txt with PyTorch 1.13's DataLoader: run with Debian's python3-torch, from the root.

A line is `rows batch flags order epoch sha256 next`: flags and order as in loader.h; the hash is over int64, for each
batch its size, its row numbers and what the generator would give next; `next` is that once the epoch is over. The
second of three epochs is given up after its first batch.
"""
import hashlib
import struct

import torch
from torch.utils.data import DataLoader

SIZES = [(60000, 100), (103, 10), (10, 3), (10, 5), (7, 7), (1, 1)]
SHUFFLE, DROP_LAST = 1, 2
DEFAULT, GENERATOR = 1, 2


def peek(generator):
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    return torch.empty((), dtype=torch.int64).random_(generator=copy).item()


def epochs(rows, batch, flags, order):
    generator = torch.default_generator if order == DEFAULT else torch.Generator()
    generator.manual_seed(777)
    loader = DataLoader(range(rows), batch_size=batch, shuffle=bool(flags & SHUFFLE), drop_last=bool(flags & DROP_LAST),
                        generator=None if order == DEFAULT else generator, collate_fn=list)
    for epoch in range(3):
        sha = hashlib.sha256()
        for indices in loader:
            sha.update(struct.pack(f"<{len(indices) + 2}q", len(indices), *indices, peek(generator)))
            if epoch == 1:
                break
        yield epoch, sha.hexdigest(), peek(generator)


with open("tests/golden/loader_order.txt", "w") as file:
    for rows, batch in SIZES:
        for flags in range(4):
            for order in (DEFAULT, GENERATOR):
                for epoch, sha, after in epochs(rows, batch, flags, order):
                    print(rows, batch, flags, order, epoch, sha, after, file=file)
