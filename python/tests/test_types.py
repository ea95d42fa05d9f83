"""The types that an editor shows are those of the code."""

import subprocess
import sys
from pathlib import Path

import pytest

import calcisim


def test_the_package_says_that_it_is_typed():
    folder = Path(calcisim.__file__).parent
    assert (folder / "py.typed").is_file() and (folder / "_calcisim.pyi").is_file()


def test_every_public_name_is_documented():
    for name in calcisim.__all__:
        one = getattr(calcisim, name)
        assert one.__doc__, name
        for inner, value in vars(one).items() if isinstance(one, type) else ():
            if not inner.startswith("_") and (callable(value) or isinstance(value, property)):
                assert value.__doc__, f"{name}.{inner}"


def test_mypy_finds_no_fault():
    pytest.importorskip("mypy")
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "-p", "calcisim"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_stub_names_everything_that_the_engine_has():
    from calcisim import _calcisim

    stub = (Path(calcisim.__file__).parent / "_calcisim.pyi").read_text()
    for name in dir(_calcisim):
        if not name.startswith("_"):
            assert f"def {name}(" in stub or f"class {name}:" in stub, name
