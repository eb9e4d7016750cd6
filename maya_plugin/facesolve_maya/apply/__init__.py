"""Solution to keys: controls and head transform on an animation layer, undone in one step; fewer keys on request."""

from .actor import ActorReport, ActorRequest, apply_actor, plan_actor, read_actor_request
from .apply import apply_solution, plan
from .as_solved import applied_controls, key_as_solved
from .certainty import remove_certainty, show_certainty
from .correctives import (
    CorrectivesReport,
    CorrectivesRequest,
    apply_correctives,
    plan_correctives,
    read_correctives_request,
)
from .edits import applied_layer, applied_ranges, pin_edits
from .frame_marks import mark_frames, remove_marks
from .overlay import toggle_overlay
from .planned_keys import ApplyReport, Skipped
from .pose import pose_rig
from .reduction import reduce_keys
from .request import ApplyRequest, read_request

__all__ = [
    "ActorReport",
    "ActorRequest",
    "ApplyReport",
    "ApplyRequest",
    "CorrectivesReport",
    "CorrectivesRequest",
    "Skipped",
    "applied_controls",
    "applied_layer",
    "applied_ranges",
    "apply_actor",
    "apply_correctives",
    "apply_solution",
    "key_as_solved",
    "mark_frames",
    "pin_edits",
    "plan",
    "plan_actor",
    "plan_correctives",
    "pose_rig",
    "read_actor_request",
    "read_correctives_request",
    "read_request",
    "reduce_keys",
    "remove_certainty",
    "remove_marks",
    "show_certainty",
    "toggle_overlay",
]
