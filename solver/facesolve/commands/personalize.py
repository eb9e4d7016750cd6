"""``facesolve personalize``."""

from __future__ import annotations

from pathlib import Path

from .output import EXIT_OK, Output, print_json


def personalize(
    rig: Path,
    take: Path,
    /,
    *,
    out: Path,
    identity: Path | None = None,
    neutral: tuple[int, ...] = (),
    as_profile: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    json: bool = False,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Bring a generic rig to an actor.

    Finds the neutral of the actor in a take, and writes the rig with it. With identity modes, what people's heads
    differ by, a generic head becomes the actor's; a smooth offset on top is found as in every solve. Expressions keep
    their shapes. The take gives cameras, footage and where the head is at its start frame.

    Args:
        rig: rig to start from, any that 'facesolve pack' takes, or a take's folder for its own rig.
        out: the actor's rig, .npz.
        identity: .npz with modes (number, vertices, 3), cm a standard deviation of people.
        neutral: frames that show the neutral face; if omitted the start frame at the pose that it was given.
        as_profile: write how the actor's neutral differs from the rig's, for 'facesolve solve --actor', instead of a
            whole rig.

    Examples:
        facesolve personalize generic.npz my_take --identity modes.npz --neutral 0,7 --out actor_rig.npz
        facesolve personalize rig.npz my_take --out actor_rig.npz
        facesolve personalize my_take my_take --identity modes.npz --as-profile --out actor.npz
    """
    with output.reporting() as progress:
        from facesolve.jobs.personalize_rig import personalize_rig

        found = personalize_rig(
            rig,
            take,
            out,
            identity=identity,
            neutral=neutral,
            device=device,
            progress=progress,
            as_profile=as_profile,
            overwrite=overwrite,
        )
        progress.done(out)
    if json:
        print_json(
            {
                "profile" if as_profile else "rig": str(out),
                "frames": list(found.frames),
                "identity_mm": found.moved,
                "smooth_mm": found.smooth,
                "identity": found.identity.tolist(),
            }
        )
        return EXIT_OK
    frames = ", ".join(map(str, found.frames))
    output.say(f"{out}: identity moved the face by {found.moved:.2f} mm, a smooth offset by {found.smooth:.2f} mm.")
    following = f"facesolve solve {take} --actor {out}" if as_profile else f"facesolve pack --rig {out} ..."
    output.say(f"Found at frame{'s' * (len(found.frames) > 1)} {frames}. Next: {following}")
    return EXIT_OK
