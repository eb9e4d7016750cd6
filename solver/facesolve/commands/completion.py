"""``facesolve completion``."""

from __future__ import annotations

from typing import Literal

from .output import EXIT_OK


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a script that completes commands and flags in a shell.

    Write the script where the shell looks for completions.

    Args:
        shell: whose completions.

    Examples:
        facesolve completion bash > ~/.local/share/bash-completion/completions/facesolve
        facesolve completion zsh > ~/.zfunc/_facesolve
        facesolve completion fish > ~/.config/fish/completions/facesolve.fish
    """
    from facesolve.cli import build_app

    print(build_app().generate_completion(prog_name="facesolve", shell=shell))
    return EXIT_OK
