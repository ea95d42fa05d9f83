"""A small scenario, the command line beside it, and its runs."""

import json
import os
import subprocess
from pathlib import Path

import pytest

import calcisim

ROOT = Path(__file__).resolve().parents[2]

TINY = """schema = 1
name = "tiny"
question = "q"
known = "k"
assumed = "a"
[run]
days = 3
[space]
width_mm = 2.0
depth_mm = 2.4
voxel_um = 80.0
[network]
judge = false
[[challenge]]
kind = "trauma"
start_d = 1
depth_mm = 1.0
radius_mm = 0.6
"""


@pytest.fixture(scope="session")
def program() -> str:
    """The command line: CALCISIM, or what `cargo build --release` left."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(os.environ.get("CALCISIM", target / "release" / "calcisim"))
    if not path.is_file():
        pytest.skip(f"no command line at {path}: cargo build --release")
    return str(path.resolve())


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def command(program):
    """Runs the command line with --json; answers its one object."""

    def call(*args, **options):
        found = subprocess.run([program, *map(str, args), "--json", "-q"], capture_output=True, text=True, **options)
        return json.loads(found.stdout)

    return call


@pytest.fixture(scope="session")
def run(tiny) -> calcisim.Run:
    """One run that many tests look at."""
    return calcisim.run(tiny, seed=4)
