"""Kills and machines that misbehave: after each, the solve resumes to the undisturbed result, bit for bit.

    python -m tests.bench.kills                        all kinds, 20 random moments each; one table
    python -m tests.bench.kills --jobs 6               the same, six kinds at a time
    python -m tests.bench.kills --times 3 --only sigkill sigterm

Each solve is a process of its own on a tiny take; moments are spread over the CPU time that an undisturbed one needs,
so that a busy machine moves none of them into the imports. Lost
is a solve that does not resume to the same numbers, leaves something half-written, leaves a process behind, or ends in
a traceback or more than a sentence. Full disks and read-only folders need a system on which the user may mount; else
they are skipped, in words. GPUs that are full or lost and clocks that jump are pretended (``pretended``).
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facesolve.take import Solution, read_solution
from facesolve.take.names import SOLUTION
from tests.bench.pretended import HOUR
from tests.textured import write_filmed_take

FRAMES = 4
ARRAYS = ("controls", "head", "control_std", "head_std", "residual")
PATIENCE = 60.0  # seconds until a process that was asked to end must be gone
STOPPED = 3.0  # seconds that a process is suspended
SMALL_DISK = 300  # kilobytes


class Lost(Exception):
    """What went wrong, a sentence."""


class Skipped(Exception):
    """Why a kind cannot be tried here."""


@dataclass(frozen=True)
class Scene:
    """The take, the undisturbed solution, and the CPU seconds that it took, of them ``imports`` before it began."""

    take: Path
    whole: Solution
    seconds: float
    imports: float
    random: np.random.Generator

    def wait(self, process: subprocess.Popen[str], takes: int = 1) -> None:
        """Until a random moment of the solve of so many takes, or its end."""
        wait_for(process, float(self.random.uniform(0.02, 0.98)) * self.seconds * takes)


def wait_for(process: subprocess.Popen[str], seconds: float) -> None:
    """Until the process and its children have computed for so many CPU seconds, or it has ended."""
    while process.poll() is None and _computed(process.pid) < seconds:
        time.sleep(0.01)


def _computed(process: int) -> float:
    """CPU seconds of a process and all below it so far, those that have ended included."""
    parents, ticks = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        number = int(path.parent.name)
        parents[number] = int(fields[1])
        ticks[number] = sum(map(int, fields[11:15]))  # its own, and of children that it has waited for
    ours = {process}
    while more := {number for number, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(ticks.get(number, 0) for number in ours) / os.sysconf("SC_CLK_TCK")


def command(take: Path, out: Path, *further: str, fault: tuple[str, float] | None = None) -> list[str]:
    """A solve. fault: what the machine pretends, and seconds until it does."""
    program = ["facesolve"] if fault is None else ["tests.bench.pretended", fault[0], str(fault[1])]
    options = ["--quality", "draft", "--device", "cpu", "--quiet", "--no-report"]
    return [sys.executable, "-m", *program, "solve", str(take), "--out", str(out), *options, *further]


def started(take: Path, out: Path, *further: str, fault: tuple[str, float] | None = None) -> subprocess.Popen[str]:
    """A solve in a process group of its own."""
    return subprocess.Popen(
        command(take, out, *further, fault=fault),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str], patience: float = 600.0) -> tuple[int, str]:
    """Exit code and stderr; Lost for a process that hangs or ends in a traceback, or leaves one behind."""
    try:
        _, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Lost(f"the process was still there after {patience:.0f} s") from None
    if "Traceback" in errors:
        raise Lost("a traceback: " + errors.strip().split("\n")[-1])
    deadline = time.monotonic() + PATIENCE
    while _group_lives(process.pid):
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            raise Lost("a process was left behind")
        time.sleep(0.2)
    return process.returncode, errors


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def same(scene: Scene, out: Path) -> None:
    """Lost unless the solution in ``out`` is the undisturbed one, and nothing half-written is beside it."""
    solution = read_solution(out)
    for name in ARRAYS:
        if not np.array_equal(getattr(solution, name), getattr(scene.whole, name), equal_nan=True):
            raise Lost(f"{name} differs from the undisturbed result")
    parts = [path.name for path in out.rglob("*") if path.name.endswith(".part")]
    if parts:
        raise Lost(f"half-written files are left: {parts}")


def resumed(scene: Scene, out: Path) -> None:
    """Goes on with what is in ``out``, unless it is done already."""
    code, errors = finished(started(scene.take, out, "--resume"))
    if code not in (0, 3):
        raise Lost(f"--resume ends with {code}: {errors.strip()[-200:]}")
    same(scene, out)


def _signalled(*signals: signal.Signals) -> Callable[[Scene, Path], None]:
    def kill(scene: Scene, out: Path) -> None:
        process = started(scene.take, out)
        scene.wait(process)
        for number in signals:
            if process.poll() is None:
                os.kill(process.pid, number)
                time.sleep(0.05)
        code, errors = finished(process, PATIENCE)
        if signal.SIGKILL not in signals and code not in (0, 3):
            _one_sentence(errors)
        resumed(scene, out)

    return kill


def _one_sentence(errors: str) -> None:
    if len(errors.strip().split("\n")) != 1:
        raise Lost(f"not one sentence: {errors.strip()[:200]!r}")


def _pretended(what: str) -> Callable[[Scene, Path], None]:
    """The GPU fails at a random moment: a sentence, and once it works again the solve resumes."""

    def fail(scene: Scene, out: Path) -> None:
        code, errors = finished(started(scene.take, out, fault=(what, _of_the_work(scene))))
        if code not in (0, 3):
            _one_sentence(errors)
        if code not in (0, 2, 3):
            raise Lost(f"it ends with {code}: {errors.strip()[-200:]}")
        resumed(scene, out)

    return fail


def _of_the_work(scene: Scene) -> float:
    """A moment between the end of the imports and that of the solve, counted from the former."""
    return float(scene.random.uniform(0.0, 1.0)) * max(scene.seconds - scene.imports, 0.5)


def _clock_goes_back(scene: Scene, out: Path) -> None:
    """An hour back at a random moment; killed later, and resumed when its files are from the future."""
    moment = _of_the_work(scene)
    process = started(scene.take, out, fault=("clock_back", moment))
    left = max(scene.seconds - scene.imports - moment, 0.0)
    wait_for(process, scene.imports + moment + float(scene.random.uniform(0.0, 1.0)) * left)
    if process.poll() is None:
        process.kill()
    finished(process)
    for path in out.rglob("*") if out.is_dir() else ():
        os.utime(path, (time.time() + HOUR, time.time() + HOUR))
    resumed(scene, out)


def _an_hour_passes(scene: Scene, out: Path) -> None:
    code, errors = finished(started(scene.take, out, fault=("hour_passes", _of_the_work(scene))))
    if code not in (0, 3):
        raise Lost(f"it ends with {code}: {errors.strip()[-200:]}")
    same(scene, out)


def _parent_dies(scene: Scene, out: Path) -> None:
    """Two takes at once, whose children must not outlive their parent."""
    other = out.with_name("second_take")
    shutil.copytree(scene.take, other)
    given = command(scene.take, out)
    given.insert(given.index(str(scene.take)) + 1, str(other))
    marked = {**os.environ, "FACESOLVE_CAMPAIGN": str(out)}  # children have it, whatever their command line says
    process = subprocess.Popen(
        given, env=marked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    scene.wait(process, takes=2)
    process.kill()
    process.communicate(timeout=PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while _mentioned(str(out)):
        if time.monotonic() > deadline:
            raise Lost(f"children outlive their parent: {_mentioned(str(out))}")
        time.sleep(0.2)
    resumed(scene, out / scene.take.name)


def _mentioned(word: str) -> list[int]:
    """Processes with a word in their command line or environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes() + path.with_name("environ").read_bytes()
        except OSError:
            continue
        if word.encode() in line and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def _suspended(scene: Scene, out: Path) -> None:
    process = started(scene.take, out)
    scene.wait(process)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(STOPPED)
        os.kill(process.pid, signal.SIGCONT)
    code, errors = finished(process)
    if code not in (0, 3):
        raise Lost(f"it ends with {code}: {errors.strip()[-200:]}")
    same(scene, out)


