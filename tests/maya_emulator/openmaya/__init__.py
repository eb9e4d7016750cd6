"""The classes of ``maya.api.OpenMaya`` and ``maya.api.OpenMayaAnim`` that the plug-in uses."""

from tests.maya_emulator.images import MImage

from . import animation, geometry, objects, plugin, values

OPENMAYA = {
    name: value
    for module in (values, objects, geometry, plugin)
    for name, value in vars(module).items()
    if name.startswith("M") and isinstance(value, type) and value.__module__ == module.__name__ and name != "MeshData"
}
OPENMAYA["MImage"] = MImage
OPENMAYA_ANIM = {name: getattr(animation, name) for name in ("MAnimCurveChange", "MFnAnimCurve", "MFnSkinCluster")}
