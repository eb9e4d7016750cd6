"""Carries out the remedies that a check offers. Knows neither Qt nor maya."""

from __future__ import annotations

from facesolve.take.finding import FIND_HEAD, LEAVE_CAMERA, LEAVE_OUT, SET_RESOLUTION, SOLVE_WITHOUT, USE_FRAMES, Offer

from .session import Session


def carry_out(offer: Offer, session: Session) -> bool:
    """Does what the button of ``offer`` promises, and checks again; False for what needs a window."""
    settings = session.settings
    if offer.kind == USE_FRAMES:
        session.change(first=int(offer.values[0]), last=int(offer.values[1]), handles=0)
    elif offer.kind == LEAVE_OUT:
        frames = ", ".join("{}".format(int(frame)) for frame in offer.values)
        session.change(excluded="{}, {}".format(settings.excluded, frames) if settings.excluded else frames)
    elif offer.kind == SOLVE_WITHOUT:
        session.change(on_bad_frame="unseen")
    elif offer.kind == LEAVE_CAMERA:
        session.put(settings.with_camera(str(offer.values[0]), False))
    elif offer.kind == FIND_HEAD:
        session.find_head()
        return True
    elif offer.kind == SET_RESOLUTION:
        width, height = (int(value) for value in offer.values)
        session.attempt(lambda: session.scene.set_render_resolution(width, height))
    else:
        return False
    session.check()
    return True
