"""What the panel does: holds the settings, checks, solves, cancels, applies. Knows neither Qt nor maya.

The scene is reached through a scene adapter (``ui.scene.MayaScene``), windows through listeners.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from facesolve.take import Solution, read_solution
from facesolve.take.errors import FacesolveError, SolveError
from facesolve.take.finding import ERROR, Finding
from facesolve.take.summary import ResultSummary, summarize
from facesolve_maya.run import (
    CANCELLED,
    DONE,
    DoctorTask,
    EnvironmentReport,
    InProcessTask,
    Outcome,
    ReportTask,
    SolveRequest,
    SolveTask,
    find_interpreter,
    fresh_report,
    in_process_obstacle,
    start_solve,
)

from .document import settings_from_text, settings_to_text
from .model import CameraRow, ControlRow, HeadRow, PanelSettings
from .preferences import Preferences, read_preferences, write_preferences
from .ranges import with_range
from .runs import RunStatus
from .solve_folders import last_solution, next_folder

SCENE, SETTINGS, FINDINGS, ENVIRONMENT, PROGRESS, PICTURE, STATE, RESULT = (
    "scene",
    "settings",
    "findings",
    "environment",
    "progress",
    "picture",
    "state",
    "result",
)
TOPICS = (SCENE, SETTINGS, FINDINGS, ENVIRONMENT, PROGRESS, PICTURE, STATE, RESULT)
IDLE, SOLVING, CANCELLING = "idle", "solving", "cancelling"

Span = Optional[Tuple[int, int]]


# Settings that no finding depends on: a check reads the whole rig, too slow to repeat for these.
_UNCHECKED = (
    "quality",
    "smoothness",
    "stiffness",
    "sparsity",
    "contour",
    "calibration_error",
    "layer",
    "apply_when_done",
    "take_folder",
)


def _unchecked_of(settings: PanelSettings) -> Dict[str, Any]:
    return {name: getattr(settings, name) for name in _UNCHECKED}


class Session:
    """The state behind one panel. Everything runs on the caller's thread; call ``tick`` while ``busy``."""

    def __init__(self, scene: Any) -> None:
        """``scene`` is a scene adapter; the settings stored in it are taken up."""
        self.scene = scene
        self.settings = PanelSettings()
        self.heads: Tuple[HeadRow, ...] = ()
        self.controls: Tuple[ControlRow, ...] = ()
        self.cameras: Tuple[CameraRow, ...] = ()
        self.findings: Tuple[Finding, ...] = ()
        self.checked = False
        self.preferences = read_preferences(scene)
        self.report: Optional[EnvironmentReport] = None
        self.run: Optional[RunStatus] = None
        self.result: Optional[ResultSummary] = None
        self.solution: Optional[Path] = None
        self.notice = ""
        self.notice_is_error = False
        self._span: Span = None  # of ``solution``: the frames that it solves again, None for a whole take
        self._shown: Optional[Solution] = None  # what ``result`` tells of: a whole take with its ranges
        self._asked: Span = None  # of the solve under way
        self._home = ""  # path of its scene, empty when that was never saved
        self._left = False  # its scene is not open any more
        self._waiting: Dict[str, Tuple[Path, Optional[float], Span]] = {}  # solved while its scene was not open
        self._unstored = False  # settings have changed since they were stored with the scene
        self._task: Optional[Union[SolveTask, InProcessTask]] = None
        self._doctor: Optional[DoctorTask] = None
        self._report: Optional[ReportTask] = None
        self._open_page: Callable[[Path], None] = lambda page: None
        self._listeners: Dict[str, List[Callable[[], None]]] = {topic: [] for topic in TOPICS}

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        """Calls ``listener`` whenever ``topic`` (one of TOPICS) changes."""
        self._listeners[topic].append(listener)

    @property
    def state(self) -> str:
        """IDLE, SOLVING or CANCELLING."""
        if self._task is None:
            return IDLE
        return CANCELLING if self._task.cancelling else SOLVING

    @property
    def busy(self) -> bool:
        """True while something runs that ``tick`` must watch."""
        return any(task is not None for task in (self._task, self._doctor, self._report))

    @property
    def testing(self) -> bool:
        """True while the solver's environment is tested."""
        return self._doctor is not None

    def used_cameras(self) -> Tuple[CameraRow, ...]:
        """The cameras that take part in the solve."""
        skipped = self.settings.skipped_cameras
        return tuple(camera for camera in self.cameras if camera.footage and camera.name not in skipped)

    # The scene and the settings

    def load(self) -> None:
        """Reads the scene afresh: on opening, on a new scene, on Refresh. The rig is read once."""
        self.keep_settings()
        with self.scene.reading_once():
            self._load()

    def _load(self) -> None:
        stored = settings_from_text(self.scene.stored_settings())
        if stored is None:
            first, last = self.scene.playback_range()
            stored = PanelSettings(first=first, last=last)
        self.settings = stored
        self.heads = self.scene.heads()
        if stored.mesh not in [head.mesh for head in self.heads]:
            selected = self.scene.selected_mesh()
            names = [head.mesh for head in self.heads]
            mesh = selected if selected in names else names[0] if names else ""
            self.settings = replace(stored, mesh=mesh, head_transform="")
        self._read_head()
        self._tell(SETTINGS, SCENE)
        self.check()

    @property
    def away(self) -> bool:
        """True while a solve runs whose scene is not open."""
        return self._task is not None and self._left

    def scene_replaced(self) -> None:
        """Another scene was opened: reads it, and shows what was solved for it in the meantime."""
        self.leave_scene()
        self.load()
        self._take_up_waiting()

    def leave_scene(self) -> None:
        """The scene that was read is gone. Its solve continues if it can come back; the result then waits for it."""
        self._unstored = False  # what was not saved with the scene went with it
        self._forget_result()
        text = ""
        self._left = self._task is not None and self._home != self.scene.scene_path()
        if self._task is not None and not self._home:
            self.close()
            text = "The solve was stopped: its scene was never saved, so it cannot be opened again."
        elif self.away:
            text = "The solve of '{}' continues; its result is kept until that scene is open again.".format(
                Path(self._home).name
            )
        if self._task is None:
            self.run = None
        self.tell_user(text)
        self._tell(PROGRESS, PICTURE, RESULT)

    def _take_up_waiting(self) -> None:
        waiting = self._waiting.pop(self.scene.scene_path(), None)
        if waiting is None:
            return
        solution, seconds, span = waiting
        if span is not None:
            self.open_last_solution()
        if self.open_solution(solution, seconds, span):
            self.tell_user("This scene was solved while another was open. Look at the result, then apply it.")

    def keep_settings(self) -> None:
        """Stores settings that have changed with the scene: before it is saved or solved, and when the panel goes."""
        if self._unstored:
            self.scene.store_settings(settings_to_text(self.settings))
            self._unstored = False

    def change(self, **values: Any) -> None:
        """Changes settings by name; see ``put``."""
        self.put(replace(self.settings, **values))

    def put(self, settings: PanelSettings) -> None:
        """Takes up ``settings`` whole; findings may be out of date until ``check``.

        They are stored with the scene by ``keep_settings``: to look around in the panel does not change the scene.
        """
        if settings == self.settings:
            return
        before = self.settings
        head_changed = settings.mesh != self.settings.mesh
        cameras_changed = settings.footage != self.settings.footage
        self.settings = settings
        if head_changed:
            self.settings = replace(settings, head_transform="")
        if head_changed or cameras_changed:
            self._read_head()
            self._tell(SCENE)
        self._unstored = True
        if replace(self.settings, **_unchecked_of(before)) != before:
            self.checked = False
        self._tell(SETTINGS)

    def use_selected_mesh(self) -> None:
        """Takes the selected mesh as the head; says so when nothing fitting is selected."""
        mesh = self.scene.selected_mesh()
        if mesh in [head.mesh for head in self.heads]:
            self.change(mesh=mesh)
        else:
            self.tell_user("Select a mesh that a blendShape deforms.", error=True)

    def check(self) -> None:
        """Runs the preflight; the findings say what stops a solve and what to do about it."""
        self.findings = self.scene.preflight(self.settings)
        self.checked = True
        self._tell(FINDINGS)

    def _read_head(self) -> None:
        head = next((head for head in self.heads if head.mesh == self.settings.mesh), None)
        if head is not None and self.settings.head_transform not in head.transforms:
            self.settings = replace(self.settings, head_transform=head.transforms[0])
        self.controls = self.scene.controls(self.settings) if self.settings.mesh else ()
        self.cameras = self.scene.cameras(self.settings)

    # The solver's environment

    def set_preferences(self, preferences: Preferences) -> None:
        """Stores the user's preferences; a change of Python makes the last test void."""
        if preferences.python != self.preferences.python:
            self.report = None
        self.preferences = preferences
        write_preferences(self.scene, preferences)
        self._tell(ENVIRONMENT)

    def test_environment(self) -> None:
        """Starts the test of the solver's environment; ``report`` is set when it is over."""
        if self._doctor is not None:
            return
        try:
            self._doctor = DoctorTask(find_interpreter(self.preferences.python))
            self.report = None
        except FacesolveError as error:
            self.report = EnvironmentReport(None, False, str(error))
        self._tell(ENVIRONMENT)

    # Solving

    def solve(self, span: Span = None) -> bool:
        """Checks, exports the take and starts the solve; ``span`` limits it to scene frames, both included.

        Returns False and leaves a notice when it cannot start; nothing in the scene is changed either way.
        """
        if self._task is not None:
            return False
        self.keep_settings()
        with self.scene.reading_once():
            return self._solve(span)

    def _solve(self, span: Span) -> bool:
        self.check()
        errors = [finding for finding in self.findings if finding.severity == ERROR]
        if errors:
            count = "1 problem stops" if len(errors) == 1 else "{} problems stop".format(len(errors))
            return self._refuse("{} the solve; see Checks.".format(count))
        try:
            kept = self._start(span)
        except (FacesolveError, OSError) as error:
            return self._refuse(str(error))
        self._asked, self._home, self._left = span, self.scene.scene_path(), False
        self.run = RunStatus.begin()
        if span is None:
            self._forget_result()
        self.tell_user(kept)
        self._tell(STATE, PROGRESS, PICTURE, RESULT)
        return True

    def cancel(self) -> None:
        """Asks the solve to stop."""
        if self._task is not None:
            self._task.cancel()
            self._tell(STATE)

    def apply(self) -> bool:
        """Keys the current solution; returns False and leaves a notice when that fails."""
        if self.solution is None:
            return self._refuse("There is no solution yet; solve first.")
        try:
            self.tell_user(self.scene.apply(self.solution, self.settings, self._span))
        except FacesolveError as error:
            return self._refuse(str(error))
        self._tell(SCENE)
        return True

    def open_last_solution(self) -> bool:
        """Shows the solution that lies in the scene's take folder, from an earlier day perhaps.

        Ranges that were solved again and applied since are shown with it.
        """
        if not self.open_solution(last_solution(self._folder())):
            return False
        for folder in self.scene.applied_ranges(self.solution):
            try:
                part = read_solution(folder)
                self._show(part if self._shown is None else with_range(self._shown, part), None)
            except FacesolveError as error:
                return self._refuse(str(error))
        return True

    def review(self, open_page: Callable[[Path], None]) -> bool:
        """Hands the report of the current solution to ``open_page``, after having it written where that is needed."""
        if self.solution is None:
            return self._refuse("There is no solution yet; solve first.")
        page = fresh_report(self.solution)
        if page is not None:
            open_page(page)
            return True
        if self._report is None:
            try:
                self._report = ReportTask(self.solution, find_interpreter(self.preferences.python))
            except FacesolveError as error:
                return self._refuse(str(error))
        self._open_page = open_page
        self.tell_user("Writing the report…")
        return True

    def open_solution(self, folder: Path, seconds: Optional[float] = None, span: Span = None) -> bool:
        """Shows the solution in ``folder``; returns False and leaves a notice when it cannot be read.

        ``span``: the frames that it solves again, so that it is shown within what was shown before.
        """
        try:
            found = read_solution(folder)
        except FacesolveError as error:
            return self._refuse(str(error))
        self.solution, self._span = Path(folder), span
        if span is not None and self._shown is not None:
            found = with_range(self._shown, found)
        self._show(found, seconds)
        return True

    def _show(self, solution: Solution, seconds: Optional[float]) -> None:
        ranges = {control.name: control.maximum - control.minimum for control in self.controls}
        self._shown, self.result = solution, summarize(solution, ranges, seconds)
        self._tell(RESULT, STATE)

    def _forget_result(self) -> None:
        self.result, self.solution, self._span, self._shown = None, None, None, None

    def tick(self) -> None:
        """Looks after whatever runs; never blocks. Call about ten times a second while ``busy``."""
        if self._task is not None and not self._left:
            self._home = self.scene.scene_path()  # the scene may be saved under another name meanwhile
        if self._doctor is not None:
            self._doctor.poll()
            if self._doctor.report is not None:
                self.report, self._doctor = self._doctor.report, None
                self._tell(ENVIRONMENT)
        if self._report is not None:
            self._report.poll()
            self._finish_report(self._report)
        if self._task is not None:
            events = self._task.poll()
            fresh_picture = self.run is not None and self.run.take(events)
            self._tell(PROGRESS)
            if fresh_picture:
                self._tell(PICTURE)
            if self._task.outcome is not None:
                self._finish(self._task.outcome)

    def close(self) -> None:
        """Ends whatever runs and keeps the settings; the panel or Maya is going away."""
        self.keep_settings()
        if self._doctor is not None:
            self._doctor.kill()
            self._doctor = None
        if self._report is not None:
            self._report.kill()
            self._report = None
        if self._task is not None:
            self._task.kill()
            self._task = None

    def _start(self, span: Span) -> str:
        """Exports the take and starts the solver; returns what the user should know about the export."""
        in_process = self.preferences.in_process
        obstacle = in_process_obstacle() if in_process else None
        if obstacle:
            raise SolveError("{} Turn off 'solve inside Maya' to use the solver's own Python.".format(obstacle))
        interpreter = None if in_process else find_interpreter(self.preferences.python)
        folder = next_folder(self._folder(), span)
        take = folder / "take"
        kept = self.scene.export(self.settings, take, span)
        # the take in this folder has just been exported anew, so the solution in it is of no more use
        request = SolveRequest(take, folder / "solution", device=self.preferences.device, overwrite=True)
        self._task = InProcessTask(request) if interpreter is None else start_solve(request, interpreter)
        return kept

    def _folder(self) -> Path:
        return Path(self.settings.take_folder) if self.settings.take_folder else self.scene.default_take_folder()

    def _finish_report(self, report: ReportTask) -> None:
        if report.page is None and not report.error:
            return
        self._report = None
        self.tell_user(report.error, error=bool(report.error))
        if report.page is not None:
            self._open_page(report.page)

    def _finish(self, outcome: Outcome) -> None:
        self._task = None
        if outcome.status == DONE:
            seconds = None if self.run is None else self.run.seconds
            if self._left:
                self._waiting[self._home] = (outcome.out, seconds, self._asked)
                self.tell_user("'{}' is solved. Open it to look at the result.".format(Path(self._home).name))
            elif self.open_solution(outcome.out, seconds, self._asked) and self.settings.apply_when_done:
                self.apply()
        elif outcome.status == CANCELLED:
            self.tell_user("Cancelled. The scene is as it was.")
        else:
            self.tell_user("{}\nThe scene is as it was.".format(outcome.text), error=True)
        self._tell(STATE)

    def _refuse(self, text: str) -> bool:
        self.tell_user(text, error=True)
        return False

    def tell_user(self, text: str, error: bool = False) -> None:
        """Shows one sentence at the foot of the panel."""
        self.notice, self.notice_is_error = text, error
        self._tell(STATE)

    def _tell(self, *topics: str) -> None:
        for topic in topics:
            for listener in self._listeners[topic]:
                listener()
