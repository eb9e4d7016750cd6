"""Runs a solve from inside Maya: a take folder in, a solution folder out. Knows neither maya nor Qt nor torch."""

from .batch import solve
from .doctor import DoctorTask, EnvironmentReport
from .environment import child_environment, module_root
from .errors import InterpreterError, SolveCancelled
from .events import Done, Error, Event, Message, Picture, Stage, StageProgress, parse_event
from .in_process import InProcessTask, in_process_obstacle
from .interpreter import Interpreter, find_interpreter
from .process import ChildProcess, Patience
from .report import ReportTask, fresh_report
from .request import SolveRequest
from .task import CANCELLED, DONE, FAILED, Outcome, SolveTask, start_solve

__all__ = [
    "CANCELLED",
    "DONE",
    "FAILED",
    "ChildProcess",
    "DoctorTask",
    "Done",
    "EnvironmentReport",
    "Error",
    "Event",
    "InProcessTask",
    "Interpreter",
    "InterpreterError",
    "Message",
    "Outcome",
    "Patience",
    "Picture",
    "ReportTask",
    "SolveCancelled",
    "SolveRequest",
    "SolveTask",
    "Stage",
    "StageProgress",
    "child_environment",
    "find_interpreter",
    "fresh_report",
    "in_process_obstacle",
    "module_root",
    "parse_event",
    "solve",
    "start_solve",
]
