"""Runs and comparisons: folders, as the command line writes them, with a view on each."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Union

from . import _calcisim
from ._errors import ScenarioWarning, UsageError
from ._table import Field, Moment, Table
from ._values import ScenarioLike, SetLike, request, threads, whole
from ._values import number as _number

PathLike = Union[str, "os.PathLike[str]"]


class Figure:
    """A picture; a notebook shows it.

    Attributes
    ----------
    name : str
        Name of the figure.
    format : str
        ``"png"`` or ``"svg"``.
    data : bytes
        The file.
    """

    def __init__(self, name: str, format: str, data: bytes) -> None:
        self.name, self.format, self.data = name, format, data

    def save(self, path: PathLike) -> Path:
        """Writes the picture."""
        path = Path(path)
        path.write_bytes(self.data)
        return path

    def _repr_png_(self) -> bytes | None:
        return self.data if self.format == "png" else None

    def _repr_svg_(self) -> str | None:
        return self.data.decode() if self.format == "svg" else None

    def __repr__(self) -> str:
        return f"<Figure {self.name}.{self.format}, {len(self.data) / 1024:.0f} KiB>"


class _Folder:
    """A folder on disk; one of its own is removed with the last reference to it."""

    folder: Path

    def __init__(self, folder: Path, keep: object | None = None) -> None:
        self.folder = folder
        self._keep = keep

    @property
    def is_temporary(self) -> bool:
        """Whether the folder goes with this object; :meth:`save` keeps it."""
        return self._keep is not None

    def _json(self, name: str) -> dict[str, Any]:
        found = json.loads((self.folder / name).read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found

    def _table(self, name: str) -> Table:
        return Table(_calcisim.read_table(self.folder / name))

    def _save(self, folder: PathLike) -> Path:
        target = Path(folder)
        shutil.copytree(self.folder, target)
        return target

    def _figure(self, name: str, days: list[float], format: str, small: bool) -> Figure:
        if format not in ("png", "svg"):
            raise UsageError(f"format = {format!r}: expected 'png' or 'svg'")
        with tempfile.TemporaryDirectory(prefix="calcisim-figure-") as into:
            paths = _calcisim.figure(self.folder, Path(into), name, days, format == "png", small)
            wanted = "sections" if days else name
            found = {Path(path).stem: Path(path) for path in paths}
            if wanted not in found:
                drawn = ", ".join(found) or "none"
                raise UsageError(f"figure {wanted!r}: this folder has no such figure; there are {drawn}")
            return Figure(wanted, format, found[wanted].read_bytes())

    def report(self, path: PathLike | None = None) -> Path:
        """Writes a report, one HTML file: into the folder, or where ``path`` says."""
        out = Path(path) if path is not None else self.folder / "report.html"
        return _calcisim.report([self.folder], out)


class Run(_Folder):
    """A run: what its folder says, and the tissue on any of its days.

    Attributes
    ----------
    folder : pathlib.Path
        The run folder, as ``calcisim run`` writes it.
    """

    @cached_property
    def summary(self) -> dict[str, Any]:
        """``summary.json``: ``final`` and ``max`` of every column, the dates ``t_…_d`` (``None`` = did not happen), ``state_hash``."""
        return self._json("summary.json")

    @cached_property
    def info(self) -> dict[str, Any]:
        """``run.json``: version, seed, status, network, warnings …"""
        return self._json("run.json")

    @property
    def scenario(self) -> str:
        """Name of the scenario."""
        return str(self.info["scenario"])

    @property
    def seed(self) -> int:
        """Seed of the site."""
        return int(self.info["seed"])

    @property
    def days(self) -> float:
        """Length [d]."""
        return float(self.info["days"])

    @property
    def state_hash(self) -> str:
        """Hash of the last state, 16 hex digits: that of the command line for the same scenario and seed."""
        return str(self.info["state_hash"])

    @property
    def status(self) -> str:
        """``complete``, ``stopped``, ``failed`` or ``running``."""
        return str(self.info["status"])

    @property
    def warnings(self) -> list[str]:
        """What the author should know of this run."""
        return list(self.info["warnings"])

    @cached_property
    def series(self) -> Table:
        """The course in time: ``t_d`` [d] and a column for each quantity, a row a day (``output.series_every_h``)."""
        return self._table("series.csv")

    @cached_property
    def events(self) -> Table:
        """What happened: closures, deaths, doses …, with place [µm] and cause (``id`` of an earlier event)."""
        return self._table("events.csv")

    @cached_property
    def observations(self) -> Table:
        """What the instruments read at each visit."""
        return self._table("observe.csv")

    @property
    def snapshot_days(self) -> list[float]:
        """Days that the folder holds; another is computed again when it is asked for, and its hashes are compared."""
        return _calcisim.snapshot_days(self.folder)

    def at(self, day: float | None = None, *, threads: int | None = None) -> Moment:
        """The tissue on a day; without one, on the last."""
        day = _number("day", day)
        key = "last" if day is None else day
        if key not in self._moments:
            self._moments[key] = Moment(_calcisim.snapshot(self.folder, day, _threads(threads)))
        return self._moments[key]

    @cached_property
    def _moments(self) -> dict[Any, Moment]:
        return {}

    def fields(self, name: str, day: float | None = None) -> Field:
        """A field on a day: oxygen [mmHg], phosphate [mmol/L], inhibitor, mineral, damage, cytokine, repair, vegf, bacteria; the
        layer and the vitality of each voxel. Snapshots keep fields in half precision (3 digits)."""
        return self.at(day).fields(name)

    @property
    def vessels(self) -> Table:
        """Every vessel segment on the last day; ``run.at(day).vessels`` on another."""
        return self.at().vessels

    @property
    def cells(self) -> Table:
        """Every moving cell on the last day; ``run.at(day).cells`` on another."""
        return self.at().cells

    def figure(
        self,
        name: str = "section_map",
        *,
        days: Sequence[float] | None = None,
        format: str = "png",
        small: bool = False,
    ) -> Figure:
        """A figure of the last day: ``section_map``, ``fields``, ``network``, ``time_series``, ``timeline``, and ``surface`` of a
        block. With ``days`` the sections of these days side by side. ``small`` is a third of the size, for pages."""
        return self._figure(name, [float(day) for day in days or ()], format, small)

    def resume(self, days: float | None = None, *, threads: int | None = None) -> Run:
        """Goes on with a stopped run, or makes a finished one longer; the folder changes, and this object is read anew."""
        _calcisim.resume(self.folder, _number("days", days), _threads(threads), True)
        return Run(self.folder, self._keep)

    def save(self, folder: PathLike) -> Run:
        """Copies the folder to a lasting place."""
        return Run(self._save(folder))

    def __repr__(self) -> str:
        return f"<Run {self.scenario}, seed {self.seed}: {self.days:g} days, {self.status}, state {self.state_hash}>"

    def _repr_html_(self) -> str:
        final = self.summary["final"] if self.status == "complete" else {}
        rows = "".join(
            f"<tr><td>{name}</td><td>{'' if value is None else format(value, '.4g')}</td></tr>"
            for name, value in list(final.items())[:12]
        )
        return f"<p>{self.scenario}, seed {self.seed}, {self.days:g} days<br><code>{self.state_hash}</code></p><table>{rows}</table>"


class Comparison(_Folder):
    """Arms over the same sites: contrasts are arm − reference over pairs of equal seed.

    Attributes
    ----------
    folder : pathlib.Path
        The folder, as ``calcisim compare`` writes it.
    """

    @cached_property
    def info(self) -> dict[str, Any]:
        """``compare.json``."""
        return self._json("compare.json")

    @property
    def arms(self) -> list[str]:
        """Names of the arms; the first is the reference."""
        return list(self.info["arms"])

    @cached_property
    def runs(self) -> Table:
        """A row per run: arm, seed, state_hash, every endpoint."""
        return self._table("runs.csv")

    @cached_property
    def spreads(self) -> Table:
        """A row per arm and endpoint: n, mean, sd, quantiles."""
        return self._table("arms.csv")

    @cached_property
    def contrasts(self) -> Table:
        """A row per arm and endpoint: difference with its interval, A measure, p after Holm."""
        return self._table("contrasts.csv")

    def series(self, arm: str, seed: int) -> Table:
        """The course of one run."""
        return self._table(f"series/{arm}-s{seed}.csv")

    def figure(self, name: str = "arms", *, format: str = "png", small: bool = False) -> Figure:
        """``arms``, ``time_series`` or ``dates``."""
        return self._figure(name, [], format, small)

    def save(self, folder: PathLike) -> Comparison:
        """Copies the folder to a lasting place."""
        return Comparison(self._save(folder))

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.arms)}: {self.info['replicates']} sites each>"


_threads = threads


class _Kept:
    """Removes a folder when nothing needs it any more: never in a forked child, which shares it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="calcisim-"))
        weakref.finalize(self, _remove, str(self.path), os.getpid())


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)


