"""The report looked into: one camera, wipe, loupe, the head in three dimensions, and decisions that are kept."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.review.report.head import head_record
from facesolve.review.report.page import Film
from facesolve.review.report.skin import PLAIN, skin_record
from facesolve.review.report.thinning import fans, thinned
from facesolve.take import Rig, Solution, Take, TakeError, write_solution, write_take
from facesolve.take.review import ReviewMark, read_review, write_review
from facesolve.take.rig_evaluation import RigEvaluator

from ..filmed import Filmed
from . import troubled

CELLS = (("front", 0, 0, 48, 64), ("top", 48, 0, 48, 64))


@pytest.fixture
def pictured(films: list[Film]) -> list[Film]:
    """The films, two cameras side by side in each."""
    return [replace(film, size=(96, 64), cells=CELLS) for film in films]


def test_one_camera_fills_the_screen_and_two_films_are_wiped(
    open_report: Callable[..., Any], pictured: list[Film]
) -> None:
    tab = open_report(shown_films=pictured)
    if not tab.has_video():
        pytest.skip("this browser plays no H.264")
    box = "document.querySelector('.viewport').getBoundingClientRect()"
    shape = f"({box}.width / {box}.height)"
    tab.until(f"Math.abs({shape} - 1.5) < 0.02")
    tab.page.select_option("#solo", "top")
    tab.until(f"Math.abs({shape} - 0.75) < 0.02")
    video = tab.page.locator(".viewport video").first
    assert video.evaluate("video => video.style.left") == "-100%"
    tab.page.select_option("#wipe", "1")
    tab.page.locator("#wipe-place").fill("20")
    assert tab.page.locator(".cover").evaluate("cover => cover.style.clipPath") == "inset(0px 0px 0px 20%)"
    for _ in range(3):
        tab.page.keyboard.press("ArrowRight")
    times = "[...document.querySelectorAll('.viewport video')].map(video => Math.floor(video.currentTime * 24))"
    tab.until(f"{times}.every(frame => frame === 3)")
    tab.page.select_option("#loupe", label="Loupe: mouth")
    tab.until("document.querySelectorAll('.loupe canvas').length === 1")
    tab.page.select_option("#solo", "")
    tab.until("document.querySelectorAll('.loupe canvas').length === 2")


def test_a_frame_is_held_against_its_neighbors_and_its_controls_are_named(
    open_report: Callable[..., Any], pictured: list[Film]
) -> None:
    tab = open_report(shown_films=pictured)
    tab.page.fill("#frame-number", str(troubled.SPIKE + 1))
    tab.page.press("#frame-number", "Enter")
    assert tab.text("#moment-title").startswith(f"Frame {troubled.SPIKE + 1}")
    assert "× the usual error in top" in tab.text("#moment-about")
    worst = tab.page.locator("#causes tbody tr").first
    assert worst.inner_text().startswith("smile_L")
    off = 0.5 * np.sqrt(3) * 10  # millimeters: the spike times what the control moves
    assert f"{off:.2f} mm" in worst.inner_text()
    worst.get_by_role("button").click()
    assert tab.page.locator("#readout li").count() == 1
    if not tab.has_video():
        return
    tab.page.locator("#moment-panel").scroll_into_view_if_needed()
    shown = "[...document.querySelectorAll('#neighbors canvas')].map((one) => one.dataset.frame).join()"
    tab.until(f"{shown} === '{troubled.SPIKE - 1},{troubled.SPIKE},{troubled.SPIKE + 1}'")
    first = "one.getContext('2d').getImageData(9, 9, 1, 1).data[0]"
    gray = f"[...document.querySelectorAll('#neighbors canvas')].map((one) => {first})"
    wanted = [troubled.GRAY + troubled.GRAY_STEP * (troubled.SPIKE + step) for step in (-1, 0, 1)]
    np.testing.assert_allclose(tab.page.evaluate(gray), wanted, atol=2)
    size = "(({ width, height }) => [width, height])(document.querySelector('#neighbors canvas'))"
    assert tab.page.evaluate(size) == [48, 64]  # the worst camera's picture alone
    tab.page.select_option("#solo", "front")
    tab.until("document.querySelector('#neighbors .here figcaption').textContent.endsWith('front')")


def test_the_sound_of_the_footage_plays_with_it(open_report: Callable[..., Any], pictured: list[Film]) -> None:
    tab = open_report(shown_films=pictured)
    if not tab.has_video():
        pytest.skip("this browser plays no H.264")
    video = "document.querySelector('.viewport video')"
    assert tab.page.evaluate(f"{video}.muted")
    tab.page.get_by_role("button", name="sound").click()
    assert not tab.page.evaluate(f"{video}.muted")
    tab.page.keyboard.press("Space")
    tab.until(f"{video}.webkitAudioDecodedByteCount > 0")
    tab.page.keyboard.press("m")
    assert tab.page.evaluate(f"{video}.muted")
    tab.page.keyboard.press("Space")


def test_decisions_are_listed_and_saved_as_the_file_that_facesolve_reads(
    open_report: Callable[..., Any], tmp_path: Path
) -> None:
    tab = open_report()
    assert "<b>lids</b>" in tab.text("#mark-list")
    tab.page.evaluate("window.showSaveFilePicker = undefined")
    tab.page.fill("#mark-first", "12")
    tab.page.fill("#mark-last", "9")
    tab.page.fill("#mark-text", "mouth opens late")
    tab.page.get_by_role("button", name="Rejected for these frames").click()
    assert "not saved yet" in tab.text("#mark-note")
    with tab.page.expect_download() as kept:
        tab.page.get_by_role("button", name="Write the decisions").click()
    kept.value.save_as(tmp_path / "review.json")
    assert read_review(tmp_path) == (
        ReviewMark(3, 9, "noted", "<b>lids</b>"),
        ReviewMark(9, 12, "rejected", "mouth opens late"),
    )


def test_the_head_turns_in_three_dimensions(open_report: Callable[..., Any]) -> None:
    tab = open_report(troubled.solution(say=np.array([0.0, 0.2, 0.9, 1.0])))
    if not tab.page.evaluate("!!document.createElement('canvas').getContext('webgl2')"):
        pytest.skip("this browser has no WebGL 2")
    tab.page.get_by_role("button", name="Start the three-dimensional view").click()
    tab.page.locator("#head3d-panel").scroll_into_view_if_needed()
    before = tab.page.locator("#head3d canvas").screenshot()
    x, y = tab.point("#head3d canvas", 0.5)
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 60, y + 30)
    tab.page.mouse.up()
    turned = tab.page.locator("#head3d canvas").screenshot()
    offset = "window.scrollY"
    place = tab.page.evaluate(offset)
    tab.page.mouse.wheel(0, 40)  # the head was clicked: it is brought nearer, and the page stays
    assert tab.page.evaluate(offset) == place
    tab.page.evaluate("document.activeElement.blur()")
    tab.page.mouse.wheel(0, 40)
    tab.until(f"{offset} > {place}")
    tab.page.evaluate(f"window.scrollTo(0, {place})")
    tab.page.select_option("#head3d-heat", "Expected error")
    colored = tab.page.locator("#head3d canvas").screenshot()
    tab.complaints[:] = [text for text in tab.complaints if "GPU stall due to ReadPixels" not in text]  # of screenshots
    assert "mm and more" in tab.text("#head3d-legend")
    tab.page.select_option("#head3d-heat", "What drove the solve")
    driven = tab.page.locator("#head3d canvas").screenshot()
    assert len({before, turned, colored, driven}) == 4
    assert "nothing" in tab.text("#head3d-legend")
    tab.complaints[:] = [text for text in tab.complaints if "GPU stall due to ReadPixels" not in text]


def test_another_solution_is_seen_in_curves_head_and_distance(
    open_report: Callable[..., Any], pictured: list[Film]
) -> None:
    shown = troubled.solution()
    head = shown.head.copy()
    head[:, 0, 3] += 0.3  # 3 mm aside
    tab = open_report(shown, shown_films=pictured, against=replace(shown, controls=shown.controls * 0.5, head=head))
    assert tab.page.locator("#findings").bounding_box()["y"] < tab.page.locator("#stage").bounding_box()["y"]
    tab.page.get_by_role("button", name="Drop all picked controls").click()
    tab.page.locator("#picker label", has_text="jawOpen").click()
    tab.page.wait_for_timeout(60)
    inked = """() => {
      const canvas = document.querySelector('#curve-chart canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let n = 0; n < data.length; n += 4) {
        const near = [92, 200, 232].every((level, part) => Math.abs(level - data[n + part]) < 24);
        if (near && data[n + 3] > 100) count += 1;
      }
      return count;
    }"""
    both = tab.page.evaluate(inked)
    alone = open_report(shown, shown_films=pictured)
    alone.page.get_by_role("button", name="Drop all picked controls").click()
    alone.page.locator("#picker label", has_text="jawOpen").click()
    alone.page.wait_for_timeout(60)
    assert both > 1.08 * alone.page.evaluate(inked)  # the other curve is drawn, too
    if not tab.page.evaluate("!!document.createElement('canvas').getContext('webgl2')"):
        return
    tab.page.get_by_role("button", name="Start the three-dimensional view").click()
    tab.page.select_option("#head3d-heat", "Distance to other")
    millimeters = re.search(r"(\d+\.\d+) mm and more", tab.text("#head3d-legend"))
    assert millimeters is not None
    assert float(millimeters[1]) >= 2.9
    before = tab.page.locator("#head3d canvas").screenshot()
    tab.page.get_by_role("button", name="Show the head of other").click()
    assert tab.page.locator("#head3d canvas").screenshot() != before
    tab.page.keyboard.press("f")
    tab.until("document.fullscreenElement?.id === 'film-panel'")
    tab.page.keyboard.press("f")
    tab.until("document.fullscreenElement === null")
    tab.complaints[:] = [text for text in tab.complaints if "GPU stall due to ReadPixels" not in text]


def test_two_solutions_stand_on_one_page(filmed: Filmed, tmp_path: Path) -> None:
    write_take(filmed.take, tmp_path / "take")
    made = {**filmed.solution.provenance, "take": "../take", "texture": None}
    first = replace(filmed.solution, provenance=made)
    write_solution(first, tmp_path / "first")
    write_solution(replace(first, controls=first.controls * 0.5), tmp_path / "second")
    command = ["report", str(tmp_path / "first"), "--against", str(tmp_path / "second"), "--height", "64"]
    assert main([*command, "--out", str(tmp_path / "both.html")]) == 0
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    found = re.search(r'id="data">(.*?)</script>', text)
    assert found is not None
    record = json.loads(found[1])
    assert [film["label"] for film in record["films"]] == ["Overlay", "Footage", "Overlay of second"]
    other = np.frombuffer(base64.b64decode(record["against"]["values"]), "<f4").reshape(-1, 3)
    np.testing.assert_allclose(other.T, 0.5 * first.controls, atol=1e-6)
    assert record["against"]["head3d"]["triangles"] == record["head3d"]["triangles"]
    fewer = replace(
        first,
        **{name: getattr(first, name)[:2] for name in ("frames", "scene_times", "controls", "head")},
        **{name: getattr(first, name)[:2] for name in ("control_std", "head_std", "residual")},
    )
    write_solution(fewer, tmp_path / "fewer")
    command[3] = str(tmp_path / "fewer")
    assert main([*command, "--out", str(tmp_path / "no.html")]) == 2


def test_few_shapes_give_the_surface_of_every_frame(take: Take) -> None:
    solution: Solution = troubled.solution()
    record = head_record(solution, take)

    def numbers(name: str, kind: str) -> np.ndarray:
        return np.frombuffer(base64.b64decode(record[name]), kind)

    shapes = numbers("shapes", "<i2").reshape(len(record["scales"]), -1) * np.array(record["scales"])[:, None]
    coefficients = numbers("coefficients", "<f4").reshape(len(solution.frames), -1)
    found = numbers("mean", "<f4") + coefficients @ shapes
    wanted = RigEvaluator(take.rig).vertices(solution.controls).reshape(len(found), -1)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert record["points"]["Mouth"] in range(record["vertices"])


@pytest.mark.parametrize("most", [5000, 150])
def test_the_head_wears_the_texture_of_its_own_tiles(filmed: Filmed, tmp_path: Path, most: int) -> None:
    rig, colors = filmed.take.rig, {(0, 0): (40, 90, 200), (1, 0): (200, 60, 40)}
    files = []
    for (u, v), color in colors.items():
        files.append(tmp_path / f"texture.{1001 + u + 10 * v}.png")
        cv2.imwrite(str(files[-1]), np.full((64, 64, 3), color, np.uint8))
    mesh = thinned(rig, most)
    record = skin_record(rig, mesh, [*files, tmp_path / "texture.1021.png"])
    assert record is not None
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(record["image"]), np.uint8), cv2.IMREAD_COLOR)
    places = np.frombuffer(base64.b64decode(record["uv"]), "<f4").reshape(-1, 3, 2).mean(1)
    height, width = picture.shape[:2]
    seen = picture[((1 - places[:, 1]) * height).astype(int), (places[:, 0] * width).astype(int)].astype(int)
    tiles = np.floor(rig.uvs[fans(rig, rig.face_uvs)[mesh.origin]].mean(1)).astype(int)
    wanted = np.array([colors.get((u, v), PLAIN) for u, v in tiles.tolist()])
    assert (np.abs(seen - wanted).max(1) < 12).mean() > 0.97
    assert len({tuple(tile) for tile in tiles.tolist()}) == 3
    assert skin_record(rig, mesh, []) is None


def test_a_thinned_mesh_keeps_its_shape_and_border() -> None:
    side = np.linspace(-1, 1, 60)
    y, x = np.meshgrid(side, side, indexing="ij")
    vertices = np.stack([x, y, 0.3 * np.cos(2 * x)], -1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(59)[:, None] * 60 + np.arange(59)).ravel()
    faces = np.stack([corner, corner + 1, corner + 61, corner + 60], 1)
    rig = Rig.from_dense(vertices, vertices[None], ["a"], np.full(len(faces), 4), faces.reshape(-1))
    mesh = thinned(rig, 900)
    kept, triangles = mesh.kept, mesh.triangles
    assert 850 < len(kept) <= 950
    a, b, c = (vertices[kept][triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 2] > -1e-6).all()  # none is turned over
    assert normals[:, 2].sum() / 2 == pytest.approx(4.0, rel=1e-3)  # no hole
    assert len(thinned(rig, 5000).kept) == len(vertices)


def test_a_malformed_review_is_one_sentence(tmp_path: Path) -> None:
    assert read_review(tmp_path) == ()
    write_review(tmp_path, [ReviewMark(1, 2, "approved")])
    text = (tmp_path / "review.json").read_text(encoding="utf-8")
    for wrong in ('"first": "1"', '"mark": "loved"', '"first": 5'):
        name = wrong.split(":")[0]
        changed = [wrong + "," if line.strip().startswith(name) else line for line in text.splitlines()]
        (tmp_path / "review.json").write_text("\n".join(changed), encoding="utf-8")
        with pytest.raises(TakeError, match="review: "):
            read_review(tmp_path)
