"""The panel without its widgets: what is stored, checked, solved and applied. Needs neither Qt nor maya."""

import sys
import time

from facesolve.take import write_solution
from facesolve.take.finding import ERROR, Finding, findings_record
from facesolve.take.requests import Solve
from facesolve_maya.ui.bulletin import RESULT, TOPICS
from facesolve_maya.ui.model import ControlChoice
from facesolve_maya.ui.preferences import Preferences
from facesolve_maya.ui.session import Session
from facesolve_maya.ui.solving import CANCELLING, IDLE, SOLVING
from tests.facesolve_maya.ui.fake_scene import part, write_fake_solution


def finish(session, seconds=30.0):
    end = time.monotonic() + seconds
    while session.busy:
        assert time.monotonic() < end, "waited too long"
        session.tick()
        time.sleep(0.01)


def solve(session, solver, **behavior):
    session.scene.behavior = behavior
    solver(session.scene)
    assert session.solve(), session.notice
    finish(session)


def test_a_new_scene_starts_from_the_timeline_and_the_first_head(session):
    assert (session.settings.first, session.settings.last) == (1001, 1040)
    assert (session.settings.mesh, session.settings.head_transform) == ("face_GEO", "head_GRP")
    assert session.checked


def test_opening_stores_nothing(session):
    assert session.scene.stored == ""


def test_settings_come_back_from_the_scene(session):
    session.change(quality="final", last=1020)
    session.put(session.settings.with_choice("jawOpen", ControlChoice(active=False)))
    assert session.scene.stored == "", "looking around in the panel changes no scene"
    session.keep_settings()
    again = Session(session.scene)
    again.load()
    assert again.settings == session.settings


def test_settings_for_a_mesh_that_is_gone_take_another(session):
    session.scene.selection = "extra:stunt_GEO"
    session.change(mesh="gone_GEO")
    session.load()
    assert session.settings.mesh == "extra:stunt_GEO"
    assert session.settings.head_transform == "extra:stunt_GEO"


def test_only_changes_that_matter_call_for_a_new_check(session):
    session.change(quality="draft", smoothness=0.2, layer="x")
    assert session.checked
    session.change(last=1020)
    assert not session.checked


def test_another_head_brings_its_own_controls(session):
    session.change(mesh="extra:stunt_GEO")
    assert [control.name for control in session.controls] == ["open"]
    assert session.settings.head_transform == "extra:stunt_GEO"


def test_a_selection_that_is_no_head_is_said(session):
    session.scene.selection = "pCube1"
    session.use_selected_mesh()
    assert session.notice_is_error
    assert session.settings.mesh == "face_GEO"


def test_a_good_solve_exports_solves_applies(session, solver):
    solve(session, solver)
    settings, folder, span = session.scene.exported[0]
    assert (settings, span) == (session.settings, None)
    assert session.scene.applied == [(folder.parent / "solution", None)]
    assert not session.notice_is_error
    assert session.results.summary.seconds == 0.25
    assert session.state == IDLE


def test_without_apply_when_done_the_scene_is_left_alone(session, solver):
    session.change(apply_when_done=False)
    solve(session, solver)
    assert session.scene.applied == []
    assert session.apply()
    assert len(session.scene.applied) == 1


def test_a_failed_solve_leaves_the_scene_untouched(session, solver):
    solve(session, solver, error="camera 'cam1': frame 7 is truncated.", code=2)
    assert session.scene.applied == []
    assert session.results.summary is None
    assert session.notice.startswith("camera 'cam1': frame 7 is truncated.")
    assert session.notice_is_error


def test_findings_of_severity_error_stop_the_solve(session, solver):
    session.scene.extra_findings = (Finding(ERROR, "cam0", "cam0 is orthographic.", "Use a perspective camera."),)
    assert not session.solve()
    assert session.scene.exported == []
    assert "1 problem stops" in session.notice


def test_without_a_python_nothing_is_exported(session, monkeypatch, tmp_path):
    monkeypatch.setenv("FACESOLVE_PYTHON", str(tmp_path / "none"))
    assert not session.solve()
    assert "FACESOLVE_PYTHON" in session.notice
    assert session.scene.exported == []


def test_an_error_while_applying_is_said(session, solver):
    session.scene.apply_error = "face_BS.jawOpen is locked; unlock it."
    solve(session, solver)
    assert session.notice == "face_BS.jawOpen is locked; unlock it."
    assert session.results.summary is not None


def test_cancel_ends_the_solve_and_changes_nothing(session, solver):
    session.scene.behavior = {"work": True}
    assert session.solve()
    assert session.state == SOLVING
    while session.solving.run.total != 600:
        session.tick()
        time.sleep(0.01)
    session.cancel()
    assert session.state == CANCELLING
    finish(session)
    assert session.scene.applied == []
    assert session.notice == "Cancelled. The scene is as it was."
    assert not session.notice_is_error


