"""Color of the surface from the footage, once the geometry is known: a texture, and the gain of every camera.

Knows poses and footage; no optimizer and no files of its own (``facesolve.render.texture_files`` writes the result).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facesolve.footage.normalize import encoded_luminance
from facesolve.geometry.pose import Pose
from facesolve.optimize.robust import robust_weight
from facesolve.render import Texture
from facesolve.render.texture import Tile, fill_unseen
from facesolve.stages.problem import Problem

from .own_tiles import own_tiles
from .texel_layout import TileTexels, carried_triangles, lay_out_texels
from .texel_views import Sighting, Sightings

ENOUGH = 0.02  # total weight below which a texel counts as never seen
GAIN_STRIDE = 8  # every how many texels the cameras' gains are judged at
GAIN_RANGE = (0.01, 0.9)  # linear light: darker is noise, brighter may be clipped
LEAST_SCALE = 0.01  # encoded luminance: differences below it are noise whatever the footage


@dataclass(frozen=True, eq=False)
class Appearance:
    """What the footage says the surface looks like.

    texture: linear light RGB, the light of the set included: albedo only as far as that light was even. Where nothing
    was seen it goes on from the nearest seen texels. coverage: for each tile (height, width) bool, True where a
    camera saw the texel. gains: (C, 3) each camera's channels relative to all, geometric mean 1: a camera's footage is
    about ``gain * texture``. carried: (F,) bool, triangles whose look the texture holds (``texels.carried_triangles``).
    """

    texture: Texture
    coverage: Mapping[Tile, Tensor]
    gains: Tensor
    carried: Tensor


@dataclass(frozen=True)
class NoTexture:
    """Why there is no texture, one sentence."""

    reason: str


def bake_texture(problem: Problem, pose: Pose, frames: Tensor, size: int | None = None) -> Appearance | NoTexture:
    """The texture that the footage of M frames shows on the rig posed as in them.

    pose: M poses; frames: (M,) take frame indices. size: texels a side of every tile, None for about one texel a pixel.
    Each texel is the robust weighted mean of the pixels it projects to, in linear light, over all cameras that see it;
    grazing views count little. The footage is read twice: the first mean gives the cameras' gains and the color to
    judge by, the second leaves out what disagrees (highlights, shadows, pixels on the wrong side of an outline).
    Parts whose UVs lie over others' have tiles of their own, see ``own_tiles``.
    In memory are one frame of footage and a few numbers a texel. Raises FootageError as the take's policy says.
    """
    if problem.model.triangle_uvs is None:
        return NoTexture("the rig has no UVs, so there is no texture.")
    model = problem.model.with_uvs(own_tiles(problem.model))
    layouts = lay_out_texels(model, problem.pixels_per_cm, size)
    if not layouts:
        return NoTexture("the rig's UVs cover no texel of a UDIM tile, so there is no texture.")
    plain = [_PlainMean(len(layout.texels), problem) for layout in layouts]
    sightings = Sightings(problem, pose, frames, layouts)
    for sighting in sightings:
        plain[sighting.layout].add(sighting)
    if not any(bool((mean.weights > ENOUGH).any()) for mean in plain):
        return NoTexture("no camera sees the textured surface, so there is no texture.")
    gains = fit_gains(
        torch.cat([mean.camera_colors for mean in plain], 1), torch.cat([mean.camera_weights for mean in plain], 1)
    )
    scale = _agreement(plain)
    robust = [_RobustMean(mean, gains, scale) for mean in plain]
    for sighting in sightings:
        robust[sighting.layout].add(sighting)
    return _appearance(layouts, robust, gains, carried_triangles(model, layouts))


def fit_gains(colors: Tensor, weights: Tensor) -> Tensor:
    """Gains (C, 3) from what C cameras saw of n surface points: colors (C, n, 3) linear light, weights (C, n).

    For two cameras the median ratio over the points both saw; these ratios are reconciled by least squares in the
    logarithm, weighted by their number of points. Cameras linked by common points have geometric mean 1; a camera that
    shares none with another has gain 1.
    """
    count = len(colors)
    laplacian = colors.new_zeros(3, count, count, dtype=torch.float64)
    ratios = colors.new_zeros(3, count, dtype=torch.float64)
    usable = (weights > ENOUGH)[..., None] & (colors > GAIN_RANGE[0]) & (colors < GAIN_RANGE[1])  # (C, n, 3)
    for a in range(count):
        for b in range(a):
            for channel in range(3):
                both = usable[a, :, channel] & usable[b, :, channel]
                if not bool(both.any()):
                    continue
                number = float(both.sum())
                ratio = (colors[a, both, channel] / colors[b, both, channel]).median().log().double()
                laplacian[channel, a, a] += number
                laplacian[channel, b, b] += number
                laplacian[channel, a, b] -= number
                laplacian[channel, b, a] -= number
                ratios[channel, a] += number * ratio
                ratios[channel, b] -= number * ratio
    # the pseudo-inverse takes the solution of least norm, whose mean is 0 in each group of linked cameras
    logarithms = torch.linalg.pinv(laplacian, hermitian=True) @ ratios[..., None]
    return logarithms[..., 0].T.exp().to(colors.dtype)


class _PlainMean:
    """Weighted mean color of n texels, how far the sightings differ from it, and each camera's own mean at some."""

    def __init__(self, count: int, problem: Problem) -> None:
        cameras, some = len(problem.take.cameras), (count + GAIN_STRIDE - 1) // GAIN_STRIDE
        neutral = problem.model.neutral
        self.weights = neutral.new_zeros(count)
        self._sums = neutral.new_zeros(count, 5)  # weighted color, encoded luminance and its square
        self._camera_sums = neutral.new_zeros(cameras, some, 3)
        self.camera_weights = neutral.new_zeros(cameras, some)

    def add(self, sighting: Sighting) -> None:
        luminance = encoded_luminance(sighting.colors)[:, None]
        moments = torch.cat([sighting.colors, luminance, luminance * luminance], 1) * sighting.weights[:, None]
        self._sums.index_add_(0, sighting.texels, moments)
        self.weights.index_add_(0, sighting.texels, sighting.weights)
        some = (sighting.texels % GAIN_STRIDE == 0).nonzero()[:, 0]
        at = sighting.texels[some] // GAIN_STRIDE
        self._camera_sums[sighting.camera].index_add_(0, at, moments[some, :3])
        self.camera_weights[sighting.camera].index_add_(0, at, sighting.weights[some])

    @property
    def colors(self) -> Tensor:
        """(n, 3) linear light."""
        return self._sums[:, :3] / self.weights.clamp_min(1e-6)[:, None]

    @property
    def camera_colors(self) -> Tensor:
        """(C, some, 3) linear light, each camera alone."""
        return self._camera_sums / self.camera_weights.clamp_min(1e-6)[..., None]

    @property
    def deviation(self) -> Tensor:
        """(some,) standard deviation of the encoded luminance at the texels that were seen."""
        known = self.weights > ENOUGH
        mean, square = (self._sums[known, 3:] / self.weights[known, None]).unbind(1)
        return (square - mean * mean).clamp_min(0).sqrt()


