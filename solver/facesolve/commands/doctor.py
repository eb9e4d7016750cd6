"""``facesolve doctor``."""

from __future__ import annotations

from .output import EXIT_BAD_INPUT, EXIT_OK, Verbosity, print_json


def doctor(*, json: bool = False, output: Verbosity = Verbosity()) -> int:  # noqa: B008  # frozen
    """Show device, backends and codecs, and what is missing.

    Shows what this installation can use, and how to get what it lacks. Exit code 2 when a solve cannot run.

    Examples:
        facesolve doctor
        facesolve doctor --json
    """
    from facesolve.jobs.doctor import examine, print_findings
    from facesolve.take.finding import ERROR, findings_record

    findings = examine()
    if json:
        print_json(findings_record("facesolve doctor", findings))
    elif not output.quiet:
        print_findings(findings)
    return EXIT_OK if all(finding.severity != ERROR for finding in findings) else EXIT_BAD_INPUT