def _two_solvers(scene: Scene, out: Path) -> None:
    """The second is refused by a sentence, and the first does not notice."""
    first = started(scene.take, out)
    scene.wait(first)
    alone = first.poll() is not None
    code, errors = finished(started(scene.take, out))
    if not alone and first.poll() is None and (code != 2 or not errors.strip()):
        raise Lost(f"the second solver ends with {code}: {errors.strip()[-200:]}")
    code, errors = finished(first)
    if code not in (0, 3):
        raise Lost(f"the first solver ends with {code}: {errors.strip()[-200:]}")
    same(scene, out)


def _vanishing(scene: Scene, out: Path) -> None:
    """The folder of the result is removed while it is written into: one sentence, or a folder made anew."""
    process = started(scene.take, out)
    scene.wait(process)
    shutil.rmtree(out, ignore_errors=True)
    code, _ = finished(process)
    if code in (0, 3) and (out / SOLUTION).exists():  # else it had been written already, and went with the folder
        same(scene, out)
        return
    shutil.rmtree(out, ignore_errors=True)
    finished(started(scene.take, out))
    same(scene, out)


def _read_only(scene: Scene, out: Path) -> None:
    """The folder of the result cannot be written any more from a random moment on; later it can."""
    process = started(scene.take, out)
    scene.wait(process)
    out.mkdir(exist_ok=True)
    with _read_only_folder(out):
        code, errors = finished(process)
    if code not in (0, 2, 3) or (code == 2 and str(out) not in errors):
        raise Lost(f"it ends with {code}: {errors.strip()[-200:]}")
    if code == 2:
        _one_sentence(errors)
    resumed(scene, out)