def say(lines: list[str]) -> None:
    """Warnings of a scenario, where the caller of the caller stands."""
    for line in lines:
        warnings.warn(line, ScenarioWarning, stacklevel=3)


def run(
    scenario: ScenarioLike,
    *,
    seed: int | None = None,
    set: SetLike | None = None,
    days: float | None = None,
    out: PathLike | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: bool = False,
) -> Run:
    """Runs a scenario: what ``calcisim run`` does, to the same bits.

    Parameters
    ----------
    scenario : str or path
        Name of a shipped scenario (:func:`scenarios`), path of a file, or the text of one (any text with a line break).
    seed : int, optional
        Seed of the site; the scenario's own by default.
    set : dict, optional
        Changes, path to value, as after ``--set``: ``{"host.phosphate_mmol_per_l": 2.4, "mechanisms.damp_loop": False}``.
    days : float, optional
        Length [d].
    out : path, optional
        The run folder. Without one the run lies in a temporary folder that goes with the object; ``run.save(path)`` keeps it.
    force : bool
        Replace a run folder that exists.
    threads : int, optional
        Threads; all cores by default. Results do not depend on it.
    progress : bool
        Forecast and progress on stderr.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        Unknown or impossible values, all at once, each with the nearest name.
    FilesError
        No such scenario, or a folder that exists or cannot be written.
    NumericalError
        The state became unphysical.
    """
    asked = request(scenario, set, seed, days)
    keep = None if out is not None else _Kept()
    folder = Path(out) if out is not None else keep.path / "run"  # type: ignore[union-attr]
    say(_calcisim.run(asked, folder, bool(force), _threads(threads), not progress))
    return Run(folder, keep)


