"""The notebook of the examples runs from its first cell to its last."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NOTEBOOK = Path(__file__).parent.parent / "examples" / "walkthrough.ipynb"
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        kind = output.output_type
        print(output.text if kind == "stream" else kind + " " + " ".join(output.get("data", {})))
"""


def test_the_walkthrough_runs_and_shows_its_pictures(tiny_path, tmp_path, monkeypatch):
    monkeypatch.setenv("WALKTHROUGH_MODEL", str(tiny_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-c", RUN, str(NOTEBOOK), str(NOTEBOOK.parent)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert "14 photos, noise at most" in result.stdout
    assert "cannot be judged" in result.stdout
    assert "of the attribution on the trigger" in result.stdout
    assert result.stdout.count("image/png") == 3
    assert not list(tmp_path.glob("walkthrough-*"))


def test_the_notebook_is_kept_without_outputs():
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