@contextmanager
def _read_only_folder(folder: Path) -> Iterator[None]:
    """Inside, nothing can be written into ``folder``; for root, whom permissions do not hold, by mounting it so."""
    if os.geteuid():
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)
        return
    mounts = (["mount", "--bind", str(folder), str(folder)], ["mount", "-o", "remount,bind,ro", str(folder)])
    for number, mount in enumerate(mounts):
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            if number:
                subprocess.run(["umount", str(folder)], check=True)
            raise Skipped("root may write everywhere, and no folder can be mounted read-only here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}k", "facesolve", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skipped("no small file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _full_disk(scene: Scene, out: Path) -> None:
    """The disk is full from a random moment on; once there is room, the solve resumes."""
    with _small_disk(out):
        process = started(scene.take, out)
        scene.wait(process)
        filler = out.with_name("filler")
        (out / "filler").write_bytes(b"")
        free = shutil.disk_usage(out).free
        (out / "filler").write_bytes(bytes(max(free - 4096, 0)))
        code, errors = finished(process)
        (out / "filler").unlink()
        if code not in (0, 2, 3):
            raise Lost(f"it ends with {code}: {errors.strip()[-200:]}")
        kept = filler.with_name("kept")
        shutil.copytree(out, kept)
    if any(kept.iterdir()):
        resumed(scene, kept)


KINDS: dict[str, Callable[[Scene, Path], None]] = {
    "sigkill": _signalled(signal.SIGKILL),
    "sigterm": _signalled(signal.SIGTERM),
    "sigint": _signalled(signal.SIGINT),
    "sigint_twice": _signalled(signal.SIGINT, signal.SIGINT),
    "parent_dies": _parent_dies,
    "suspended": _suspended,
    "suspended_for_an_hour": _an_hour_passes,
    "clock_goes_back": _clock_goes_back,
    "gpu_lost": _pretended("gpu_lost"),
    "gpu_full": _pretended("gpu_full"),
    "two_solvers": _two_solvers,
    "vanishing_folder": _vanishing,
    "read_only_folder": _read_only,
    "full_disk": _full_disk,
}


def _tried(kind: str, scene: Scene, folder: Path, seed: int, times: int) -> tuple[list[str], str]:
    """What went wrong with a kind, and why it was skipped; its moments are its own."""
    scene = replace(scene, random=np.random.default_rng([seed, zlib.crc32(kind.encode())]))
    faults: list[str] = []
    for number in range(times):
        out = folder / str(number) / "out"
        out.parent.mkdir(parents=True)
        try:
            KINDS[kind](scene, out)
        except Skipped as reason:
            return faults, str(reason)
        except Exception as problem:
            faults.append(f"{type(problem).__name__}: {problem}")
    return faults, ""


def _of_children() -> float:
    """CPU seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def scene_in(folder: Path, seed: int) -> Scene:
    take = folder / "take"
    write_filmed_take(take, FRAMES)
    begun = _of_children()
    subprocess.run([sys.executable, "-c", "import facesolve.solve.pipeline"], check=True)
    imports, begun = _of_children() - begun, _of_children()
    code, errors = finished(started(take, folder / "whole"))
    if code not in (0, 3):
        raise SystemExit(f"the undisturbed solve ends with {code}: {errors}")
    seconds = _of_children() - begun
    return Scene(take, read_solution(folder / "whole"), seconds, imports, np.random.default_rng(seed))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="kinds at a time")
    parser.add_argument("--only", nargs="*", choices=sorted(KINDS), default=list(KINDS))
    given = parser.parse_args(arguments)
    print("| kind | times | same result | lost |\n|---|---|---|---|", flush=True)
    lost = 0
    with tempfile.TemporaryDirectory(prefix="kills_") as scratch:
        scene = scene_in(Path(scratch), given.seed)
        pool = ThreadPoolExecutor(given.jobs)
        ends = pool.map(lambda kind: _tried(kind, scene, Path(scratch) / kind, given.seed, given.times), given.only)
        for kind, (faults, skipped) in zip(given.only, ends, strict=True):
            lost += len(faults)
            figures = f"skipped: {skipped} | |" if skipped else f"{given.times - len(faults)} | {len(faults)} |"
            print(f"| {kind} | {0 if skipped else given.times} | {figures}", flush=True)
            for fault in faults:
                print(f"  {fault[:300]}", file=sys.stderr, flush=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
