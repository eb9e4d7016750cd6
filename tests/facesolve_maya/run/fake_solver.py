"""A stand-in for ``python -m facesolve solve``: says and does what ``behavior.json`` in the take's folder tells it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def say(**event):
    print(json.dumps(event), flush=True)


def wait_for_cancel(out, deaf):
    """Works for a minute; unless deaf, stops with exit code 130 once the cancel file is there."""
    for step in range(600):
        say(event="progress", stage="pyramid", done=step, total=600, seconds_left=None)
        if not deaf and (out / "cancel").exists():
            say(event="error", text="interrupted")
            sys.exit(130)
        time.sleep(0.1)


def serve(solution):
    """Draws pictures of one pixel for all frames; reads no request."""
    record = json.loads((solution / "solution.json").read_text(encoding="utf-8"))
    (solution / "pictures").mkdir(exist_ok=True)
    for frame in range(40):
        for camera in range(len(record["camera_names"])):
            for layer in ("footage", "render", "edges"):
                path = solution / "pictures" / f"camera{camera}.{frame}.{layer}.jpg"
                path.write_bytes(b"P6 1 1 255\n" + bytes((200, frame, camera)))
                say(event="picture", path=path.as_posix())


def align(take):
    """Finds the head where it is, or where a take has its start pose already."""
    if "--write" in sys.argv:
        behavior = json.loads((take / "behavior.json").read_text(encoding="utf-8"))
        say(event="message", text="confidence 97%")
        if "lost" in behavior:
            say(event="error", text=behavior["lost"])
            sys.exit(2)
        (take / "aligned").write_text(" ".join(sys.argv[3:]), encoding="utf-8")
        sys.exit(0)
    out = Path(sys.argv[sys.argv.index("--out") + 1])
    out.write_text(json.dumps({"weights": {"jawOpen": 0.5}, "head": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}))
    Path(sys.argv[sys.argv.index("--picture") + 1]).write_bytes(b"P6 1 1 255\n" + bytes((9, 99, 199)))
    say(event="stage", name="find the start pose", total=1)
    say(event="message", text="confidence 97%")
    say(event="done", path=out.as_posix(), seconds=0.1)


def inspect(take):
    """Finds that two cameras are swapped, and the head elsewhere."""
    said = [
        (
            "error",
            "cameras 'a' and 'b'",
            "their images are swapped.",
            "Run 'facesolve repair T --fix swap=a,b --out R'.",
        ),
        ("error", "start pose", "the head is 6.1 cm away.", "Run 'facesolve align T --write --overwrite'."),
    ]
    names = ("severity", "subject", "sentence", "remedy", "fix", "offers")
    more = [("swap=a,b", []), ("", [{"kind": "find the head", "label": "Find the head", "values": []}])]
    found = [
        {**dict(zip(names, (*words, *rest), strict=True)), "action": None}
        for words, rest in zip(said, more, strict=True)
    ]
    print(json.dumps({"schema": 2, "kind": "take", "findings": found}))
    sys.exit(2)


def personalize(take):
    """Finds the profile that lies in the take's folder."""
    out = Path(sys.argv[sys.argv.index("--out") + 1])
    (take / "seen.json").write_text(json.dumps(sys.argv[1:]), encoding="utf-8")
    say(event="stage", name="personalize", total=4)
    say(event="progress", stage="personalize", done=1, total=4, seconds_left=None)
    if not (take / "profile.npz").exists():
        say(event="error", text="the take shows no face.")
        sys.exit(2)
    out.write_bytes((take / "profile.npz").read_bytes())
    say(event="done", path=out.as_posix(), seconds=0.1)


def main():
    others = {"serve": serve, "align": align, "inspect": inspect, "personalize": personalize}
    if sys.argv[1] in others:
        return others[sys.argv[1]](Path(sys.argv[2]))
    take, out = Path(sys.argv[2]), Path(sys.argv[sys.argv.index("--out") + 1])
    behavior = json.loads((take / "behavior.json").read_text(encoding="utf-8"))
    (out / "seen.json").write_text(
        json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}),
        encoding="utf-8",
    )
    say(event="stage", name="appearance", total=2)
    say(event="progress", stage="appearance", done=1, total=2, seconds_left=1.5)
    say(event="message", text="rasterizer: torch — größer")
    say(event="picture", path=(out / "overlay.png").as_posix())
    say(event="later", text="an event of a newer solver")
    print("plain text from a library", flush=True)
    if behavior.get("deaf"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behavior.get("grandchild"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
        (out / "grandchild").write_text(str(child.pid), encoding="utf-8")
    if behavior.get("work"):
        if not behavior.get("interruptible"):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        wait_for_cancel(out, behavior.get("deaf"))
    time.sleep(behavior.get("seconds", 0))
    for line in behavior.get("stderr", []):
        print(line, file=sys.stderr)
    if "error" in behavior:
        say(event="error", text=behavior["error"])
    elif not behavior.get("silent"):
        say(event="done", path=out.as_posix(), seconds=0.25)
    sys.exit(behavior.get("code", 0))


if __name__ == "__main__":
    main()
