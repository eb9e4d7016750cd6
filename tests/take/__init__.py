"""The contract's tests run by Python 3.7 with numpy alone, as Maya 2022 does; few need the command line, too."""

import sys

import pytest

needs_python_3_10 = pytest.mark.skipif(sys.version_info < (3, 10), reason="the command line needs Python 3.10")
