"""Make tests/golden/lsuv.txt with torch 1.13 (python3-torch of Debian 12), from the repository's root: LSUV as its paper has
it (Mishkin & Matas 2016, algorithm 1), in torch's own operations, of the model and the batch of tests/unit/test_pretrain.c.
One line: all weights in model order, then the standard deviations of the layers' outputs."""
import sys

import torch


def main():
    rows, widths = 30, [20, 16, 12, 6]
    i = torch.arange(rows * widths[0])
    h = (((i * 37 + 11) % 101).double() / 101).float().reshape(rows, -1)
    layers = [torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
    torch.manual_seed(777)
    for layer in layers:
        torch.nn.init.orthogonal_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    deviations = []
    with torch.no_grad():
        for layer in layers:
            for _ in range(10):
                std = layer(h).std(unbiased=False)
                if abs(std - 1) <= 0.1:
                    break
                layer.weight /= std
            deviations.append(layer(h).std(unbiased=False))
            h = torch.relu(layer(h))
    values = torch.cat([layer.weight.detach().flatten() for layer in layers] + [torch.stack(deviations)])
    with open("tests/golden/lsuv.txt", "w") as f:
        f.write(f"# made by scripts/make-golden-lsuv.py with torch {torch.__version__}, python {sys.version.split()[0]}\n")
        f.write(" ".join(v.item().hex() for v in values) + "\n")


main()
