"""Kills workers at random moments until a night of small takes is done, and counts what went wrong.

    python -m tests.bench.farm_campaign --takes 40 --kills 20 --by devices --out results
    python -m tests.bench.farm_campaign --takes 40 --kills 20 --by openjd --out results

Every take must be solved exactly once and equal an undisturbed solve; no process may be left 15 seconds after a kill,
no partial file at the end. POSIX only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from facesolve.cli import main as facesolve
from facesolve.jobs.solve_folder import solve_take_folder
from facesolve.runtime.progress import Silent
from facesolve.take import Solution, StartPose, read_solution, write_take
from facesolve.take.names import CHECKPOINT, LOCK, SOLUTION
from facesolve.take.settings_record import SettingsChange
from tests import synthetic, textured

FRAMES = 2
GONE_WITHIN = 15.0  # seconds after a kill
SOONEST, LATEST = 1.0, 12.0  # seconds from a start to a kill
COMMAND = f"#!{sys.executable}\nimport sys\nfrom facesolve.cli import main\nsys.exit(main(sys.argv[1:]))\n"
ARRAYS = ("controls", "head", "control_std", "head_std", "residual")


@dataclass
class Outcome:
    """What a campaign found. longest: seconds from a kill until the last process was gone. orphans: processes that were
    still there after GONE_WITHIN. solved_again: takes whose solution was written a second time."""

    takes: int
    kills: list[str] = field(default_factory=list)
    longest: float = 0.0
    orphans: int = 0
    solved: int = 0
    equal: int = 0
    solved_again: int = 0
    partial_files: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing went wrong."""
        whole = self.solved == self.equal == self.takes
        return whole and not (self.orphans or self.solved_again or self.partial_files)


def make_takes(folder: Path, count: int) -> list[Path]:
    """Small takes of one filmed head that differ in their smoothness, so that their solutions differ."""
    (folder / "footage").mkdir(parents=True)
    pose = synthetic.performance(FRAMES)
    take = textured.make_take(folder / "footage", textured.rig(), frames=FRAMES)
    textured.film(take, pose)
    take = replace(take, start=StartPose(0, pose.controls[0].numpy(), pose.head[0].numpy()))
    places = [folder / f"take_{number:02d}" for number in range(count)]
    for number, place in enumerate(places):
        settings = replace(take.settings, quality="draft", smoothness=1.0 + number)
        write_take(replace(take, settings=settings), place)
    return places


def undisturbed(takes: Sequence[Path], out: Path) -> dict[str, Solution]:
    """Each solved by itself."""
    return {
        take.name: solve_take_folder(
            take, out / take.name, device="cpu", frames=None, resume=True, progress=Silent(), settings=SettingsChange()
        )
        for take in takes
    }


def command_of(by: str, takes: Sequence[Path], folder: Path) -> list[str]:
    """The command that goes on with the night: several takes side by side, or a farm's job."""
    out = folder / "solved"
    if by == "devices":
        options = ["--devices", "cpu,cpu", "--resume", "--no-report", "--progress", "quiet"]
        return [sys.executable, "-m", "facesolve", "solve", *map(str, takes), "--out", str(out), *options]
    executable = folder / "facesolve"
    executable.write_text(COMMAND, encoding="utf-8")
    executable.chmod(0o755)
    job = [*map(str, takes), "--solutions", str(out), "--out", str(folder / "job"), "--facesolve", str(executable)]
    assert facesolve(["farm", "bundle", *job, "--device", "cpu", "--quiet"]) == 0
    values = f"file://{folder / 'job' / 'parameters.json'}"
    template = str(folder / "job" / "template.json")
    return [sys.executable, "-m", "openjd", "run", template, "--step", "Solve", "--job-param", values]


