"""Reads an export of calcisim with the programs it is made for, and compares the numbers with the run.

    python read_exports.py EXPORT_FOLDER

Needs vtk, zarr, simulariumio and pandas<3 from the Python package index. Prints one line per format; ends with 1 on the first difference.
"""

import csv
import json
import pathlib
import sys

import numpy as np

NECROTIC = 1


def same(what, found, expected, tolerance=0.0):
    if abs(found - expected) > tolerance:
        sys.exit(f"{what}: {found}, expected {expected}")


def read_vtk(folder, days):
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    for list_name in ("fields", "vessels", "cells", "surface"):
        text = (folder / f"{list_name}.pvd").read_text()
        same(f"{list_name}.pvd, days", text.count("<DataSet "), len(days))
    for day in days:
        name = f"{day['day']:07.2f}"
        reader = vtk.vtkXMLImageDataReader()
        reader.SetFileName(str(folder / f"fields-{name}.vti"))
        reader.Update()
        image = reader.GetOutput()
        same("vti, voxels", image.GetNumberOfCells(), day["voxels"])
        time = image.GetFieldData().GetArray("TimeValue").GetValue(0)
        same("vti, day", time, day["day"], 1e-9)
        vitality = vtk_to_numpy(image.GetCellData().GetArray("vitality"))
        spacing = image.GetSpacing()
        volume = float(np.prod(spacing)) * 1e-9
        same("vti, dead voxels", int((vitality == NECROTIC).sum()), day["necrotic_voxels"])
        same("vti, dead volume", (vitality == NECROTIC).sum() * volume, day["necrotic_mm3"], 1e-9)
        oxygen = vtk_to_numpy(image.GetCellData().GetArray("oxygen"))
        if not (np.isfinite(oxygen).all() and 0 <= oxygen.min() and oxygen.max() < 200):
            sys.exit("vti: oxygen is not a tension")

        reader = vtk.vtkXMLImageDataReader()
        reader.SetFileName(str(folder / f"surface-{name}.vti"))
        reader.Update()
        skin = vtk_to_numpy(reader.GetOutput().GetCellData().GetArray("skin"))
        tcpo2 = vtk_to_numpy(reader.GetOutput().GetCellData().GetArray("tcpo2_mmhg"))
        same("vti, columns of the surface", len(skin), image.GetDimensions()[0] - 1)
        same("vti, TcPO2 at most 30", int((tcpo2 <= 30).sum()), day["tcpo2_low_columns"])

        for kind, count in (("vessels", "segments"), ("cells", "cells")):
            reader = vtk.vtkXMLPolyDataReader()
            reader.SetFileName(str(folder / f"{kind}-{name}.vtp"))
            reader.Update()
            poly = reader.GetOutput()
            same(f"vtp, {kind}", poly.GetNumberOfCells(), day[count])
            if kind == "vessels":
                thrombus = vtk_to_numpy(poly.GetCellData().GetArray("thrombus"))
                same("vtp, thrombosed", int((thrombus >= 0.9).sum()), day["thrombosed_segments"])
                bounds = poly.GetBounds()
                image_bounds = image.GetBounds()
                # A vessel that leaves through a side that wraps may stand out by its length.
                if bounds[4] < image_bounds[4] - 1 or bounds[5] > image_bounds[5] + 1:
                    sys.exit(f"vtp: vessels outside the depth of the tissue: {bounds} {image_bounds}")
    print(f"vtk {vtk.vtkVersion.GetVTKVersion()}: {len(days)} days agree")


