"""How far cameras read from other programs' files put points from where those programs put them.

    python -m tests.bench.camera_round_trips

Runs the tests of camera files and prints, for each that compares pixels, the farthest of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.geometry import seen_by

HERE = Path(seen_by.__file__).parent
FILES = ("test_calibrators_cameras.py", "test_reconstructed_cameras.py", "test_camera_formats.py")


class _Table:
    """A row for each test that compared pixels."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and seen_by.farthest:
            name = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
            shown = f"{max(seen_by.farthest):.1e}" if report.passed else "failed"
            self.rows.append(f"| {name} | {shown} |")
        seen_by.farthest.clear()


def main() -> int:
    table = _Table()
    files = [str(HERE / name) for name in FILES]
    failed = pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", *files], plugins=[table])
    print("\n| test | farthest, pixels |\n|---|---|\n" + "\n".join(table.rows))
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