def processes_of(folder: Path) -> list[int]:
    """Processes that work in ``folder``, by their command lines, or by what their environment has from a campaign."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if os.fsencode(folder) in words and state != "Z":
            found.append(int(entry.name))
    return found


def campaign(takes: Sequence[Path], folder: Path, by: str, kills: int, dice: random.Random) -> Outcome:
    """Runs until all is solved, with ``kills`` kills on the way."""
    outcome, command, written = Outcome(len(takes)), command_of(by, takes, folder), dict[str, int]()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "FACESOLVE_CAMPAIGN": str(folder)}
    for turn in range(kills + 1):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if turn == kills:
            process.wait()
        else:
            _kill_one(process, folder, outcome, dice)
        _look_at_solutions(takes, folder / "solved", written, outcome)
    return outcome


def _kill_one(process: subprocess.Popen[bytes], folder: Path, outcome: Outcome, dice: random.Random) -> None:
    """Kills the command or one of its workers after a random time; then nothing may be left of the command."""
    try:
        process.wait(dice.uniform(SOONEST, LATEST))
        return  # all was done already
    except subprocess.TimeoutExpired:
        pass
    number = dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    workers = [one for one in processes_of(folder) if one != process.pid]
    victim = dice.choice(workers) if workers and dice.random() < 0.5 else process.pid
    outcome.kills.append(f"{signal.Signals(number).name} to {'worker' if victim != process.pid else 'parent'}")
    try:
        os.kill(victim, number)
    except ProcessLookupError:
        return
    if victim != process.pid:  # the others go on; then the command is stopped, as a farm would
        time.sleep(0.5)
        process.terminate()
    begun = time.monotonic()
    process.wait()
    while processes_of(folder) and time.monotonic() - begun < GONE_WITHIN:
        time.sleep(0.1)
    outcome.longest = max(outcome.longest, time.monotonic() - begun)
    left = processes_of(folder)
    outcome.orphans += len(left)
    for orphan in left:
        os.kill(orphan, signal.SIGKILL)


def _look_at_solutions(takes: Sequence[Path], out: Path, written: dict[str, int], outcome: Outcome) -> None:
    """Counts solutions that were whole before and were written again."""
    for take in takes:
        place = out / take.name
        if (place / SOLUTION).exists() and not (place / CHECKPOINT).exists():
            stamp = (place / SOLUTION).stat().st_mtime_ns
            outcome.solved_again += written.setdefault(take.name, stamp) != stamp


def judge(takes: Sequence[Path], out: Path, wanted: dict[str, Solution], outcome: Outcome) -> None:
    """Compares with the undisturbed solves and looks for what was left behind."""
    for take in takes:
        if not (out / take.name / SOLUTION).exists():
            continue
        outcome.solved += 1
        found, whole = read_solution(out / take.name), wanted[take.name]
        outcome.equal += all(
            np.allclose(getattr(found, name), getattr(whole, name), atol=1e-9, equal_nan=True) for name in ARRAYS
        )
    names = (CHECKPOINT, LOCK, "cancel")
    outcome.partial_files = [
        path.relative_to(out).as_posix()
        for path in sorted(out.rglob("*"))
        if path.name in names or path.name.endswith(".part")
    ]


def run(folder: Path, by: str, takes: int, kills: int, seed: int) -> Outcome:
    """A whole campaign in ``folder``, which must be new."""
    places = make_takes(folder, takes)
    wanted = undisturbed(places, folder / "undisturbed")
    outcome = campaign(places, folder, by, kills, random.Random(seed))
    judge(places, folder / "solved", wanted, outcome)
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=40)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--by", choices=("devices", "openjd"), default="devices")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder, new")
    chosen = parser.parse_args(arguments)
    outcome = run(chosen.out.resolve(), chosen.by, chosen.takes, chosen.kills, chosen.seed)
    (chosen.out / "campaign.json").write_text(json.dumps(asdict(outcome), indent=1) + "\n", encoding="utf-8")
    print(
        f"| {chosen.by} | {outcome.takes} takes | {len(outcome.kills)} kills | {outcome.solved} solved | "
        f"{outcome.equal} equal | {outcome.solved_again} again | {outcome.orphans} orphans | "
        f"{len(outcome.partial_files)} partial files | gone within {outcome.longest:.1f} s |"
    )
    return 0 if outcome.sound else 1


if __name__ == "__main__":
    sys.exit(main())
