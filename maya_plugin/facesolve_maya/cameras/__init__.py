"""Cameras in the scene from a calibration file, with image planes."""

from .create import CreatedCamera, create_cameras
from .placement import remarks
from .plates import first_images

__all__ = ["CreatedCamera", "create_cameras", "first_images", "remarks"]
