"""The baked texture as a UsdPreviewSurface material."""

from __future__ import annotations

from typing import Any

from pxr import Gf, Sdf, UsdGeom, UsdShade

_SKIN_ROUGHNESS = 0.5
_UNSEEN = Gf.Vec4f(0.18, 0.18, 0.18, 1.0)  # middle gray, where no image of the tile was baked


def define_material(stage: Any, scope: Any, meshes: list[Any], texture: str) -> None:
    """Defines material ``Skin`` under ``scope`` and binds it to ``meshes``. texture: asset path, sRGB."""
    UsdGeom.Scope.Define(stage, scope)
    material = UsdShade.Material.Define(stage, scope.AppendChild("Skin"))
    path = material.GetPath()
    reader = _shader(stage, path.AppendChild("Coordinates"), "UsdPrimvarReader_float2")
    reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("st")
    image = _shader(stage, path.AppendChild("Texture"), "UsdUVTexture")
    image.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(texture))
    image.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
    image.CreateInput("fallback", Sdf.ValueTypeNames.Float4).Set(_UNSEEN)
    for axis in "ST":
        image.CreateInput(f"wrap{axis}", Sdf.ValueTypeNames.Token).Set("clamp")
    coordinates = reader.CreateOutput("result", Sdf.ValueTypeNames.Float2)
    image.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(coordinates)
    surface = _shader(stage, path.AppendChild("Surface"), "UsdPreviewSurface")
    color = image.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    surface.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(color)
    surface.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(_SKIN_ROUGHNESS)
    material.CreateSurfaceOutput().ConnectToSource(surface.CreateOutput("surface", Sdf.ValueTypeNames.Token))
    for mesh in meshes:
        UsdShade.MaterialBindingAPI.Apply(mesh).Bind(material)


def _shader(stage: Any, path: Any, kind: str) -> Any:
    shader = UsdShade.Shader.Define(stage, path)
    shader.CreateIdAttr(kind)
    return shader
