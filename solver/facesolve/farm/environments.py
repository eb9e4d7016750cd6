"""Environments in which a farm's tasks find the ``facesolve`` command: of conda and of rez. Knows no job."""

from __future__ import annotations

from typing import Any

SPECIFICATION = "environment-2023-09"
ENVIRONMENTS = ("conda", "rez")
# what an environment changes, told to the farm in its own words; no shell takes part
TELL = (
    "import os; [print(f'openjd_env: {name}={os.environ[name]}') for name in "
    "('PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH', 'CONDA_PREFIX') if name in os.environ]"
)


def environment_template(kind: str) -> dict[str, Any]:
    """A template for one of ENVIRONMENTS, for ``openjd run --environment`` or a queue environment of a farm."""
    command = {
        "conda": ("conda", ["run", "--name", "{{Param.Environment}}", "python", "-c", TELL]),
        "rez": ("rez-env", ["{{Param.Environment}}", "--", "python", "-c", TELL]),
    }[kind]
    enter = {"command": command[0], "args": command[1], "timeout": 600}
    return {
        "specificationVersion": SPECIFICATION,
        "parameterDefinitions": [{"name": "Environment", "type": "STRING", "default": "facesolve"}],
        "environment": {"name": f"Facesolve by {kind}", "script": {"actions": {"onEnter": enter}}},
    }
