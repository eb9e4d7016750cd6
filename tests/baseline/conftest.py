"""The filmed head, made once."""

import pytest

from facesolve.take import Take
from tests.baseline.filmed import filmed_scene, on_disk
from tests.synthetic import Scene


@pytest.fixture(scope="session")
def scene() -> Scene:
    return filmed_scene()


@pytest.fixture(scope="session")
def take(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Take:
    return on_disk(scene, tmp_path_factory.mktemp("footage"))
