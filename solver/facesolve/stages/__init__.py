"""The stages of a solve, each a module; ``facesolve.solve`` tells them in order."""
