"""``facesolve doctor``."""

from __future__ import annotations

import argparse
from typing import Any

from .declare import EXIT_BAD_INPUT, EXIT_OK, add_command, print_json


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "doctor",
        _run,
        "show device, backends and codecs, and what is missing",
        "Shows what this installation can use, and how to get what it lacks. Exit code 2 when a solve cannot run.",
        "  facesolve doctor\n  facesolve doctor --json",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _run(arguments: argparse.Namespace) -> int:
    from facesolve.jobs.doctor import examine, print_findings
    from facesolve.take.finding import ERROR

    findings = examine()
    if arguments.json:
        print_json({"findings": [finding.record() for finding in findings]})
    else:
        print_findings(findings)
    return EXIT_OK if all(finding.severity != ERROR for finding in findings) else EXIT_BAD_INPUT
