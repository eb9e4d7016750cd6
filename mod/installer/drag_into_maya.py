"""Drag this file from a file browser into Maya's viewport: it installs Facesolve for this user.

Copies the module into the user's Maya folder, gets numpy where this Maya has none, loads the plug-in, builds the shelf,
and opens the panel, which installs the solver. Drag it again to upgrade or repair. Python 3.7 syntax.
"""

import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = "facesolve"
PLUGIN = "facesolve_plugin"
OLDEST_MAYA = 2022
PACKAGES = ("facesolve", "facesolve_maya")


def onMayaDroppedPythonFile(*_):
    """Maya calls this after the drop."""
    from maya import cmds

    version = str(cmds.about(majorVersion=True))
    if int(version) < OLDEST_MAYA:
        _show(cmds, f"Facesolve needs Maya {OLDEST_MAYA} or later.")
        return
    running = cmds.pluginInfo(PLUGIN, query=True, loaded=True)
    install = installer_of_module()

    places = install.Places(Path(cmds.internalVar(userAppDir=True)))
    try:
        made = install.install(places)
    except OSError as error:
        _show(cmds, f"Facesolve could not be installed: {error}")
        return
    if running:  # two versions in one session would mix
        _show(cmds, "Facesolve is up to date on disk. Restart Maya to use it.")
        return
    problems = activate(cmds, places, made, version)
    if problems:
        _show(cmds, "\n\n".join(problems))
    elif not cmds.about(batch=True):
        open_panel()


def installer_of_module():
    """The installer of this very version, whatever version of Facesolve is loaded."""
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in PACKAGES}
    before = list(sys.path)
    sys.path[:0] = [str(ROOT / "solver"), str(ROOT / "maya_plugin")]
    importlib.invalidate_caches()
    try:
        return importlib.import_module("facesolve_maya.install")
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
            del sys.modules[name]
        sys.modules.update(kept)
        sys.path[:] = before


def activate(cmds, places, made, version):
    """Loads the module into this session, the plug-in and the shelf; returns sentences about what could not be done."""
    problems = []
    cmds.loadModule(load=str(made.module_files[0]))
    if MODULE not in (cmds.moduleInfo(listModules=True) or []):
        problems.append(
            f"Maya does not list the module '{MODULE}' yet. Restart Maya; if the shelf is missing then, add the folder "
            f"'{made.module_files[0].parent}' to the environment variable MAYA_MODULE_PATH."
        )
    use_module(made.module)  # a module's PYTHONPATH is read when Maya starts; this session started without it
    problem = ensure_numpy(cmds, places, version)
    if problem:
        return [*problems, problem]
    try:
        cmds.loadPlugin(str(made.module / "maya_plugin" / "plug-ins" / (PLUGIN + ".py")), quiet=True)
        cmds.pluginInfo(PLUGIN, edit=True, autoload=True)
    except RuntimeError as error:
        problems.append(f"The plug-in did not load: {error}")
    if not cmds.about(batch=True):
        from facesolve_maya.ui import shelf

        shelf.build()
    return problems


def ensure_numpy(cmds, places, version):
    """Gets numpy for this Maya where it has none; a sentence when that failed."""
    if has_numpy():
        return ""
    from facesolve_maya.install import numpy_for_maya

    wheels = os.environ.get("FACESOLVE_WHEELS")
    window = not cmds.about(batch=True)
    if window:
        cmds.progressWindow(title="Facesolve", status="Getting numpy for Maya…", progress=0, maxValue=1)
    try:
        problem = numpy_for_maya.bring(places, version, Path(wheels) if wheels else None, _mayapy())
    finally:
        if window:
            cmds.progressWindow(endProgress=True)
    if problem:
        return problem
    import facesolve_maya

    facesolve_maya.find_numpy()
    return "" if has_numpy() else "Numpy was downloaded, but this Maya cannot import it."


def open_panel():
    """Opens the panel, and has it install the solver where there is none."""
    from facesolve.take.errors import FacesolveError
    from facesolve_maya.ui import dock

    panel = dock.show()
    try:
        panel.session.python.interpreter()
    except FacesolveError:
        panel.session.installing.begin()


def use_module(root):
    """Has Python take Facesolve's packages from the folder ``root``, whatever it took them from before."""
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]
    for folder in (root / "solver", root / "maya_plugin"):
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def has_numpy():
    try:
        import numpy  # noqa: F401
    except ImportError:
        return False
    return True


def _mayapy():
    return Path(sys.executable).with_name("mayapy.exe" if os.name == "nt" else "mayapy")


def _show(cmds, text):
    if cmds.about(batch=True):
        print(text)
    else:
        cmds.confirmDialog(title="Facesolve", message=text, button=["OK"])
