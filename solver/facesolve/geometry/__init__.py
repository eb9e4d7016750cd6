"""Rigs, cameras, rotations, poses and surface samples as tensors."""
