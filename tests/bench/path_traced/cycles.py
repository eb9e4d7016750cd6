"""Films a head with Blender's Cycles: skin, wet lips and eyes, strands of hair, lights and things in the background."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
import cv2
import mathutils
import numpy as np

from .cameras import HEIGHT, JPEG_QUALITY, WIDTH, StageCamera
from .head import EYES, FACE, GUMS, MOUTH, SKIN, TEETH, Head, field

SKIN_TONE, LIP, SCLERA, IRIS = (0.52, 0.32, 0.23), (0.42, 0.16, 0.15), (0.62, 0.58, 0.55), (0.16, 0.12, 0.07)
INSIDE = ((MOUTH, (0.25, 0.06, 0.06)), (GUMS, (0.45, 0.14, 0.14)), (TEETH, (0.6, 0.55, 0.45)))
PUPIL_DEGREES, IRIS_DEGREES = 11, 26
MOLES, MOLE_CM = 45, 0.09
LIGHTS = (((-70, 60, 90), 45, 60_000), ((80, 40, 80), 60, 32_000), ((0, 90, -40), 40, 26_000))  # place cm, size, power
THINGS = 14  # in the background
SENSOR_MM = 36.0
FLICKER = 0.015
# roughness, specular level, coat, subsurface: of skin, lips, eyes and the inside of the mouth
MATERIALS = ((0.42, 0.5, 0.0, 0.12), (0.22, 0.6, 0.5, 0.0), (0.05, 0.5, 0.6, 0.0), (0.15, 0.5, 0.5, 0.0))


@dataclass(frozen=True, eq=False)
class Strands:
    """Hairs of a kind: roots are vertices, ``aside`` (n, 3) cm from them, along ``ways`` (n, 3) cm; thickness in cm."""

    roots: np.ndarray
    aside: np.ndarray
    ways: np.ndarray
    droop: float
    thickness: float


class Film:
    """A scene with a head, whose images are taken one by one."""

    def __init__(self, actor: Head, rng: np.random.Generator, samples: int, bearded: bool) -> None:
        self._rng = rng
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene = bpy.context.scene
        self._set_renderer(samples)
        self._mesh = self._put_head(actor)
        normals = np.zeros(3 * len(actor.neutral), np.float32)
        self._mesh.vertices.foreach_get("normal", normals)
        self._normals = normals.reshape(-1, 3).astype(float)
        self._strands = list(self._grown(actor, bearded))
        self._hair_material = _material("hair", 0.35, 0.5)
        _color_input(self._hair_material).default_value = (*(np.array([0.05, 0.03, 0.02]) * rng.uniform(0.7, 3)), 1)
        self._hair = self._put(bpy.data.hair_curves.new("hair"))
        self._put_lights()
        self._put_things()
        self._camera = self._put(bpy.data.cameras.new("camera"))
        self._camera.data.sensor_fit, self._camera.data.sensor_width = "HORIZONTAL", SENSOR_MM
        self._camera.data.clip_start, self._camera.data.clip_end = 5, 1000
        self._scene.camera = self._camera

    def shoot(self, camera: StageCamera, vertices: np.ndarray, head: np.ndarray, path: Path, frame: int) -> None:
        """Renders what the camera sees of the head at vertices (V, 3) into a JPEG file."""
        self._mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
        self._mesh.update()
        self._comb(vertices, head[:3, :3])
        self._aim(camera)
        self._scene.cycles.seed = 7 * frame + ord(camera.name[-1])
        flicker = 1 + FLICKER * np.random.default_rng(frame).normal()
        light = flicker * self._rendered()
        path.parent.mkdir(parents=True, exist_ok=True)
        image = camera.developed(light, self._rng)
        assert cv2.imwrite(str(path), image[..., ::-1].copy(), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])

    def _set_renderer(self, samples: int) -> None:
        scene = self._scene
        scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
        scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.max_bounces = samples, False, 2
        scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
        scene.view_settings.view_transform = "Raw"
        scene.render.image_settings.file_format, scene.render.image_settings.color_depth = "OPEN_EXR", "32"
        scene.world = bpy.data.worlds.new("world")
        scene.world.use_nodes = True
        scene.world.node_tree.nodes["Background"].inputs[0].default_value = (0.12, 0.13, 0.15, 1)

    def _put(self, data: bpy.types.ID) -> bpy.types.Object:
        found = bpy.data.objects.new(data.name, data)
        self._scene.collection.objects.link(found)
        return found

    def _put_head(self, actor: Head) -> bpy.types.Mesh:
        polygons = list(actor.polygons())
        mesh = bpy.data.meshes.new("head")
        mesh.from_pydata(actor.neutral.tolist(), [], [polygon.tolist() for polygon in polygons])
        mesh.update()
        for index, looks in enumerate(MATERIALS):
            mesh.materials.append(_material(f"material {index}", *looks))
        lips = np.clip((self._lips(actor) - 0.35) / 0.25, 0, 1)
        kinds = (lips > 0.5).astype(int)
        for eye in EYES:
            kinds[eye] = 2
        for part, _ in INSIDE:
            kinds[part] = 3
        of_polygons = np.array([np.bincount(kinds[polygon]).argmax() for polygon in polygons], np.int32)
        mesh.polygons.foreach_set("material_index", of_polygons)
        mesh.polygons.foreach_set("use_smooth", np.ones(len(polygons), bool))
        colors = np.ones((len(actor.neutral), 4), np.float32)
        colors[:, :3] = self._painted(actor, lips).clip(0.02, 0.9)
        mesh.color_attributes.new("paint", "FLOAT_COLOR", "POINT").data.foreach_set("color", colors.ravel())
        self._put(mesh)
        return mesh

    @staticmethod
    def _lips(actor: Head) -> np.ndarray:
        moved = actor.moved_by("mouthRollLower", "mouthRollUpper")
        moved[SKIN.stop :] = 0
        return moved

    def _painted(self, actor: Head, lips: np.ndarray) -> np.ndarray:
        """(V, 3) linear colors: skin that is faint but not flat, moles, lips, eyes with an iris, teeth."""
        rng, points = self._rng, actor.neutral
        variation = 0.1 * field(rng, points, 2.5)[:, None] * (0.3, 1, 0.9)
        variation += 0.045 * field(rng, points, 0.7)[:, None] + 0.05 * field(rng, points, 0.12)[:, None]
        colors = np.array(SKIN_TONE) * rng.uniform(0.75, 1.15) * (1 + variation)
        moles = points[rng.choice(FACE.stop, MOLES)]
        away = np.linalg.norm(points[FACE, None] - moles, axis=2).min(axis=1)
        colors[FACE] *= 1 - 0.3 * np.exp(-((away / MOLE_CM) ** 2))[:, None]
        of_lips = np.array(LIP) * (1 + 0.12 * field(rng, points, 0.12)[:, None])
        colors = (1 - lips[:, None]) * colors + lips[:, None] * of_lips
        for eye in EYES:
            ways = points[eye] - points[eye].mean(axis=0)
            ways /= np.linalg.norm(ways, axis=1, keepdims=True)
            off_axis = np.degrees(np.arccos(ways[:, 2].clip(-1, 1)))[:, None]
            spokes = 1 + 0.5 * np.sin(17 * np.arctan2(ways[:, 1], ways[:, 0]))[:, None]
            iris = np.where(off_axis < PUPIL_DEGREES, 0.02, np.array(IRIS) * spokes)
            shown = np.where(off_axis < IRIS_DEGREES, iris, SCLERA)
            colors[eye] = np.where(np.abs(off_axis - IRIS_DEGREES) < 2.5, 0.05, shown)
        for part, color in INSIDE:
            colors[part] = color
        return colors

    def _grown(self, actor: Head, bearded: bool) -> Iterator[Strands]:
        """Hair, a fringe over the forehead, brows, and stubble."""
        x, y, z = actor.neutral.T
        eyes = np.mean([actor.neutral[eye].mean(axis=0) for eye in EYES], axis=0)
        face, skin = (np.arange(len(y)) < part.stop for part in (FACE, SKIN))
        scalp = skin & (y > eyes[1] + 1) & ((y > eyes[1] + 6.3) | (z < -0.5))
        arc = eyes[1] + 1.9 - 0.035 * (np.abs(x) - 3.2) ** 2
        brows = face & (np.abs(y - arc) < 0.38) & (np.abs(x) > 1.3) & (np.abs(x) < 5.6) & (z > eyes[2] - 2)
        yield self._rooted(scalp, 9000, 1.7, -0.5, 0.012)
        yield self._rooted(scalp & (y > eyes[1] + 6) & (z > 4), 500, 3.0, -1.4, 0.012)
        yield self._rooted(brows, 1300, 0.55, 0.1, 0.009)
        if bearded:
            chin = face & (y < eyes[1] - 6.2) & (y > eyes[1] - 13) & (self._lips(actor) < 0.35) & (z > -1)
            yield self._rooted(chin, 1800, 0.18, -0.3, 0.007)

    def _rooted(self, where: np.ndarray, count: int, length: float, droop: float, thickness: float) -> Strands:
        roots = self._rng.choice(np.flatnonzero(where), count)
        ways = self._normals[roots] + 0.35 * self._rng.normal(size=(count, 3)) + (0, droop, 0)
        ways *= length * self._rng.uniform(0.6, 1.3, (count, 1)) / np.linalg.norm(ways, axis=1, keepdims=True)
        return Strands(roots, 0.12 * self._rng.normal(size=(count, 3)), ways, droop, thickness)

    def _comb(self, vertices: np.ndarray, turn: np.ndarray) -> None:
        """Hair grows anew where the skin is now."""
        points, radii = [], []
        for strands in self._strands:
            root = vertices[strands.roots] + strands.aside @ turn.T
            way = strands.ways @ turn.T
            hanging = [[0, 0.35 * strands.droop, 0]] * np.linalg.norm(way, axis=1, keepdims=True)
            below = root - 0.05 * self._normals[strands.roots] @ turn.T
            points.append(np.stack([below, root + way / 2, root + way + hanging], axis=1).reshape(-1, 3))
            radii.append(np.tile(strands.thickness * np.array([1, 0.8, 0.25]), len(root)))
        curves = bpy.data.hair_curves.new("hair")
        curves.materials.append(self._hair_material)
        curves.add_curves([3] * (sum(map(len, points)) // 3))
        curves.position_data.foreach_set("vector", np.concatenate(points).astype(np.float32).ravel())
        radius = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
        radius.data.foreach_set("value", np.concatenate(radii).astype(np.float32))
        before, self._hair.data = self._hair.data, curves
        bpy.data.hair_curves.remove(before)

    def _put_lights(self) -> None:
        for place, size, power in LIGHTS:
            light = bpy.data.lights.new("light", "AREA")
            light.energy, light.size = power * self._rng.uniform(0.8, 1.2), size
            light.color = (1 + self._rng.uniform(-0.08, 0.08, 3)).tolist()
            there = self._put(light)
            there.location = place
            there.rotation_euler = (-mathutils.Vector(place)).to_track_quat("-Z", "Y").to_euler()

    def _put_things(self) -> None:
        rng = self._rng
        for _ in range(THINGS):
            place = (rng.uniform(-110, 110), rng.uniform(-60, 70), rng.uniform(-120, -60))
            bpy.ops.mesh.primitive_cube_add(size=rng.uniform(6, 26), location=place, rotation=rng.uniform(0, 3, 3))
            material = _material("thing", 0.5, 0.5)
            _color_input(material).default_value = (*rng.uniform(0.02, 0.7, 3), 1)
            bpy.context.object.data.materials.append(material)

    def _aim(self, camera: StageCamera) -> None:
        """Blender looks along -z and counts rows upwards; its shift is in parts of the width."""
        lens, (across, down) = camera.intrinsic[0, 0], camera.intrinsic[:2, 2]
        self._camera.data.lens = lens * SENSOR_MM / WIDTH
        self._camera.data.shift_x, self._camera.data.shift_y = 0.5 - across / WIDTH, (down - HEIGHT / 2) / WIDTH
        placed = np.eye(4)
        placed[:3, :3], placed[:3, 3] = camera.rotation.T @ np.diag([1, -1, -1]), camera.place
        self._camera.matrix_world = mathutils.Matrix(placed.tolist())

    def _rendered(self) -> np.ndarray:
        """(H, W, 3) linear."""
        with tempfile.TemporaryDirectory() as folder:
            self._scene.render.filepath = str(Path(folder) / "image.exr")
            bpy.ops.render.render(write_still=True)
            image = bpy.data.images.load(self._scene.render.filepath)
            image.colorspace_settings.name = "Non-Color"
            pixels = np.empty(WIDTH * HEIGHT * 4, np.float32)
            image.pixels.foreach_get(pixels)
            bpy.data.images.remove(image)
        return pixels.reshape(HEIGHT, WIDTH, 4)[::-1, :, :3].astype(float)


def _material(
    name: str, roughness: float, specular: float, coat: float = 0.0, subsurface: float = 0.0
) -> bpy.types.Material:
    """With the vertices' colors, where there are any."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    inputs = nodes["Principled BSDF"].inputs
    inputs["Roughness"].default_value, inputs["Specular IOR Level"].default_value = roughness, specular
    inputs["Coat Weight"].default_value, inputs["Coat Roughness"].default_value = coat, 0.05
    inputs["Subsurface Weight"].default_value, inputs["Subsurface Radius"].default_value = (
        subsurface,
        (0.35, 0.12, 0.06),
    )
    if name.startswith("material"):
        colors = nodes.new("ShaderNodeVertexColor")
        colors.layer_name = "paint"
        links.new(colors.outputs["Color"], inputs["Base Color"])
    return material


def _color_input(material: bpy.types.Material) -> bpy.types.NodeSocket:
    return material.node_tree.nodes["Principled BSDF"].inputs["Base Color"]
