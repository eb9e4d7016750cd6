"""The solver's own Python for this user: found or brought, with what the solver needs in it. Knows neither maya nor Qt.

Runs in any Python from 3.7 on, with nothing but the standard library and the contract.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from facesolve.take.errors import ProcessError
from facesolve.take.processes import ChildProcess

from .environment import child_environment, module_root, own_folder
from .interpreter import ENVIRONMENT_FOLDERS, candidates

NEWEST, OLDEST = 13, 10  # minor version of the Pythons that the solver runs in
BROUGHT = "3.12"  # the Python that uv brings where there is none
LONGEST_LOOK = 20.0  # seconds that a Python may take to say whether it can make environments
EXTRAS = "video"
REQUIREMENTS = "requirements.txt"  # of the solver, in mod/installer
CUDA_INDEX = "https://download.pytorch.org/whl/cu126"  # Windows: the registry's own build has no CUDA
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # Linux: the registry's own build has 2 GB of CUDA in it
PYTHON_BY_HAND = "Where the network has none, install Python 3.12 from python.org and press 'Install the solver' again."
ONCE_MORE = "Press 'Install the solver' again once there is a network and room on the disk."
WHEELS_VARIABLE = "FACESOLVE_WHEELS"  # folder of wheels, for computers without a network


@dataclass(frozen=True)
class InstallStep:
    """One command. words: what it does, for the user. skip_if: a file that makes it unnecessary.

    remedy: what to do when it fails, a sentence.
    """

    words: str
    command: Tuple[str, ...]
    skip_if: Optional[Path] = None
    remedy: str = ""


@dataclass(frozen=True)
class Computer:
    """What an installation depends on. python: a Python that can make the environment, None when uv must bring one.

    bare_python: any Python with pip, to get uv; wheels: a folder of wheels instead of the network.
    """

    python: Optional[Path]
    bare_python: Path
    has_cuda: bool = False
    platform: str = sys.platform
    wheels: Optional[Path] = None
    environment: Mapping[str, str] = field(default_factory=dict)


def look_around(variables: Optional[Mapping[str, str]] = None) -> Computer:
    """This computer."""
    environment = child_environment(os.environ if variables is None else variables)
    wheels = environment.get(WHEELS_VARIABLE)
    return Computer(
        python=_system_python(environment),
        bare_python=_own_python(),
        has_cuda=_has_cuda(environment),
        wheels=Path(wheels) if wheels else None,
        environment=environment,
    )


def steps(computer: Computer, home: Path, product: Path) -> Tuple[InstallStep, ...]:
    """The commands that make the solver's environment in the folder ``home``. product: what pip installs."""
    env = home / ENVIRONMENT_FOLDERS[0]
    windows = computer.platform == "win32"
    python = candidates(env, windows)[0]
    found: List[InstallStep] = []
    if computer.python is not None:
        found.append(InstallStep("Making a Python environment", (str(computer.python), "-m", "venv", str(env)), python))
    else:
        tools = home / "facesolve_tools"
        pip = (str(computer.bare_python), "-m", "pip", "install", "--target", str(tools), *_source(computer), "uv")
        found.append(InstallStep("Getting uv, which brings Python", pip, tools / "bin", PYTHON_BY_HAND))
        uv = tools / "bin" / ("uv.exe" if windows else "uv")
        bring = (str(uv), "venv", "--seed", "--python", BROUGHT, str(env))
        found.append(InstallStep("Getting Python", bring, python, PYTHON_BY_HAND))
    install = (str(python), "-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check")
    found.append(
        InstallStep(
            "Downloading what the solver needs",
            (*install, *_source(computer), *_torch_index(computer), *_product(product)),
            remedy=ONCE_MORE,
        )
    )
    return tuple(found)


def _product(root: Path) -> Tuple[str, ...]:
    """What pip installs: a checkout as it is; else what the solver needs, since the module brings the solver itself."""
    if (root / "pyproject.toml").is_file():
        return ("{}[{}]".format(root, EXTRAS),)
    return ("-r", str(root / "mod" / "installer" / REQUIREMENTS))


def _source(computer: Computer) -> Tuple[str, ...]:
    return () if computer.wheels is None else ("--no-index", "--find-links", str(computer.wheels))


