"""Cameras in the scene from a calibration file, with image planes."""

from .create import CreatedCamera, create_cameras

__all__ = ["CreatedCamera", "create_cameras"]
