"""Runs the notebooks of this folder without a browser; with --write, what they show is renewed.

Needs calcisim, nbclient, ipykernel, numpy, pandas, xarray, matplotlib and SALib. A cell that fails ends it with its error.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

LARGEST = 300_000
FOLDER = Path(__file__).resolve().parent


def tidy(notebook):
    """Leaves out what differs between machines and turns."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def main():
    # Thin lines of a dot plot need no more; the files stay small.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    write = "--write" in sys.argv
    chosen = [Path(name) for name in sys.argv[1:] if name != "--write"] or sorted(FOLDER.glob("*.ipynb"))
    for path in chosen:
        started = time.monotonic()
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}).execute()
        tidy(notebook)
        text = nbformat.writes(notebook) + "\n"
        if len(text.encode()) > LARGEST:
            sys.exit(f"{path.name}: {len(text.encode())} bytes, at most {LARGEST}")
        if write:
            path.write_text(text)
        print(f"{path.name}: {time.monotonic() - started:.1f} s, {len(text.encode()) // 1000} kB")


main()