def test_a_second_solve_does_not_start_beside_the_first(session, solver):
    session.scene.behavior = {"work": True}
    assert session.solve()
    assert not session.solve()
    assert len(session.scene.exported) == 1


def leave_for(session, path, solver):
    """Starts a solve and opens another scene while it runs."""
    home = session.scene.path
    solver(session.scene)
    session.scene.behavior = {"seconds": 0.5}
    assert session.solve()
    session.scene.path = path
    session.scene_replaced()
    return home


def test_a_solve_goes_on_while_another_scene_is_open_and_waits_for_its_own(session, solver):
    home = leave_for(session, "/projects/rom/scenes/other.ma", solver)
    assert (session.state, session.solving.away) == (SOLVING, True)
    assert "continues" in session.notice
    finish(session)
    assert session.notice == "'rom 012.ma' is solved. Open it to look at the result."
    assert (session.results.summary, session.scene.applied) == (None, [])
    session.scene.path = home
    session.scene_replaced()
    assert len(session.results.summary.frames) == 40
    assert session.scene.applied == []
    assert session.apply()
    session.scene_replaced()
    assert session.results.summary is None, "it is offered once"


def test_a_solve_whose_scene_is_open_again_when_it_ends_is_applied(session, solver):
    home = leave_for(session, "/projects/rom/scenes/other.ma", solver)
    session.scene.path = home
    session.scene_replaced()
    assert not session.solving.away
    finish(session)
    assert len(session.scene.applied) == 1


def test_a_scene_that_is_saved_under_another_name_while_it_is_solved_keeps_its_solve(session, solver):
    solver(session.scene)
    session.scene.behavior = {"seconds": 0.5}
    assert session.solve()
    session.scene.path = "/projects/rom/scenes/rom 013.ma"
    session.tick()
    assert not session.solving.away
    finish(session)
    assert len(session.scene.applied) == 1


def test_a_solve_of_a_scene_that_was_never_saved_ends_with_it(session, solver):
    session.scene.path = ""
    session.scene.behavior = {"work": True}
    session.solve()
    session.scene.path = "/projects/rom/scenes/other.ma"
    session.scene_replaced()
    assert session.state == IDLE
    assert not session.busy
    assert "never saved" in session.notice


def test_changes_of_the_old_scene_are_not_stored_in_the_new_one(session):
    session.change(quality="final")
    session.scene_replaced()
    session.close()
    assert session.scene.stored == ""


def test_settings_are_stored_when_a_solve_starts_and_when_the_panel_goes(session, solver):
    session.change(quality="final")
    solve(session, solver)
    assert "final" in session.scene.stored
    session.change(quality="draft")
    session.close()
    assert "draft" in session.scene.stored


def test_each_solve_has_a_folder_of_its_own(session, solver):
    solve(session, solver)
    solve(session, solver)
    first, second = [folder.parent for _, folder, _ in session.scene.exported]
    assert (first.name, second.name) == ("solve_1", "solve_2")
    assert (first / "solution" / "solution.json").is_file()
    session.open_last_solution()
    assert session.results.folder == second / "solution"


def test_a_range_reaches_export_and_apply(session, solver):
    for _ in range(2):
        assert session.solve((1010, 1020))
        finish(session)
    assert [span for _, _, span in session.scene.exported] == [(1010, 1020), (1010, 1020)]
    assert [span for _, span in session.scene.applied] == [(1010, 1020), (1010, 1020)]
    folders = [folder.parent for _, folder, _ in session.scene.exported]
    assert [folder.name for folder in folders] == ["range_1010-1020", "range_1010-1020_2"]
    assert [solution.parent for solution, _ in session.scene.applied] == folders


def levels(session):
    return {frame.time: frame.level for frame in session.results.summary.frames if frame.level}


def test_a_range_is_shown_within_the_take_that_it_belongs_to(session, solver):
    solve(session, solver)
    assert set(levels(session)) > {1028.0, 1036.0}
    assert session.solve((1025, 1030))
    assert session.notice == "Solving 1025-1030 again, keeping 2 of your keys."
    assert len(session.results.summary.frames) == 40, "the take stays in view while a range is solved"
    finish(session)
    assert [frame.time for frame in session.results.summary.frames] == [1001.0 + row for row in range(40)]
    assert 1028.0 not in levels(session)
    assert 1036.0 in levels(session)


def test_a_cancelled_range_leaves_the_result_as_it_was(session, solver):
    solve(session, solver)
    before, solution = session.results.summary, session.results.folder
    session.scene.behavior = {"work": True}
    assert session.solve((1025, 1030))
    session.cancel()
    finish(session)
    assert (session.results.summary, session.results.folder) == (before, solution)
    assert session.apply()
    assert session.scene.applied[-1] == (solution, None), "the span is that of the solution, not of the cancelled solve"


