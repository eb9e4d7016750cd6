"""The demo's head before its light, built once in a process: half of what the demo's take costs."""

from functools import cache

from facesolve.demo.film import Stage
from facesolve.jobs.demo_take import build_stage


@cache
def stage() -> Stage:
    """``build_stage``'s; nobody changes it."""
    return build_stage()
