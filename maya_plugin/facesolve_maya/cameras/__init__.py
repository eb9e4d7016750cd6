"""Cameras in the scene from a calibration file, with image planes; where their stage stands."""

from .create import CreatedCamera, create_cameras
from .placement import UNITS
from .plates import first_images
from .stage import (
    AS_IN_FILE,
    AT_FIRST_CAMERA,
    AT_HEAD,
    ON_RIG,
    UPRIGHT,
    PlacedStage,
    Stage,
    place_stage,
    placed_stage,
)

__all__ = [
    "AS_IN_FILE",
    "AT_FIRST_CAMERA",
    "AT_HEAD",
    "ON_RIG",
    "UNITS",
    "UPRIGHT",
    "CreatedCamera",
    "PlacedStage",
    "Stage",
    "create_cameras",
    "first_images",
    "place_stage",
    "placed_stage",
]
