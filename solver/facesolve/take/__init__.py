"""The contract between Maya and the solver: takes go in, solutions come out.

numpy only, Python 3.7 syntax, no torch.
"""

from .camera import Camera
from .correctives import Correctives, read_correctives, write_correctives
from .errors import FacesolveError, FootageError, SolveError, TakeError
from .footage import Footage
from .rig import Combination, Control, Driver, Mesh, Rig, Shape, Target
from .settings import ControlSettings, HeadPin, Pin, Settings
from .solution import Solution, read_solution, write_solution
from .storage import read_take, write_take
from .take import StartPose, Take
from .uncertainty import ConfusedPair

__all__ = [
    "Camera",
    "Combination",
    "ConfusedPair",
    "Control",
    "ControlSettings",
    "Correctives",
    "Driver",
    "FacesolveError",
    "Footage",
    "FootageError",
    "HeadPin",
    "Mesh",
    "Pin",
    "Rig",
    "Settings",
    "Shape",
    "Solution",
    "SolveError",
    "StartPose",
    "Take",
    "TakeError",
    "Target",
    "read_correctives",
    "read_solution",
    "read_take",
    "write_correctives",
    "write_solution",
    "write_take",
]
