"""Whether the same photographs give the same calibration: every run in a process of its own, and what each found.

    python -m tests.bench.same_calibration IMAGES BOARD [RUNS]

IMAGES and BOARD as of ``facesolve calibrate``. Ends with 1 when two runs differ in a single digit.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def run(images: str, board: str, out: Path) -> tuple[str, str]:
    """Calibrates into ``out``; what was found in words, and a digest of all cameras."""
    command = [sys.executable, "-m", "facesolve", "calibrate", images, "--board", board, "--no-pictures"]
    subprocess.run([*command, "--out", str(out), "--progress", "quiet"], check=True, capture_output=True)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    cameras = [f"{c['views']} views, fx {c['parameters']['fx']:.3f}" for c in report["cameras"].values()]
    digest = hashlib.sha256((out / "calibration.json").read_bytes()).hexdigest()[:12]
    return f"{'; '.join(cameras)}; RMS {report['rms']:.4f} px", digest


def main() -> int:
    images, board = sys.argv[1:3]
    digests = set()
    for number in range(int(sys.argv[3]) if len(sys.argv) > 3 else 10):
        with tempfile.TemporaryDirectory() as folder:
            found, digest = run(images, board, Path(folder) / "found")
        digests.add(digest)
        print(f"run {number + 1}: {found}; {digest}", flush=True)
    print(f"{len(digests)} different calibration{'s' * (len(digests) > 1)}")
    return int(len(digests) > 1)


if __name__ == "__main__":
    sys.exit(main())