class _RobustMean:
    """Weighted mean color of n texels with the gains taken out, sparing what is far from the plain mean."""

    def __init__(self, plain: _PlainMean, gains: Tensor, scale: Tensor) -> None:
        self.seen = plain.weights > ENOUGH
        self._reference = encoded_luminance(plain.colors)
        self._gains, self._scale = gains, scale
        self._sums = torch.zeros_like(plain.colors)
        self._weights = torch.zeros_like(plain.weights)

    def add(self, sighting: Sighting) -> None:
        colors = sighting.colors / self._gains[sighting.camera]
        residual = encoded_luminance(colors) - self._reference[sighting.texels]
        weights = sighting.weights * robust_weight(residual, self._scale)
        self._sums.index_add_(0, sighting.texels, colors * weights[:, None])
        self._weights.index_add_(0, sighting.texels, weights)

    @property
    def colors(self) -> Tensor:
        """(n, 3) linear light."""
        return self._sums / self._weights.clamp_min(1e-9)[:, None]


def _agreement(plain: Sequence[_PlainMean]) -> Tensor:
    """Robust scale: twice the standard deviation of the sightings of a typical texel, encoded luminance."""
    return (2 * torch.cat([mean.deviation for mean in plain]).median()).clamp_min(LEAST_SCALE)


def _appearance(
    layouts: Sequence[TileTexels], means: Sequence[_RobustMean], gains: Tensor, carried: Tensor
) -> Appearance:
    """Images of the tiles, filled where nothing was seen; a tile that nothing was seen of takes the mean color."""
    everything = torch.cat([mean.colors[mean.seen] for mean in means]).mean(0)
    tiles, coverage = {}, {}
    for layout, mean in zip(layouts, means, strict=True):
        seen = layout.image(mean.seen.to(gains.dtype)[:, None])[..., 0] > 0
        if bool(seen.any()):
            tiles[layout.tile] = fill_unseen(layout.image(mean.colors), seen)
        else:
            tiles[layout.tile] = everything.expand(layout.size, layout.size, 3).contiguous()
        coverage[layout.tile] = seen
    return Appearance(Texture.from_tiles(tiles), coverage, gains, carried)