def _torch_index(computer: Computer) -> Tuple[str, ...]:
    """Where torch's build for this computer is, if not in the registry."""
    if computer.wheels is not None or computer.platform == "darwin":
        return ()
    if computer.platform == "win32":
        return ("--extra-index-url", CUDA_INDEX) if computer.has_cuda else ()
    return () if computer.has_cuda else ("--extra-index-url", CPU_INDEX)


def _system_python(environment: Mapping[str, str]) -> Optional[Path]:
    """The newest Python that the solver runs in, on PATH or where Windows has it, and that can make environments."""
    minors, local = range(NEWEST, OLDEST - 1, -1), environment.get("LOCALAPPDATA")
    named = [shutil.which("python3.{}".format(minor), path=environment.get("PATH")) for minor in minors]
    found = [Path(path) for path in named if path]
    for minor in minors if local else ():
        found.append(Path(local or "") / "Programs" / "Python" / "Python3{}".format(minor) / "python.exe")
    return next((path for path in found if path.is_file() and _makes_environments(path, environment)), None)


def _makes_environments(python: Path, environment: Mapping[str, str]) -> bool:
    """Whether a Python runs and has what environments need: Debian's comes without, pyenv's may be an empty name."""
    command = [str(python), "-c", "import ensurepip, venv"]
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_LOOK,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _own_python() -> Path:
    """The Python that runs this; in Maya's window that is Maya, and ``mayapy`` lies beside it."""
    folder, name = os.path.split(sys.executable)
    mayapy = Path(folder) / ("mayapy.exe" if os.name == "nt" else "mayapy")
    return mayapy if mayapy.is_file() and not name.startswith("python") else Path(sys.executable)


def _has_cuda(environment: Mapping[str, str]) -> bool:
    return (
        bool(shutil.which("nvidia-smi", path=environment.get("PATH"))) or Path("/proc/driver/nvidia/version").exists()
    )


class InstallTask:
    """The steps under way, one after the other; ``poll`` never blocks. At the end ``done`` is True or ``error`` set."""

    def __init__(
        self, todo: Sequence[InstallStep], environment: Mapping[str, str], root: Optional[Path] = None
    ) -> None:
        """Starts the first step. Raises ProcessError when it cannot start."""
        self.done = False
        self.error = ""
        self.log: List[str] = []
        self._begun = 0  # lines of the log before the step that runs
        self._todo = list(todo)
        self._count = len(self._todo)
        self._environment: Dict[str, str] = {
            name: value for name, value in environment.items() if not name.startswith("PYTHON")
        }
        self._folder = module_root() if root is None else root
        self._process: Optional[ChildProcess] = None
        self._step: Optional[InstallStep] = None
        self._next()

    @property
    def words(self) -> str:
        """What is being done, for the user."""
        if self._step is None:
            return ""
        number = self._count - len(self._todo)
        lines = self.log[self._begun :]
        said = next((line.strip() for line in reversed(lines) if line.startswith(("Collecting", "Installing"))), "")
        return "{} ({} of {}){}".format(self._step.words, number, self._count, ": " + said[:60] if said else "…")

    def poll(self) -> None:
        """Looks how far it is."""
        if self._process is None:
            return
        self.log += self._process.poll()
        code = self._process.exit_code
        if code is None:
            return
        if code == 0:
            self._next()
            return
        errors = self._process.stderr_tail.splitlines()
        tail = [line.strip() for line in (*self.log[self._begun :], *errors) if line.strip()]
        self.log += errors
        words, remedy = ("", "") if self._step is None else (self._step.words, self._step.remedy)
        reason = next((line for line in reversed(tail) if "ERROR" in line), tail[-1] if tail else "no reason was given")
        self.error = " ".join("{} failed: {} {}".format(words, reason, remedy).split())
        self._process = None

    def kill(self) -> None:
        """Ends it now; what is half-installed is completed by the next installation."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _next(self) -> None:
        self._process = None
        while self._todo:
            self._step = self._todo.pop(0)
            if self._step.skip_if is None or not self._step.skip_if.exists():
                self._process = ChildProcess(self._step.command, self._environment, self._folder, watcher=_own_python())
                return
        self._step, self.done = None, True


def start_installation(root: Optional[Path] = None) -> InstallTask:
    """Begins to make the solver's environment in the folder of Maya's module. Raises ProcessError."""
    folder = own_folder() if root is None else root
    if not os.access(str(folder), os.W_OK):
        raise ProcessError("'{}' cannot be written: install Facesolve where you may write.".format(folder))
    computer = look_around()
    return InstallTask(steps(computer, folder, module_root()), computer.environment, folder)
