"""Runs a solve from inside Maya: a take folder in, a solution folder out. Knows neither maya nor Qt nor torch."""

from .align import AlignTask, FoundHead, write_start
from .batch import solve
from .doctor import DoctorTask, EnvironmentReport, examined
from .environment import child_environment, module_root
from .errors import InterpreterError, SolveCancelled
from .in_process import InProcessTask, in_process_obstacle
from .inspection import InspectTask
from .installation import InstallTask, start_installation
from .interpreter import Interpreter, find_interpreter
from .personalize import FoundActor, PersonalizeTask
from .report import ReportTask, fresh_report
from .request import SolveRequest
from .serve import ServeTask
from .task import CANCELLED, DONE, FAILED, Outcome, SolveTask, start_solve

__all__ = [
    "CANCELLED",
    "DONE",
    "FAILED",
    "AlignTask",
    "DoctorTask",
    "EnvironmentReport",
    "FoundActor",
    "FoundHead",
    "InProcessTask",
    "InspectTask",
    "InstallTask",
    "Interpreter",
    "InterpreterError",
    "Outcome",
    "PersonalizeTask",
    "ReportTask",
    "ServeTask",
    "SolveCancelled",
    "SolveRequest",
    "SolveTask",
    "child_environment",
    "examined",
    "find_interpreter",
    "fresh_report",
    "in_process_obstacle",
    "module_root",
    "solve",
    "start_installation",
    "start_solve",
    "write_start",
]
