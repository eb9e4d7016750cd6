"""The ``facesolve`` command: arguments in, exit codes and sentences out.

Each command imports what it needs when it runs, so that ``facesolve --help`` starts at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from solver import __version__
from solver.progress import PROGRESS_MODES, Reporter, StopsOnFile, open_reporter
from solver.take import FacesolveError
from solver.take.footage import BAD_FRAME_POLICIES, COLOR_SPACES
from solver.take.settings import QUALITIES

EXIT_OK, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 2, 130
CANCEL_FILE = "cancel"  # in the output folder: asks a solve to stop as Ctrl-C does
DEVICES = ("auto", "cpu", "cuda")

Command = Callable[[argparse.Namespace], int]


class UsageError(FacesolveError):
    """The command line itself is wrong."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, 2 for bad input (one sentence on stderr), 130 after Ctrl-C."""
    # must precede torch: threads that spin while they wait make a solve several times slower on a busy machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        chosen = _parser().parse_args(arguments)
        run: Command = chosen.run
        return run(chosen)
    except FacesolveError as error:
        return _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        return _fail(f"'{error.filename}': {error.strerror}.")
    except KeyboardInterrupt:
        print("facesolve: interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED


def _fail(sentence: str) -> int:
    print(f"facesolve: error: {' '.join(sentence.split())}", file=sys.stderr)
    return EXIT_BAD_INPUT


@contextmanager
def _reporting(mode: str) -> Iterator[Reporter]:
    """A progress display that also hears how the command ended when it ended badly."""
    with open_reporter(mode) as reporter:
        try:
            yield reporter
        except FacesolveError as error:
            reporter.error(str(error))
            raise
        except KeyboardInterrupt:
            reporter.error("interrupted")
            raise


def _pack(arguments: argparse.Namespace) -> int:
    from solver.pack import FootageSource, PackRequest, pack_take, parse_frames

    request = PackRequest(
        rig=arguments.rig,
        cameras=arguments.cameras,
        footage=FootageSource(arguments.footage, arguments.matte, arguments.color_space, arguments.on_bad_frame),
        frames=parse_frames(arguments.frames),
        fps=arguments.fps,
        start=arguments.start,
        texture=arguments.texture,
    )
    take = pack_take(request, arguments.out)
    print(
        f"{arguments.out}: {len(take.rig.controls)} controls, {len(take.cameras)} cameras, {take.frame_count} frames. "
        f"Next: facesolve inspect {_quoted(arguments.out)}"
    )
    return EXIT_OK


def _inspect(arguments: argparse.Namespace) -> int:
    from solver.inspection import inspect_take, inspection_record, print_inspection
    from solver.take import read_take

    take = read_take(arguments.take)
    inspection = inspect_take(take)
    if arguments.json:
        _print_json(inspection_record(take, inspection))
    else:
        print_inspection(take, inspection)
    return EXIT_BAD_INPUT if inspection.stops_a_solve else EXIT_OK


def _solve(arguments: argparse.Namespace) -> int:
    from solver.pack import parse_frames

    frames = None if arguments.frames is None else parse_frames(arguments.frames)
    try:
        with _reporting(arguments.progress) as progress:
            from solver.job import solve_take_folder

            solve_take_folder(
                arguments.take,
                arguments.out,
                device=arguments.device,
                quality=arguments.quality,
                frames=frames,
                resume=arguments.resume,
                progress=StopsOnFile(progress, arguments.out / CANCEL_FILE),
            )
            progress.done(arguments.out)
    except KeyboardInterrupt:
        resume = f"facesolve solve {_quoted(arguments.take)} --out {_quoted(arguments.out)} --resume"
        print(f"facesolve: interrupted; go on with: {resume}", file=sys.stderr)
        return EXIT_INTERRUPTED
    if arguments.progress == "bar":
        print(f"{arguments.out}: solved.", file=sys.stderr)
    return EXIT_OK


def _evaluate(arguments: argparse.Namespace) -> int:
    from solver.evaluate import evaluate, find_take, parse_region, read_truth
    from solver.review.measures import evaluation_record, print_evaluation
    from solver.take import read_solution, read_take

    region = None if arguments.region is None else parse_region(arguments.region)
    solution = read_solution(arguments.out)
    take = read_take(arguments.take) if arguments.take is not None else find_take(solution, arguments.out)
    evaluation = evaluate(solution, take, read_truth(arguments.truth), region)
    if arguments.json:
        _print_json(evaluation_record(evaluation))
    else:
        print_evaluation(evaluation)
    return EXIT_OK


def _demo(arguments: argparse.Namespace) -> int:
    with _reporting(arguments.progress) as progress:
        from solver.demo import run_demo
        from solver.review.measures import print_evaluation

        evaluation = run_demo(arguments.out, frames=arguments.frames, device=arguments.device, progress=progress)
        progress.done(arguments.out)
    if arguments.progress != "jsonl":
        print_evaluation(evaluation)
        print(f"Look at {arguments.out / 'curves.png'} and {arguments.out / 'overlay_front.png'}.")
    return EXIT_OK


def _doctor(arguments: argparse.Namespace) -> int:
    from solver.doctor import examine, print_checks

    checks = examine()
    if arguments.json:
        _print_json({"checks": [check.record() for check in checks]})
    else:
        print_checks(checks)
    return EXIT_OK if all(check.state != "missing" for check in checks) else EXIT_BAD_INPUT


def _print_json(record: dict[str, Any]) -> None:
    print(json.dumps(record, indent=1, allow_nan=False))


def _quoted(path: Path) -> str:
    text = os.fspath(path)
    return f'"{text}"' if " " in text else text


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="facesolve",
        description="Facial performance capture: multi-camera footage and a Maya blendshape rig in, control curves "
        "and head transforms out.",
        epilog="Exit codes: 0 done, 2 bad input (one sentence on stderr says what to do), 130 interrupted.\n"
        "Start with 'facesolve demo', or 'facesolve COMMAND --help'.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"facesolve {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_pack(commands)
    _add_inspect(commands)
    _add_solve(commands)
    _add_evaluate(commands)
    _add_demo(commands)
    _add_doctor(commands)
    return parser


def _command(commands: Any, name: str, run: Command, about: str, detail: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=detail,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_pack(commands: Any) -> None:
    parser = _command(
        commands,
        "pack",
        _pack,
        "make a take from files, without Maya",
        "Makes a take from a rig as arrays, an OpenCV calibration and footage. Lengths are centimetres; cameras are\n"
        "x_cam = R x_world + t with pixel centres at .5. Everything is checked before anything is written.",
        "  facesolve pack --rig rig.npz --cameras calibration.json --frames 0-39 --fps 30\n"
        "      --footage 'footage/{camera}/{camera}_{frame:04d}.jpg' --start start.json --out my_take\n"
        "  facesolve pack --rig rig.npz --cameras calibration.json --frames 0-99 --fps 60\n"
        "      --footage 'footage/{camera}.mov' --out my_take",
    )
    parser.add_argument("--rig", type=Path, required=True, help="rig .npz: neutral, deltas, names, face_counts, faces")
    parser.add_argument("--cameras", type=Path, required=True, help="calibration .json, one entry for each camera")
    parser.add_argument("--footage", required=True, metavar="PATTERN", help="path with {camera} and {frame:04d}")
    parser.add_argument("--frames", required=True, metavar="A-B", help="first and last frame, both included")
    parser.add_argument("--fps", type=float, required=True, help="footage frames a second")
    parser.add_argument("--start", type=Path, help="start pose .json: frame, weights by name, head 4x4")
    parser.add_argument("--texture", type=Path, help="the rig's albedo image; <UDIM> is allowed in the name")
    parser.add_argument("--color-space", choices=COLOR_SPACES, default="srgb", help="how pixel values are encoded")
    parser.add_argument("--matte", metavar="PATTERN", help="second sequence, white where the actor is")
    parser.add_argument(
        "--on-bad-frame", choices=BAD_FRAME_POLICIES, default="stop", help="stop at a bad image, or solve without it"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="TAKE", help="folder of the new take")


def _add_inspect(commands: Any) -> None:
    parser = _command(
        commands,
        "inspect",
        _inspect,
        "show what is in a take and what is wrong with it",
        "Shows the rig, controls, cameras, footage, start pose and settings of a take, and every finding with what to\n"
        "do about it. Exit code 2 when something would stop a solve.",
        "  facesolve inspect my_take\n  facesolve inspect my_take --json",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="folder with take.json")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def _add_solve(commands: Any) -> None:
    parser = _command(
        commands,
        "solve",
        _solve,
        "turn a take into control curves and head transforms",
        "Solves a take and writes solution.npz, solution.json, the texture and a log. Ctrl-C, a file named\n"
        "'cancel' in OUT, or a crash leave a state from which --resume goes on.\n"
        "With --progress jsonl stdout carries one JSON object a line:\n"
        '  {"event": "stage", "name", "total"}   {"event": "progress", "stage", "done", "total", "seconds_left"}\n'
        '  {"event": "message", "text"}          {"event": "picture", "path"}\n'
        '  last {"event": "done", "path", "seconds"} or {"event": "error", "text"}',
        "  facesolve solve my_take --out my_solution\n"
        "  facesolve solve my_take --out trial --quality draft --frames 10-20\n"
        "  facesolve solve my_take --out my_solution --resume --progress jsonl",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="folder with take.json")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="folder of the solution")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto takes CUDA when there is one")
    parser.add_argument("--quality", choices=QUALITIES, help="instead of the quality in the take's settings")
    parser.add_argument("--frames", metavar="A-B", help="solve only these frames of the take, both included")
    parser.add_argument("--resume", action="store_true", help="go on from an interrupted solve in OUT")
    _add_progress(parser)


def _add_evaluate(commands: Any) -> None:
    parser = _command(
        commands,
        "evaluate",
        _evaluate,
        "measure a solution against the truth",
        "Compares a solution with known weights and head transforms: vertex errors in millimetres, with and without\n"
        "the head transform, head rotation in degrees, weight error, active controls and jerk.",
        "  facesolve evaluate my_solution --truth truth.npz\n"
        "  facesolve evaluate my_solution --truth truth.npz --region 0:6706 --json",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder with solution.json")
    parser.add_argument(
        "--truth", type=Path, required=True, help="truth .npz: weights, names, head for each take frame"
    )
    parser.add_argument("--region", metavar="A:B", help="also measure vertices A up to, not including, B")
    parser.add_argument("--take", type=Path, help="the take, when it is not where the solution says")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with values for each frame")


def _add_demo(commands: Any) -> None:
    parser = _command(
        commands,
        "demo",
        _demo,
        "make a small take of a procedural head, solve it, show how well",
        "Builds a head, films a short performance with three cameras, solves it from a start pose that is slightly\n"
        "off, prints the errors, and writes curves.png and overlay pictures.",
        "  facesolve demo\n  facesolve demo --out try --frames 24",
    )
    parser.add_argument("--out", type=Path, default=Path("facesolve_demo"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--frames", type=int, default=16, metavar="N", help="length of the take, default %(default)s")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto takes CUDA when there is one")
    _add_progress(parser)


def _add_doctor(commands: Any) -> None:
    parser = _command(
        commands,
        "doctor",
        _doctor,
        "show device, backends and codecs, and what is missing",
        "Shows what this installation can use, and how to get what it lacks. Exit code 2 when a solve cannot run.",
        "  facesolve doctor\n  facesolve doctor --json",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _add_progress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--progress", choices=PROGRESS_MODES, default="bar", help="bars on stderr, JSON lines on stdout, or nothing"
    )
