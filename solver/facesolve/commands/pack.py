"""``facesolve pack``."""

from __future__ import annotations

from pathlib import Path

from facesolve.jobs.requests import PackRequest

from .output import EXIT_OK, Verbosity, quoted
from .settings import SettingsFlags


def pack(
    *,
    request: PackRequest,
    out: Path,
    overwrite: bool = False,
    settings: SettingsFlags = SettingsFlags(),  # noqa: B008  # frozen
    output: Verbosity = Verbosity(),  # noqa: B008
) -> int:
    """Make a take from files, without Maya.

    Makes a take from a rig (arrays, MetaHuman DNA, USD or glTF), cameras in any format of 'facesolve convert-cameras',
    and footage. Everything is checked before anything is written. Videos and Norpix .seq recordings are put in step by
    timecode and time stamps: frame 0 is the first that all cameras recorded.

    Settings are kept in the take, where a solve finds them: a character's, changed by those of --settings and flags.

    Args:
        out: folder of the new take, or of the takes of a cut list.

    Examples:
        facesolve pack --rig rig.npz --cameras calibration.json --frames 0-39 --fps 30 --footage
            'footage/{camera}/{camera}_{frame:04d}.jpg' --start start.json --out my_take
        facesolve pack --rig rig.npz --cameras calibration.json --frames 0-99 --fps 60 --footage 'footage/{camera}.mov'
            --smoothness 2 --out my_take
        facesolve pack --rig head.dna --cameras calibration.json --footage 'shot/{camera}.seq' --out my_take
        facesolve pack --rig rig.npz --cameras calibration.json --footage 'shot/{camera}.seq' --out my_take
        facesolve pack --character hero/character.json --cameras calibration.json --footage 'shot/{camera}.seq' --out
            my_take
        facesolve pack --rig rig.npz --cameras calibration.json --footage 'reel/{camera}.mov' --cuts selects.edl --out
            takes
    """
    from facesolve.jobs.pack import pack_cuts, pack_take

    change = settings.change()
    if request.cuts is not None:
        takes = pack_cuts(request, out, output.say, change=change, overwrite=overwrite)
        for name, made in takes.items():
            output.say(f"{out / name}: {made.frame_count} frames.")
        return EXIT_OK
    take = pack_take(request, out, output.say, change=change, overwrite=overwrite)
    output.say(
        f"{out}: {len(take.rig.controls)} controls, {len(take.cameras)} cameras, {take.frame_count} frames. "
        f"Next: facesolve inspect {quoted(out)}"
    )
    return EXIT_OK
