"""The subcommands of ``facesolve``, one module each: ``add(commands)`` declares it, and its run function does it."""
