"""What the panel does: holds the settings, checks, solves, applies, finds the head. Knows neither Qt nor maya.

The scene is reached through a scene adapter (``ui.scene.MayaScene``), windows through listeners.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Tuple

from facesolve.take.errors import FacesolveError
from facesolve.take.finding import ERROR, Finding
from facesolve.take.verdict import DOUBTFUL

from .bulletin import FINDINGS, PICTURE, PROGRESS, RESULT, SCENE, SETTINGS, STATE, Bulletin
from .document import settings_from_text, settings_to_text
from .edits import edit_request, span_of
from .head_search import HeadSearch
from .in_maya import InMaya
from .installing import Installing
from .mistake_search import MistakeSearch
from .model import CameraRow, ControlRow, HeadRow, PanelSettings
from .personalizing import Personalizing
from .reporting import Reporting
from .rest import resting, with_rest
from .results import Results, Span
from .reviewing import Reviewing
from .sampling import Sampling
from .solve_folders import next_folder
from .solver_python import SolverPython
from .solving import Solved, Solving
from .starting import check_solver, solve_request, start
from .viewer import Viewer


class Session(Bulletin):
    """The state behind one panel. Everything runs on the caller's thread; call ``tick`` while ``busy``.

    ``python``, ``installing``, ``solving``, ``results``, ``reporting``, ``head_search``, ``mistake_search``,
    ``personalizing``, ``sampling``, ``in_maya``, ``reviewing``, ``viewer`` and ``other_viewer`` (pictures of the
    solution shown, and of the one that it is compared with) hold their own parts.
    """

    def __init__(self, scene: Any) -> None:
        """``scene`` is a scene adapter; the settings stored in it are taken up."""
        super().__init__()
        self.scene = scene
        self.settings = PanelSettings()
        self.heads: Tuple[HeadRow, ...] = ()
        self.controls: Tuple[ControlRow, ...] = ()
        self.cameras: Tuple[CameraRow, ...] = ()
        self.stage: Any = None  # of the cameras that came from a calibration, as the scene adapter has it
        self.findings: Tuple[Finding, ...] = ()
        self.checked = False
        self.doing = ""  # what the scene is read for right now
        self.python = SolverPython(self, scene)
        self.results = Results(self, scene)
        self.solving = Solving(self, scene.scene_path, self._solved, self._look_for_solves)
        self.installing = Installing(self, self.python.test)
        self.reporting = Reporting(self, self.python.interpreter)
        self.viewer = Viewer(self, self.python.interpreter, self._device, self._answered)
        self.other_viewer = Viewer(self, self.python.interpreter, self._device)
        self.head_search = HeadSearch(self, scene)
        self.mistake_search = MistakeSearch(self, scene, self._found_mistakes)
        self.personalizing = Personalizing(self, scene)
        self.sampling = Sampling(self, scene)
        self.in_maya = InMaya(self, scene, self.results)
        self.reviewing = Reviewing(self, self.results)
        self._parts = (
            self.python,
            self.installing,
            self.reporting,
            self.viewer,
            self.other_viewer,
            self.head_search,
            self.mistake_search,
            self.personalizing,
        )
        self._unstored = False  # settings have changed since they were stored with the scene

    @property
    def state(self) -> str:
        """IDLE, SOLVING or CANCELLING."""
        return self.solving.state

    @property
    def busy(self) -> bool:
        """True while something runs that ``tick`` must watch."""
        return self.solving.task is not None or any(part.busy for part in self._parts)

    def used_cameras(self) -> Tuple[CameraRow, ...]:
        """The cameras that take part in the solve."""
        skipped = self.settings.skipped_cameras
        return tuple(camera for camera in self.cameras if camera.footage and camera.name not in skipped)

    # The scene and the settings

    def load(self) -> None:
        """Reads the scene afresh: on opening, on a new scene, on Refresh. The rig is read once."""
        self.keep_settings()
        with self._at_work("Reading the rig…"), self.scene.reading_once():
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
        self.tell(SETTINGS, SCENE)
        self.check()
        self._look_for_solves()

    def scene_replaced(self) -> None:
        """Another scene was opened: reads it, and shows what was solved for it in the meantime."""
        self.leave_scene()
        self.load()
        waiting = self.solving.take_waiting()
        if waiting is not None and self._show(waiting):
            self.tell_user("This scene was solved while another was open. Look at the result, then apply it.")

    def leave_scene(self) -> None:
        """The scene that was read is gone. Its solve continues if it can come back; the result then waits for it."""
        self._unstored = False  # what was not saved with the scene went with it
        self._forget_result()
        self.head_search.close()
        self.mistake_search.close()
        self.personalizing.close()
        self.tell_user(self.solving.leave_scene())
        self.tell(PROGRESS, PICTURE, RESULT)

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
            self.settings = settings.for_another_head(before)
        if head_changed or cameras_changed or self.settings.sampled != before.sampled:
            self._read_head()
            self.tell(SCENE)
        self._unstored = True
        if settings.take_folder != before.take_folder:
            self._look_for_solves()
        if self.settings.needs_check_after(before):
            self.checked = False
        self.tell(SETTINGS)

    def use_selected_mesh(self) -> None:
        """Takes the selected mesh as the head; says so when nothing fitting is selected."""
        mesh = self.scene.selected_mesh()
        if mesh in [head.mesh for head in self.heads]:
            self.change(mesh=mesh)
        else:
            self.tell_user("Select a mesh that a blendShape deforms.", error=True)

    def toggle_rest(self) -> None:
        """Takes the controls' present values for where they rest; back to the attributes' defaults if that was so."""
        there = resting(self.settings, self.controls)
        values = [] if there else self.scene.values([row.plug for row in self.controls])
        self.put(with_rest(self.settings, self.controls, values))
        text = "{} controls rest away from their default, as at frame {:g}."
        off = resting(self.settings, self.controls)
        self.tell_user(text.format(off, self.scene.current_time()) if off else "Controls rest at their defaults.")

    def check(self) -> None:
        """Runs the preflight; the findings say what stops a solve and what to do about it."""
        with self._at_work("Checking the scene…"):
            self.findings = self.scene.preflight(self.settings)
        self.checked = True
        self.tell(FINDINGS)

    def look_for_mistakes(self) -> bool:
        """Has the mistake looked for that keeps the cameras from agreeing; what is found joins the findings."""
        return self._search(self.mistake_search)

    def _found_mistakes(self, found: Tuple[Finding, ...]) -> None:
        known = {finding.text for finding in found}
        self.findings = (*found, *(finding for finding in self.findings if finding.text not in known))
        self.tell(FINDINGS)

    def _read_head(self) -> None:
        head = next((head for head in self.heads if head.mesh == self.settings.mesh), None)
        if head is not None and self.settings.head_transform not in head.transforms:
            self.settings = replace(self.settings, head_transform=head.transforms[0])
        self.controls = self.scene.controls(self.settings) if self.settings.mesh else ()
        self.cameras, self.stage = self.scene.cameras(self.settings), self.scene.stage()

    def place_stage(self, stage: Any) -> bool:
        """Moves the cameras' group to where ``stage`` says, in one undo, and checks again."""
        if not self.attempt(lambda: self.scene.place_stage(self.stage.group, stage, self.settings)):
            return False
        self.stage = self.scene.stage()
        self.tell(SCENE)
        self.check()
        return True

    def folder(self) -> Path:
        """Where the takes and solutions of the scene lie."""
        return Path(self.settings.take_folder) if self.settings.take_folder else self.scene.default_take_folder()

    # Solving

    def solve(self, span: Span = None) -> bool:
        """Checks, exports the take and starts the solve; ``span`` limits it to scene frames, both included.

        Returns False and leaves a notice when it cannot start; nothing in the scene is changed either way.
        """
        if self.solving.task is not None:
            return False
        self.keep_settings()
        with self._at_work("Reading the rig and writing the take…"), self.scene.reading_once():
            return self._solve(span)

    def resume(self) -> bool:
        """Continues the solve of the whole take that was stopped last, with the settings that it had."""
        stopped = self.results.stopped
        if self.solving.task is not None or stopped is None:
            return self.refuse("There is no stopped solve to continue.")
        try:
            check_solver(self.python)
            self.solving.begin(
                start(solve_request(stopped.parent, None, self._device(), resume=True), self.python), None
            )
        except (FacesolveError, OSError) as error:
            return self.refuse(str(error))
        self._begun(None, "")
        return True

    def _solve(self, span: Span) -> bool:
        self.check()
        errors = [finding for finding in self.findings if finding.severity == ERROR]
        if errors:
            count = "1 problem stops" if len(errors) == 1 else "{} problems stop".format(len(errors))
            return self.refuse("{} the solve; see Checks.".format(count))
        try:
            check_solver(self.python)  # without one an export would be for nothing
            folder = next_folder(self.folder(), span)
            kept = self.scene.export(self.settings, folder / "take", span)
            self.solving.begin(start(solve_request(folder, span, self._device()), self.python), span)
        except (FacesolveError, OSError) as error:
            return self.refuse(str(error))
        self._begun(span, kept)
        return True

    def _begun(self, span: Span, notice: str) -> None:
        self.viewer.close()  # both processors are for the solve
        self.other_viewer.close()
        if span is None:
            self._forget_result()
        self.tell_user(notice)
        self.tell(STATE, PROGRESS, PICTURE, RESULT)

    def _solved(self, solved: Solved) -> None:
        if self._show(solved) and self.settings.apply_when_done:
            self.apply()

    def cancel(self) -> None:
        """Asks the solve to stop."""
        self.solving.cancel()

    # Results

    def apply(self, sure: bool = False) -> bool:
        """Keys the current solution; returns False and leaves a notice when that fails.

        A solution that is in doubt is keyed only when the user is ``sure``: until then ``results.asking`` is True.
        """
        results = self.results
        if results.folder is None:
            return self.refuse("There is no solution yet; solve first.")
        verdict = results.verdict
        results.asking = verdict is not None and verdict.asks and not sure
        if results.asking and verdict is not None:
            self.tell_user("Not applied: the solve {}. Press 'Apply anyway' to key it.".format(_said(verdict.verdict)))
            self.tell(RESULT)
            return False
        try:
            self.tell_user(self.scene.apply(results.folder, self.settings, results.span))
        except FacesolveError as error:
            return self.refuse(str(error))
        self.tell(SCENE, RESULT)
        return True

    def open_solution(self, folder: Path, seconds: Optional[float] = None, span: Span = None) -> bool:
        """Shows the solution in ``folder``; returns False and leaves a notice when it cannot be read."""
        found = self.results.open(folder, self.controls, seconds, span)
        self._look_at_result()
        return found

    def open_last_solution(self) -> bool:
        """Shows the last solution of the scene's folder, from an earlier day perhaps, with its ranges."""
        found = self.results.open_last(self.folder(), self.controls)
        self._look_at_result()
        return found

    def compare_with(self, folder: Optional[Path]) -> None:
        """Takes another solve of this scene to look at in turn with the one that is shown."""
        self.results.compare_with(folder)
        self.other_viewer.show(folder, self.results.shown)

    def review(self, open_page: Callable[[Path], None]) -> bool:
        """Hands the report of the current solution to ``open_page``, after having it written where that is needed."""
        return self.reporting.show(self.results.folder, open_page)

    def _show(self, solved: Solved) -> bool:
        if solved.span is not None and self.results.shown is None:
            self.results.open_last(self.folder(), self.controls)
        return self.open_solution(solved.folder, solved.seconds, solved.span)

    def _look_for_solves(self) -> None:
        self.results.look_for_rows(self.folder())

    def _look_at_result(self) -> None:
        self.viewer.show(self.results.folder, self.results.shown)
        self.tell(STATE)

    def _forget_result(self) -> None:
        self.results.forget()
        self.viewer.show(None, None)
        self.other_viewer.show(None, None)

    def solve_around_edits(self) -> bool:
        """Has the frames around the keys that were changed since Apply solved, by what the solve kept in memory."""
        folder = self.results.folder
        if folder is None or self.results.span is not None or not self.viewer.can_answer:
            return self.refuse("Solve the whole take first: only then edits can be answered at once.")
        try:
            request = edit_request(self.scene, folder, self.folder())
        except FacesolveError as error:
            return self.refuse(str(error))
        if request is None:
            return self.refuse("No key has been changed since the solve was applied.")
        self.tell_user("Solving around {} of your keys…".format(len(request.pins) + len(request.head_pins)))
        return self.viewer.answer(request)

    def _answered(self, folder: Path) -> None:
        """An edit was answered: its frames go into the layer."""
        try:
            self.tell_user(self.scene.apply(folder, self.settings, span_of(folder)))
        except FacesolveError as error:
            self.tell_user(str(error), error=True)
        self.tell(SCENE, RESULT)

    def _device(self) -> str:
        return self.python.preferences.device

    def reduce_keys(self, tolerance: float) -> bool:
        """Thins out the keys of the applied result; the surface moves by at most ``tolerance`` millimeters."""
        return self.attempt(lambda: self.scene.reduce_keys(tolerance))

    # The start pose

    def find_head(self) -> bool:
        """Has the head looked for at the first frame; ``head_search.found`` is set when that is over."""
        return self._search(self.head_search)

    def take_head(self) -> bool:
        """Poses head and controls as they were found, in one undo."""
        if not self.head_search.take(self.settings):
            return False
        self.check()
        self.tell(SCENE)
        return True

    # The actor

    def personalize(self) -> bool:
        """Has the rig brought to the actor; ``personalizing.found`` is set when that is over."""
        return self._search(self.personalizing)

    def take_actor(self) -> None:
        """The next solves begin with the profile that was found."""
        path = self.personalizing.taken()
        if path:
            self.change(actor=path)

    # Whatever runs

    def _search(self, part: Any) -> bool:
        with self._at_work("Reading the rig and writing the take…"), self.scene.reading_once():
            try:
                return bool(part.begin(self.settings, self.folder(), self.python.interpreter(), self._device()))
            except (FacesolveError, OSError) as error:
                return self.refuse(str(error))

    @contextmanager
    def _at_work(self, words: str) -> Iterator[None]:
        """What is done inside reads the scene, and Maya stands still meanwhile: ``doing`` says so."""
        outer, self.doing = self.doing, self.doing or words
        self.tell(PROGRESS)
        try:
            yield
        finally:
            self.doing = outer
            self.tell(PROGRESS)

    def tick(self) -> None:
        """Looks after whatever runs; never blocks. Call about ten times a second while ``busy``."""
        for part in self._parts:
            part.tick()
        self.solving.tick()

    def close(self) -> None:
        """Ends whatever runs and keeps the settings; the panel or Maya is going away."""
        self.keep_settings()
        self.solving.kill()
        for part in self._parts:
            part.close()


def _said(verdict: str) -> str:
    """The verdict as the end of a sentence about a solve."""
    return "is {}".format(verdict) if verdict == DOUBTFUL else verdict
