"""From Python values to what the engine takes: ``path=value`` as after ``--set``."""

from __future__ import annotations

import json
import math
import operator
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Union

ScenarioLike = Union[str, "os.PathLike[str]"]
SetLike = Mapping[str, Any]


class Request(NamedTuple):
    """A scenario with its changes; the engine reads these attributes."""

    scenario: str
    sets: list[str]
    seed: int | None
    days: float | None


def request(scenario: ScenarioLike, set: SetLike | None, seed: int | None, days: float | None) -> Request:
    """Checks the types of what a call was given."""
    if not isinstance(scenario, (str, os.PathLike)):
        raise TypeError(f"scenario: expected a name, a path or a text in TOML, not {_kind(scenario)}")
    return Request(os.fspath(scenario), sets(set), whole("seed", seed), number("days", days))


def sets(set: SetLike | None) -> list[str]:
    """Every change as ``path=value``; nested dictionaries are walked."""
    if set is None:
        return []
    if not isinstance(set, Mapping):
        raise TypeError(f"set: expected a dictionary of paths and values, not {_kind(set)}")
    found: list[str] = []
    _walk("", set, found)
    return found


def _walk(prefix: str, table: Mapping[str, Any], found: list[str]) -> None:
    for key, value in table.items():
        if not isinstance(key, str):
            raise TypeError(f"set: a path is a text as 'host.phosphate_mmol_per_l', not {_kind(key)}")
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            _walk(path, value, found)
        else:
            found.append(f"{path}={_toml(path, value)}")


def _toml(path: str, value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            raise ValueError(f"set: {path} = {value}: expected a finite number")
        return repr(float(value))
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(path, item) for item in value) + "]"
    # Scalars and arrays of NumPy, without NumPy.
    if hasattr(value, "tolist"):
        plain = value.tolist()
        if not hasattr(plain, "tolist"):
            return _toml(path, plain)
    raise TypeError(f"set: {path}: expected a number, a text, true or false, or a list of numbers, not {_kind(value)}")


def whole(name: str, value: Any, low: int = 0, high: int = 2**63 - 1) -> int | None:
    """A whole number in its range, or nothing."""
    if value is None:
        return None
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or isinstance(value, bool):
        raise TypeError(f"{name}: expected a whole number, not {_kind(value)}")
    if not low <= found <= high:
        raise ValueError(f"{name} = {found}: expected a whole number from {low} to {high}")
    return found


def number(name: str, value: Any) -> float | None:
    """A number, or nothing."""
    if value is None:
        return None
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name}: expected a number, not {_kind(value)}")
    return float(value)


def threads(value: Any) -> int:
    """Threads; 0 = cores."""
    return whole("threads", value, 1, 4096) or 0


def _kind(value: Any) -> str:
    return f"{type(value).__name__} ({value!r})" if isinstance(value, (str, int, float, bool)) else type(value).__name__


def needed(module: str, extra: str) -> Any:
    """An optional package, imported when it is asked for."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as fault:
        from ._errors import MissingToolError

        raise MissingToolError(f"this needs {module}: pip install 'calcisim[{extra}]', or pip install {module}") from fault
