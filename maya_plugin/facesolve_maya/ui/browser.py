"""Opens local pages in the user's browser, which must not inherit Maya's libraries. Knows no report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from facesolve_maya.run.environment import child_environment

from .qt import QtCore, QtGui


def open_page(page: Path) -> None:
    """Shows a local page in the browser.

    On Linux Qt would start it with Maya's LD_LIBRARY_PATH, with which many browsers do not come up.
    """
    if sys.platform.startswith("linux"):
        variables = child_environment(os.environ)
        # PYTHONPATH and the like are meant for the solver.
        variables = {name: value for name, value in variables.items() if not name.startswith("PYTHON")}
        opener = shutil.which("xdg-open", path=variables.get("PATH"))
        if opener is not None:
            subprocess.Popen([opener, str(page)], env=variables, start_new_session=True)
            return
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(page)))
