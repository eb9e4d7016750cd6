"""Where the tests of kernels run them: on a GPU, or in Triton's interpreter on the CPU. Import before any kernel."""

from __future__ import annotations

import os

import pytest
import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if DEVICE.type == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"  # read when a kernel is defined, those of Triton's own library included
pytest.importorskip("triton")
