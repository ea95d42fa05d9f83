"""calcisim simulates calciphylaxis: small vessels of skin and fat that are injured, calcify and clot until tissue starves.

For teaching and for making hypotheses. Never for prognosis, dosing or care.

>>> import calcisim
>>> run = calcisim.run("cua_warfarin", seed=1, set={"host.phosphate_mmol_per_l": 2.4})
>>> run.summary["final"]["necrotic_fraction"]
>>> run.series.to_pandas().plot(x="t_d", y="perfused_fraction")
>>> run.fields("oxygen", day=30).to_xarray()
>>> run.figure()

The engine is that of the command line, to the bit: the same scenario and seed give the same ``state_hash``. NumPy, pandas,
xarray, pyarrow and Polars are not needed; each is imported when something of it is asked for.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from . import _calcisim
from ._errors import (
    CalcisimError,
    ConditionError,
    FilesError,
    InputError,
    MissingToolError,
    NumericalError,
    ScenarioWarning,
    UsageError,
)
from ._folders import Comparison, Figure, Run, compare, open, run
from ._model import Model, simulate
from ._table import Field, Moment, Table
from ._values import ScenarioLike, SetLike, request

__all__ = [
    "CalcisimError",
    "Comparison",
    "ConditionError",
    "Field",
    "Figure",
    "FilesError",
    "InputError",
    "MissingToolError",
    "Model",
    "Moment",
    "NumericalError",
    "Parameter",
    "Run",
    "Scenario",
    "ScenarioWarning",
    "Table",
    "UsageError",
    "compare",
    "open",
    "parameters",
    "run",
    "scenario",
    "scenarios",
    "schema",
    "simulate",
]

__version__, __git__ = _calcisim.version()


class Parameter(NamedTuple):
    """A row of the registry: ``key`` is the path for ``set``."""

    key: str
    """Path, as ``mineral.growth_rate_per_d``."""
    value: Any
    """Default."""
    unit: str
    """Unit; ``"-"`` for a pure number."""
    possible: tuple[float, float] | None
    """Inclusive; a value outside is an error."""
    evidence: tuple[float, float] | None
    """Inclusive; a value outside is a warning."""
    prior: str
    """What is believed before data, in words."""
    choices: list[str]
    """Allowed words; empty = any."""
    status: str
    """``measured``, ``model``, ``assumed`` or ``calibrated``."""
    source: str
    """Where the default comes from."""
    meaning: str
    """What it is."""


class Scenario(NamedTuple):
    """A scenario, checked and resolved."""

    name: str
    question: str
    known: str
    assumed: str
    values: dict[str, Any]
    """Every value by its path."""
    origins: dict[str, str]
    """Where each value was written."""
    toml: str
    """The whole scenario as text; running it gives the same bits."""
    warnings: list[str]


def scenarios() -> dict[str, str]:
    """Every shipped scenario: name to question."""
    return dict(_calcisim.scenarios())


def parameters(section: str = "") -> dict[str, Parameter]:
    """Every parameter of the registry, or those of a section (``"mineral"``): path to :class:`Parameter`."""
    rows = (Parameter(**row) for row in _calcisim.parameters())
    return {row.key: row for row in rows if not section or row.key.startswith(section + ".")}


def scenario(scenario: ScenarioLike, *, set: SetLike | None = None) -> Scenario:
    """Reads and checks a scenario without running it: every fault at once, every value with its origin."""
    return Scenario(**_calcisim.scenario(request(scenario, set, None, None)))


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of scenario files."""
    found = json.loads(_calcisim.schema())
    assert isinstance(found, dict)
    return found
