"""Make tests/golden/state.safetensors with the format's own library (pip install numpy safetensors), from the root."""
import numpy as np
from safetensors.numpy import save_file

save_file({
    "0.weight": (np.arange(15, dtype=np.float32) / 8 - 1).reshape(3, 5),
    "lr": np.array(1e-3, dtype=np.float64),
    "steps": np.array([-7], dtype=np.int32),
    'q"\\\né\U0001f600': np.array([1, -2**63], dtype=np.int64),
    "pixels": np.array([0, 127, 255], dtype=np.uint8),
    "half": np.array([0.5, 1.5], dtype=np.float16),
    "empty": np.zeros((0, 4), dtype=np.float32),
}, "tests/golden/state.safetensors", metadata={"format": "np", "note": "long, with \"escapes\"\n" * 20})
