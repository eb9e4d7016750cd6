"""Facesolve as a rez package: ``rez build --install`` in this folder makes it, ``rez env facesolve`` finds the command.

Everything that Facesolve needs is installed into the package itself; studios with packages of their own for PyTorch and
OpenCV name them in ``requires`` and add ``--no-deps`` to the command.
"""

name = "facesolve"
version = "0.1.0"
description = "Multi-camera facial performance capture onto a Maya blendshape rig"
requires = ["python-3.10+<3.14"]
tools = ["facesolve"]
build_command = (
    'python -m pip install --target "$REZ_BUILD_INSTALL_PATH/python" "$REZ_BUILD_SOURCE_PATH/../..[video,exr,usd]"'
)


def commands():
    env.PYTHONPATH.append("{root}/python")
    env.PATH.append("{root}/python/bin")
