"""Tables and fields as Python has them: of NumPy, pandas, Polars, pyarrow and xarray only what is asked for."""

from __future__ import annotations

import difflib
import html
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._values import needed

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow
    import xarray

    from ._calcisim import Slice as _Slice
    from ._calcisim import Table as _Table


#: Columns that are bytes: type code of NumPy, type code of `array`.
_REAL = {"f8": "d", "u8": "Q"}


class Table:
    """Named columns of one length, with units.

    ``t["t_d"]`` is one column as a NumPy array, ``t.to_pandas()`` a data frame, ``t.to_arrow()`` a table of pyarrow; they share the memory of
    the columns. What reads Arrow streams (``pyarrow.table(t)``, ``polars.DataFrame(t)``) takes it as it is. Nothing (not applicable,
    did not happen) is null in Arrow and NaN in NumPy.
    """

    def __init__(self, core: _Table) -> None:
        self._core = core
        self._held: dict[str, tuple[str, Any]] = {}

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return self._core.names

    @property
    def units(self) -> dict[str, str]:
        """Unit of each column that is a quantity; ``"-"`` for a pure number."""
        return self._core.units

    def __len__(self) -> int:
        return len(self._core)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Any:
        """One column: a NumPy array of shape ``(len(self),)``; words as a list of ``str``."""
        code, values = self._column(name)
        if code in _REAL:
            return needed("numpy", "numpy").frombuffer(values, dtype=code)
        return list(values)

    def _column(self, name: str) -> tuple[str, Any]:
        if name not in self._held:
            try:
                self._held[name] = self._core.column(name)
            except KeyError:
                near = difflib.get_close_matches(str(name), self.columns, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.columns)}"
                raise KeyError(f"no column {name!r}; {hint}") from None
        return self._held[name]

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns as lists; needs nothing but Python. Nothing is ``None``."""
        found = {}
        for name in self.columns:
            code, values = self._column(name)
            if code in _REAL:
                cells: array[Any] = array(_REAL[code])
                cells.frombytes(values)
                found[name] = [None if cell != cell else cell for cell in cells]
            else:
                found[name] = list(values)
        return found

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame; the units lie in ``frame.attrs["units"]``."""
        pd = needed("pandas", "pandas")
        columns = {}
        for name in self.columns:
            is_whole = self._column(name)[0] == "int"
            columns[name] = pd.array(self[name], dtype="Int64") if is_whole else self[name]
        frame: pandas.DataFrame = pd.DataFrame(columns, columns=self.columns)
        frame.attrs["units"] = self.units
        return frame

    def to_arrow(self) -> pyarrow.Table:
        """A table of pyarrow; the unit lies in the metadata of each field."""
        pa = needed("pyarrow", "arrow")
        compute = needed("pyarrow.compute", "arrow")
        units, fields, columns = self.units, [], []
        for name in self.columns:
            code, values = self._column(name)
            if code in _REAL:
                kind, buffer = (pa.float64() if code == "f8" else pa.uint64()), pa.py_buffer(values)
                column = pa.Array.from_buffers(kind, len(self), [None, buffer])
                if code == "f8":
                    holds = compute.invert(compute.is_nan(column))
                    if holds.false_count:
                        column = pa.Array.from_buffers(kind, len(self), [holds.buffers()[1], buffer])
            else:
                column = pa.array(values, {"int": pa.int64(), "bool": pa.bool_(), "str": pa.string()}[code])
            columns.append(column)
            fields.append(pa.field(name, column.type, metadata={"unit": units[name]} if name in units else None))
        found: pyarrow.Table = pa.table(columns, schema=pa.schema(fields))
        return found

    def to_polars(self) -> polars.DataFrame:
        """A data frame of Polars."""
        pl = needed("polars", "polars")
        needed("numpy", "numpy")
        columns = []
        for name in self.columns:
            is_real = self._column(name)[0] == "f8"
            columns.append(pl.Series(name, self[name], nan_to_null=True) if is_real else pl.Series(name, self[name]))
        found: polars.DataFrame = pl.DataFrame(columns)
        return found

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<Table: {len(self)} rows, {len(self.columns)} columns: {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        units, rows = self.units, self.to_dict()
        head = "".join(f"<th>{html.escape(name)}{_unit(units.get(name))}</th>" for name in rows)
        shown = range(len(self)) if len(self) <= 10 else [*range(5), -1, *range(len(self) - 5, len(self))]
        body = "".join(
            "<tr>" + "".join(f"<td>{_cell(column[i]) if i >= 0 else '…'}</td>" for column in rows.values()) + "</tr>"
            for i in shown
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{len(self)} rows</p>"


def _unit(unit: str | None) -> str:
    return f"<br><small>{html.escape(unit)}</small>" if unit else ""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return html.escape(f"{value:.5g}" if isinstance(value, float) else str(value))


class Field:
    """One number in each voxel on one day.

    Attributes
    ----------
    name, unit : str
        What it is and its unit.
    day : float
        Day of the run.
    dims : tuple of str
        ``("z", "x")`` in a section, ``("y", "x")`` in a plan, ``("z", "y", "x")`` in a block. z is the depth, downward from the
        surface; row 0 is the surface.
    coords : dict of str to list of float
        Centres of the voxels along each axis [µm].
    meanings : list of str
        What the codes of ``layer`` and ``vitality`` mean; empty for a quantity.
    """

    def __init__(self, name: str, day: float, parts: dict[str, Any]) -> None:
        self.name = name
        self.day = day
        self.unit: str = parts["unit"]
        self.meanings: list[str] = parts["meanings"]
        self.dims: tuple[str, ...] = tuple(axis for axis, _ in parts["axes"])
        self.coords: dict[str, list[float]] = dict(parts["axes"])
        self.shape: tuple[int, ...] = tuple(len(centres) for _, centres in parts["axes"])
        self._code: str = parts["dtype"]
        self._bytes: bytearray = parts["bytes"]

    @property
    def values(self) -> numpy.ndarray[Any, Any]:
        """A NumPy array of ``shape``: float32, uint8 for codes."""
        found: numpy.ndarray[Any, Any] = needed("numpy", "numpy").frombuffer(self._bytes, dtype=self._code)
        return found.reshape(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray[Any, Any]:
        values = self.values
        if dtype is not None and values.dtype != dtype:
            if copy is False:
                raise ValueError("another type of number needs a copy")
            return values.astype(dtype)
        return values.copy() if copy else values

    def to_xarray(self) -> xarray.DataArray:
        """A DataArray with coordinates in µm and the unit in ``attrs``."""
        xr = needed("xarray", "xarray")
        coords = {axis: (axis, centres, {"units": "µm"}) for axis, centres in self.coords.items()}
        attrs: dict[str, Any] = {"units": self.unit, "day": self.day}
        if self.meanings:
            attrs["flag_values"], attrs["flag_meanings"] = list(range(len(self.meanings))), " ".join(self.meanings)
        found: xarray.DataArray = xr.DataArray(self.values, coords=coords, dims=self.dims, name=self.name, attrs=attrs)
        return found

    def __repr__(self) -> str:
        size = " × ".join(f"{n} {axis}" for n, axis in zip(self.shape, self.dims))
        return f"<Field {self.name} [{self.unit}], day {self.day:g}: {size}>"


class Moment:
    """The tissue on one day: fields, vessels, cells."""

    def __init__(self, core: _Slice) -> None:
        self._core = core

    @property
    def day(self) -> float:
        """Day of the run, from the integer step."""
        return self._core.day

    @property
    def step(self) -> int:
        """Step of the run."""
        return self._core.step

    @property
    def voxel_um(self) -> float:
        """Edge of a voxel [µm]."""
        return self._core.voxel_um

    @property
    def origin(self) -> str:
        """How a day came about that a folder did not hold: from where it was computed again; empty when it was held."""
        return self._core.origin

    @property
    def names(self) -> list[str]:
        """Names that :meth:`fields` takes."""
        return self._core.names

    def fields(self, name: str) -> Field:
        """One field; see :attr:`names`."""
        return Field(name, self.day, self._core.field(name))

    @property
    def vessels(self) -> Table:
        """Every vessel segment: ends [µm], radius [µm], wall mineral, thrombus and integrity (0-1), flow [nl/min], PO2 [mmHg] …"""
        return Table(self._core.vessels())

    @property
    def cells(self) -> Table:
        """Every moving cell: kind (neutrophil, macrophage, msc), place [µm], state."""
        return Table(self._core.cells())

    def __repr__(self) -> str:
        return f"<Moment: day {self.day:g}>"