Arm = Union[ScenarioLike, "tuple[ScenarioLike, SetLike]"]


def compare(
    *scenarios: Arm,
    replicates: int = 8,
    seed: int | None = None,
    days: float | None = None,
    set: SetLike | None = None,
    out: PathLike | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: bool = False,
    **arms: Arm,
) -> Comparison:
    """Compares scenarios over the same sites with the same dice; the first is the reference.

    ``compare("msc_vehicle", "msc_local")`` names the arms after their files;
    ``compare(control="cua_warfarin", more=("cua_warfarin", {"host.phosphate_mmol_per_l": 2.4}))`` names them itself.

    Parameters
    ----------
    *scenarios, **arms
        Scenarios as in :func:`run`, or pairs of a scenario and its changes.
    replicates : int
        Sites: seeds ``seed``, ``seed + 1``, …
    set : dict, optional
        Changes of all arms, before their own.
    seed, days, out, force, threads, progress
        As in :func:`run`; ``threads`` runs go on at a time.

    Returns
    -------
    Comparison
    """
    named: list[tuple[str | None, Arm]] = [(None, arm) for arm in scenarios]
    named += list(arms.items())
    asked = []
    for name, arm in named:
        own: SetLike | None = None
        if isinstance(arm, tuple):
            if len(arm) != 2 or not isinstance(arm[1], Mapping):
                raise TypeError("an arm is a scenario, or a pair of a scenario and a dictionary of its changes")
            arm, own = arm
        one = request(arm, set, None, days)
        asked.append((name, one._replace(sets=one.sets + request(arm, own, None, None).sets)))
    keep = None if out is not None else _Kept()
    folder = Path(out) if out is not None else keep.path / "comparison"  # type: ignore[union-attr]
    count = whole("replicates", replicates, 1, 1_000_000) or 1
    say(_calcisim.compare(asked, count, whole("seed", seed), folder, bool(force), _threads(threads), not progress))
    return Comparison(folder, keep)


def open(folder: PathLike) -> Run | Comparison:
    """Opens the folder of a run or of a comparison, whoever wrote it."""
    path = Path(folder)
    if (path / "compare.json").is_file():
        return Comparison(path)
    _calcisim.snapshot_days(path)
    return Run(path)
