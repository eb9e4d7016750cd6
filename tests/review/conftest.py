"""The filmed take that the tests of pictures and videos share; none of them changes it."""

import pytest

from .filmed import Filmed, make


@pytest.fixture(scope="session")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return make(tmp_path_factory.mktemp("filmed"))
