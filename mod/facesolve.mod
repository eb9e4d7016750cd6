+ facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin
