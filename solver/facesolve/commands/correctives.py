"""``facesolve correctives``."""

from __future__ import annotations

from pathlib import Path

from facesolve.correctives.search import Search

from .output import EXIT_OK, Output
from .settings import SettingsFlags


def correctives(
    solution: Path,
    /,
    *,
    search: Search = Search(),  # noqa: B008  # frozen
    mask: Path | None = None,
    take: Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    settings: SettingsFlags = SettingsFlags(),  # noqa: B008
    output: Output = Output(),  # noqa: B008
) -> int:
    """Find shapes that the footage shows and the rig lacks.

    Finds a few smooth shapes on top of a solution, with an activation for every frame, where the rig alone leaves the
    cameras in disagreement. Curves and head stay as they were solved; the shapes hold nothing that the rig's own shapes
    or the head transform can do. Writes correctives.npz and correctives.json into SOLUTION; in Maya they become
    blendshape targets with keyed weights. Where the rig explains the footage it finds none.

    Settings are those of the solve's quality and the take, unless flags or a settings file change them.

    Args:
        mask: vertices to center shapes at, .npy of one number per vertex or a list of vertex numbers.

    Examples:
        facesolve correctives my_solution
        facesolve correctives my_solution --shapes 5 --spacing 0.8 --mask cheeks.txt
        facesolve evaluate my_solution --truth truth.npz --correctives
    """
    with output.reporting() as progress:
        from facesolve.jobs.find_correctives import find_correctives

        result = find_correctives(
            solution,
            search=search,
            take_folder=take,
            mask=mask,
            device=device,
            progress=progress,
            settings=settings.change(),
            overwrite=overwrite,
        )
        progress.done(solution)
    found = f"none: {result.why}" if result.correctives is None else f"{len(result.correctives.targets)} found"
    if not output.quiet and not output.in_lines:
        print(f"{solution}: correctives: {found}.")
    return EXIT_OK