def test_ranges_of_an_earlier_day_are_shown_with_the_last_solution(session, solver, tmp_path):
    solver(session.scene)
    write_solution(part(1025, 1030), tmp_path / "range" / "solution")
    session.scene.ranges = (tmp_path / "range" / "solution",)
    assert session.open_last_solution()
    assert 1028.0 not in levels(session)
    assert len(session.results.summary.frames) == 40
    session.apply()
    assert session.scene.applied[-1][1] is None
    session.scene.ranges = (tmp_path / "gone",)
    assert not session.open_last_solution()
    assert "solution.json" in session.notice


def test_a_solution_that_cannot_be_read_is_said(session, tmp_path):
    assert not session.open_solution(tmp_path / "none")
    assert "solution.json" in session.notice


def test_the_last_solution_is_found_again(session, solver):
    solver(session.scene)
    assert session.open_last_solution()
    assert len(session.results.summary.frames) == 40


def test_review_opens_a_fresh_report_at_once_and_writes_a_missing_one(session, solver, tmp_path):
    solver(session.scene)
    session.open_last_solution()
    opened = []
    code = "import sys; open(sys.argv[sys.argv.index('--out') + 1], 'w').write('page')"
    (tmp_path / "module" / "solver" / "facesolve" / "__main__.py").write_text(code)
    assert session.review(opened.append)
    assert opened == []
    finish(session)
    assert opened == [session.results.folder / "report.html"]
    assert session.review(opened.append)
    assert len(opened) == 2


def test_a_report_that_fails_is_said(session, solver, tmp_path):
    solver(session.scene)
    session.open_last_solution()
    for words, shown in (
        ("facesolve: error: the video needs PyAV; install it.", "the video needs PyAV; install it."),
        ("MemoryError", "MemoryError"),
        ("", "the solver gave no reason."),
    ):
        (tmp_path / "module" / "solver" / "facesolve" / "__main__.py").write_text(f"raise SystemExit({words!r} or 1)")
        session.review(lambda page: None)
        finish(session)
        assert session.notice == "The report could not be written: " + shown
        assert session.notice_is_error


def test_the_environment_test_reports(session, solver, tmp_path):
    missing = Finding(ERROR, "torch", "not installed", "pip install torch")
    code = "import json; print(json.dumps({}))".format(findings_record("facesolve doctor", [missing]))
    (tmp_path / "module" / "solver" / "facesolve" / "__main__.py").write_text(code)
    session.python.test()
    assert session.python.busy
    finish(session)
    assert not session.python.report.ready
    session.python.set_preferences(Preferences(python=sys.executable, device="cpu"))
    assert session.python.report is None
    assert Session(session.scene).python.preferences == Preferences(sys.executable, "cpu")


def test_in_process_without_torch_says_how_to_turn_it_off(session, monkeypatch):
    monkeypatch.setattr("facesolve_maya.ui.starting.in_process_obstacle", lambda: "This Python lacks torch.")
    session.python.set_preferences(Preferences(in_process=True))
    assert not session.solve()
    assert "lacks torch" in session.notice
    assert session.scene.exported == []


def test_listeners_hear_of_every_topic(session, solver):
    heard = set()
    for topic in TOPICS:
        session.listen(topic, lambda topic=topic: heard.add(topic))
    session.load()
    session.python.set_preferences(session.python.preferences)
    solve(session, solver)
    assert heard == set(TOPICS)
    assert RESULT in heard


def test_an_edit_whose_solver_is_killed_is_not_waited_for_and_can_be_asked_again(session, scene, tmp_path, monkeypatch):
    class Killed:
        ended = True

        def __init__(self, *_):
            self.asked = []

        def ask(self, request):
            self.asked.append(request)

        def poll(self):
            return []

        def kill(self):
            return None

    monkeypatch.setattr("facesolve_maya.ui.viewer.ServeTask", Killed)
    monkeypatch.setenv("FACESOLVE_PYTHON", sys.executable)
    write_fake_solution(tmp_path / "solve_1" / "solution")
    half = tmp_path / "solve_1" / "solution" / "pictures" / "camera0.1.edges.jpg.5f.part"
    half.parent.mkdir()
    half.write_bytes(b"half")
    session.change(take_folder=str(tmp_path))
    session.open_last_solution()
    for _ in range(2):
        assert session.viewer.answer(Solve(str(tmp_path / "edit_1" / "solution")))
        session.tick()
        assert not session.viewer.answering
        assert "Press 'Solve around edits' again" in session.notice
    assert not half.exists(), "a picture that was being written"


def test_another_take_folder_shows_what_was_solved_there(session, scene, tmp_path):
    write_fake_solution(tmp_path / "elsewhere" / "solve_1" / "solution")
    assert session.results.rows == ()
    session.change(take_folder=str(tmp_path / "elsewhere"))
    assert [row.number for row in session.results.rows] == [1]
