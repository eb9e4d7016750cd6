"""Stands in for the landmark process: same protocol, told by FAKE_LANDMARKS what to answer. Knows no MediaPipe.

``faces``: a file of (n, L, 2) pixels for requests of n images, NaN for no face; anything else is a way to go wrong.
"""

import json
import os
import sys
import time

import numpy as np

request = json.load(sys.stdin)
told = json.loads(os.environ["FAKE_LANDMARKS"])
images = [np.load(path, allow_pickle=False) for path in request["images"]]
if told["do"] == "die":
    print("MediaPipe: out of memory", file=sys.stderr)
    sys.exit(3)
if told["do"] == "babble":
    print("this is not JSON")
elif told["do"] == "error":
    print(json.dumps({"error": "MediaPipe 9 carries no model"}))
elif told["do"] == "short":
    print(json.dumps({"engine": "fake", "faces": []}))
elif told["do"] == "uneven":
    print(json.dumps({"engine": "fake", "faces": [[[1, 2]] * (1 + n) for n in range(len(images))]}))
elif told["do"] == "sleep":
    time.sleep(60)
else:
    table = np.load(os.path.join(told["folder"], f"{len(images)}.npy"))
    faces = [None if np.isnan(face).any() else face.tolist() for face in table]
    shapes = [list(image.shape) for image in images]
    print(json.dumps({"engine": f"fake {request['model']} {shapes[0]}", "faces": faces}))
