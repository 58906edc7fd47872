"""Make tests/fuzz/corpus/npy with NumPy, and damaged copies: run from the repository's root."""
import io
import os

import numpy as np

FOLDER = "tests/fuzz/corpus/npy"


def saved(array, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def main():
    os.makedirs(FOLDER, exist_ok=True)
    x = np.arange(6, dtype="<f4").reshape(2, 3) / 4
    good = saved(x)
    files = {
        "float32.npy": good,
        "float64.npy": saved(x.astype("<f8")),
        "fortran.npy": saved(np.asfortranarray(x)),
        "version-2.npy": saved(x, (2, 0)),
        "version-3.npy": saved(x, (3, 0)),
        "scalar.npy": saved(np.float32(1)),
        "empty-array.npy": saved(x[:0]),
        "int64.npy": saved(np.arange(3)),
        "rank-9.npy": saved(np.zeros((1,) * 9, "<f4")),
        "empty.npy": b"",
        "short.npy": good[:-1],
        "long.npy": good + b"\0",
        "header-short.npy": good[:40],
        "version-4.npy": good[:6] + b"\4" + good[7:],
        "twice.npy": good.replace(b"'fortran_order': False", b"'descr': '<f4', 'a': 1 "[:22]),
        "huge.npy": good.replace(b"(2, 3), }          ", b"(4294967296, 4294967296), }"[:27]),
        "negative.npy": good.replace(b"(2, 3)", b"(-2,3)"),
        "open.npy": good.replace(b"(2, 3)", b"(2, 3 "),
    }
    for name, content in files.items():
        with open(os.path.join(FOLDER, name), "wb") as f:
            f.write(content)


main()
