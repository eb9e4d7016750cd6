"""Drag this file from a file browser into Maya's viewport: it installs Facesolve for this user.

Writes ``modules/facesolve.mod`` into the user's Maya folder, loads the plug-in and builds the shelf. Drag it again
after moving or updating Facesolve. Python 3.7 syntax; imports nothing of Facesolve before the module is in place.
"""

import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODULE = "facesolve"
PLUGIN = "facesolve_plugin"
OLDEST_MAYA = 2022


def onMayaDroppedPythonFile(*_):
    """Maya calls this after the drop."""
    from maya import cmds

    if int(cmds.about(majorVersion=True)) < OLDEST_MAYA:
        _show(cmds, f"Facesolve needs Maya {OLDEST_MAYA} or later.")
        return
    try:
        target = write_module_file(os.path.join(cmds.internalVar(userAppDir=True), "modules"), ROOT)
    except OSError as error:
        _show(cmds, f"The module file could not be written: {error}")
        return
    _show(cmds, "\n\n".join([f"Installed: {target}", *activate(cmds, target), solver_advice(ROOT)]))


def write_module_file(folder, root):
    """Writes ``facesolve.mod`` with the absolute path of ``root`` into ``folder``; returns the file's path."""
    with open(os.path.join(root, "mod", "facesolve.mod"), encoding="utf-8") as stream:
        text = module_text(stream.read(), root)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    target = os.path.join(folder, "facesolve.mod")
    # The unfinished file must not lie in the modules folder: Maya reads every file there as a module.
    handle, unfinished = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(folder)), prefix="facesolve.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.replace(unfinished, target)
    except OSError:
        os.unlink(unfinished)
        raise
    return target


def module_text(template, root):
    """The module file ``template``, whose paths are relative to itself, with the absolute path ``root``."""
    path = root.replace("\\", "/")
    return "".join(
        line[: -len(" ..\n")] + " " + path + "\n" if line.startswith("+ ") and line.endswith(" ..\n") else line
        for line in template.splitlines(True)
    )


def activate(cmds, target):
    """Loads the module into this session, the plug-in and the shelf; returns sentences about what could not be done."""
    problems = []
    cmds.loadModule(load=target)
    if MODULE not in (cmds.moduleInfo(listModules=True) or []):
        problems.append(
            f"Maya does not list the module '{MODULE}' yet. Restart Maya; if the shelf is missing then, add the file's "
            "folder to the environment variable MAYA_MODULE_PATH."
        )
    for folder in (os.path.join(ROOT, "solver"), os.path.join(ROOT, "maya_plugin")):
        if folder not in sys.path:
            # A module's PYTHONPATH is read when Maya starts; this session started without it.
            sys.path.append(folder)
    try:
        import numpy  # noqa: F401
    except ImportError:
        mayapy = os.path.join(os.path.dirname(sys.executable), "mayapy")
        return [f'Maya\'s Python has no numpy. Install it, then drag again:\n"{mayapy}" -m pip install numpy']
    try:
        cmds.loadPlugin(os.path.join(ROOT, "maya_plugin", "plug-ins", PLUGIN + ".py"), quiet=True)
        cmds.pluginInfo(PLUGIN, edit=True, autoload=True)
    except RuntimeError as error:
        problems.append(f"The plug-in did not load: {error}")
    if not cmds.about(batch=True):
        from facesolve_maya.ui import shelf

        shelf.build()
    return problems


def solver_advice(root):
    """How to set up the solver's own Python, unless it is there."""
    folder = os.path.join(root, "facesolve_env")
    if os.path.isdir(folder) or os.environ.get("FACESOLVE_PYTHON"):
        return "Press Solve on the Facesolve shelf."
    python = os.path.join(folder, "Scripts", "python.exe") if os.name == "nt" else os.path.join(folder, "bin", "python")
    return (
        "The solver runs in a Python of its own, 3.10 or later. In a terminal:\n"
        f'python -m venv "{folder}"\n"{python}" -m pip install "{root}[video]"\n'
        "Then press Solve on the Facesolve shelf."
    )


def _show(cmds, text):
    if cmds.about(batch=True):
        print(text)
    else:
        cmds.confirmDialog(title="Facesolve", message=text, button=["OK"])