def read_zarr(folder, days):
    import zarr

    group = zarr.open_group(str(folder), mode="r")
    array = group["0"]
    meta = json.loads((folder / ".zattrs").read_text())
    labels = [c["label"] for c in meta["omero"]["channels"]]
    axes = [a["name"] for a in meta["multiscales"][0]["axes"]]
    scale = meta["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"]
    same("zarr, axes", len(axes), array.ndim)
    same("zarr, scale", len(scale), array.ndim)
    same("zarr, days", array.shape[0], len(days))
    same("zarr, channels", array.shape[1], len(labels))
    vitality = labels.index("vitality")
    for t, day in enumerate(days):
        plane = np.asarray(array[t, vitality])
        same("zarr, voxels", plane.size, day["voxels"])
        same("zarr, dead voxels", int((plane == NECROTIC).sum()), day["necrotic_voxels"])
    print(f"zarr {zarr.__version__}: {array.shape} agree")


def read_simularium(path, days):
    import simulariumio

    # The converter reads, checks and builds its own trajectory from the file.
    converter = simulariumio.FileConverter(simulariumio.InputFileData(file_path=str(path)))
    data = converter._data
    agents = data.agent_data
    same("simularium, days", len(agents.times), len(days))
    for t, day in enumerate(days):
        same("simularium, day", float(agents.times[t]), day["day"], 1e-6)
        count = int(agents.n_agents[t])
        same("simularium, agents", count, day["segments"] + day["cells"])
        thrombosed = sum("thrombosed" in name for name in agents.types[t][:count])
        same("simularium, thrombosed", thrombosed, day["thrombosed_segments"])
    print(f"simulariumio: {len(days)} days agree")


def read_csv(folder, days):
    with open(folder / "vessels.csv", newline="") as file:
        vessels = list(csv.DictReader(file))
    with open(folder / "cells.csv", newline="") as file:
        cells = list(csv.DictReader(file))
    for day in days:
        of_day = [row for row in vessels if float(row["day"]) == day["day"]]
        same("csv, segments", len(of_day), day["segments"])
        same("csv, thrombosed", sum(float(r["thrombus"]) >= 0.9 for r in of_day), day["thrombosed_segments"])
        same("csv, cells", sum(float(r["day"]) == day["day"] for r in cells), day["cells"])
        with open(folder / f"voxels-{day['day']:07.2f}.csv", newline="") as file:
            voxels = list(csv.DictReader(file))
        with open(folder / f"surface-{day['day']:07.2f}.csv", newline="") as file:
            surface = list(csv.DictReader(file))
        same("csv, TcPO2 at most 30", sum(float(r["tcpo2_mmhg"]) <= 30 for r in surface), day["tcpo2_low_columns"])
        same("csv, voxels", len(voxels), day["voxels"])
        same("csv, dead voxels", sum(r["vitality"] == "necrotic" for r in voxels), day["necrotic_voxels"])
    print(f"csv: {len(days)} days agree")


def compare_with_run(run, days):
    """The days of the export against the series of the run itself."""
    with open(run / "series.csv", newline="") as file:
        series = {float(row["t_d"]): row for row in csv.DictReader(file)}
    checked = 0
    for day in days:
        row = series.get(day["day"])
        if row is None:
            continue
        # Tissue is every voxel that is there at day 0: all of a section.
        share = day["necrotic_voxels"] / day["voxels"]
        low = day["tcpo2_low_columns"] / day["surface_columns"]
        # Snapshots keep half precision: a column at the threshold may fall to the other side.
        same("series, tcpo2_low_fraction", low, float(row["tcpo2_low_fraction"]), 2.1 / day["surface_columns"])
        same("series, necrotic_now_fraction", share, float(row["necrotic_now_fraction"]), 1e-9)
        checked += 1
    same("days compared with the series", checked > 0, True)
    print(f"series.csv: {checked} days agree")


def main():
    folder = pathlib.Path(sys.argv[1])
    days = json.loads((folder / "export.json").read_text())["days"]
    read_csv(folder / "csv", days)
    read_vtk(folder / "vtk", days)
    read_zarr(folder / "run.ome.zarr", days)
    read_simularium(folder / "run.simularium", days)
    if len(sys.argv) > 2:
        compare_with_run(pathlib.Path(sys.argv[2]), days)


main()
