"""The version of Facesolve: written here, and in mod/facesolve.mod, which a test compares."""

VERSION = "0.1.0"
