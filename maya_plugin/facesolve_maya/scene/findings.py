"""Collects what is wrong with a scene, so that a user sees all of it at once. Knows neither maya nor the panel."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import Iterator, List, Tuple

from facesolve.take.errors import FacesolveError
from facesolve.take.finding import ERROR, NOTE, WARNING, Finding, Offer, gravest_first

SAMPLING = "Sample its controls (Set-up page, facesolveExport -sampledControl PLUG, or batch --sample PLUG)"


class ExportError(FacesolveError):
    """The scene cannot become a take. ``findings`` holds every reason that was found."""

    def __init__(self, findings: Tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


class Refusal(ExportError):
    """One thing in the scene that is not supported, by node name, with the remedy."""

    def __init__(self, node: str, sentence: str, remedy: str = "", offers: Tuple[Offer, ...] = ()) -> None:
        super().__init__((Finding(ERROR, node, sentence, remedy, offers=offers),))


class Report:
    """Collects findings, so that a user sees all of them at once."""

    def __init__(self) -> None:
        self._findings: List[Finding] = []

    def error(self, node: str, sentence: str, remedy: str = "", offers: Tuple[Offer, ...] = ()) -> None:
        self._add(Finding(ERROR, node, sentence, remedy, offers=offers))

    def warning(self, node: str, sentence: str, remedy: str = "", offers: Tuple[Offer, ...] = ()) -> None:
        self._add(Finding(WARNING, node, sentence, remedy, offers=offers))

    def note(self, node: str, sentence: str, remedy: str = "") -> None:
        self._add(Finding(NOTE, node, sentence, remedy))

    def _add(self, finding: Finding) -> None:
        if finding not in self._findings:
            self._findings.append(finding)

    def take_up(self, other: "Report") -> None:
        """Adds everything that ``other`` has collected."""
        for finding in other.findings:
            self._add(finding)

    @contextmanager
    def collecting(self, node: str) -> Iterator[None]:
        """Turns errors raised inside into findings; one without findings of its own is filed under ``node``.

        A damaged scene makes Maya's own calls fail in many ways: they become a finding, too, and the log says where.
        """
        try:
            yield
        except ExportError as error:
            for finding in error.findings:
                self._add(finding)
        except FacesolveError as error:
            self.error(node, str(error))
        except (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            logging.getLogger(__name__).warning("the scene cannot be read at '%s'", node, exc_info=True)
            why = " ".join(str(error).split())[:200]
            self.error(
                node,
                "Maya cannot say what is needed of it ({}: {}).".format(type(error).__name__, why),
                "The scene may be damaged: look at this node, or clean the scene up (File > Optimize Scene Size).",
            )

    @property
    def findings(self) -> Tuple[Finding, ...]:
        """All findings, errors first, else in the order they were made."""
        return gravest_first(self._findings)

    @property
    def failed(self) -> bool:
        return any(finding.severity == ERROR for finding in self._findings)

    def raise_errors(self) -> None:
        """Raises ExportError with the errors, if there are any."""
        if self.failed:
            raise ExportError(tuple(finding for finding in self.findings if finding.severity == ERROR))
