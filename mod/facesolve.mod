+ MAYAVERSION:2022 PLATFORM:win64 facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2022 PLATFORM:linux facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2022 PLATFORM:mac facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2023 PLATFORM:win64 facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2023 PLATFORM:linux facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2023 PLATFORM:mac facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2024 PLATFORM:win64 facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2024 PLATFORM:linux facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2024 PLATFORM:mac facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2025 PLATFORM:win64 facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2025 PLATFORM:linux facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2025 PLATFORM:mac facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2026 PLATFORM:win64 facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2026 PLATFORM:linux facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin

+ MAYAVERSION:2026 PLATFORM:mac facesolve 0.1.0 ..
plug-ins: maya_plugin/plug-ins
icons: icons
PYTHONPATH +:= solver
PYTHONPATH +:= maya_plugin
