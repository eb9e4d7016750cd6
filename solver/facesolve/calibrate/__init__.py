"""Cameras from images of a board: detection, intrinsics, the whole rig at once; undistortion; bumped cameras.

Everything here is in the product's conventions (centimeters, first pixel's center at 0.5); OpenCV's are left at once.
"""
