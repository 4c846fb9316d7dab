"""The notebooks: valid, without outputs, and executed from top to bottom on little data."""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.trained import WARM_START

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient", reason="executing notebooks needs the extra dev")

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# int8 of SSD MobileNet v2 alone would take a third of all the time.
PARAMETERS = {
    "quickstart": f"STEPS, SIZE, IMAGES, INIT = 2, 96, 10, {str(WARM_START)!r}",
    "voc_to_phone": f"STEPS, SIZE, IMAGES, BATCH, INIT = 2, 96, 10, 4, {str(WARM_START)!r}",
    "roboflow_fields": 'STEPS, SIZE, IMAGES, KIND, INIT = 2, 96, 10, "fp16", "none"',
}


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_those_that_the_kit_replaces_and_one_to_begin_with():
    assert {path.stem for path in NOTEBOOKS} == set(PARAMETERS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_has_no_outputs(path):
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_installs_the_kit_first_and_has_one_cell_of_parameters(path):
    notebook = read(path)
    assert code(notebook)[0] == code(read(NOTEBOOKS[0]))[0]
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    names = set()
    exec(parameters.source, {}, given := {})
    exec(PARAMETERS[path.stem], {}, names := {})
    assert set(names) <= set(given), "a parameter that the notebook does not have"


def test_the_kit_is_installed_only_where_it_is_missing(tmp_path, monkeypatch):
    """In a folder that is no checkout, with a package missing, the published kit is installed; here nothing is."""
    source = code(read(NOTEBOOKS[0]))[0]
    commands = []
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append(command))
    exec(source, {})
    assert commands == []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    exec(source, {})
    assert commands.pop()[-1] == f"{ROOT}[train,convert]"
    monkeypatch.chdir(tmp_path)
    exec(source, {})
    assert commands.pop()[1:] == ["-m", "pip", "install", "--quiet", "edge-detection-kit[train,convert]"]
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    with pytest.raises(RuntimeError, match=r"3\.13"):
        exec(source, {})


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_notebooks_run_from_top_to_bottom(tmp_path, monkeypatch):
    """In one kernel one after the other, with their variables cleared between them.

    A kernel each would load TensorFlow three times. So it is also shown that one process trains several networks.
    """
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    together = nbformat.v4.new_notebook()
    for path in NOTEBOOKS:
        notebook = copy.deepcopy(read(path))
        place = next(i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
        notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(PARAMETERS[path.stem]))
        together.cells += [*notebook.cells, nbformat.v4.new_code_cell("%reset -f")]
    nbclient.NotebookClient(
        together, timeout=1500, resources={"metadata": {"path": str(tmp_path)}}, kernel_name=kernel(tmp_path, monkeypatch)
    ).execute()

    shown = [output for cell in together.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    kinds = [heading for output in shown for heading in headings(output)]
    assert kinds == [
        "Data set", "Training run", "Export", "Evaluation",
        "Data set", "Training run", "Export",
        "Data set", "Training run", "Export",
    ]  # fmt: skip
    assert sum("detections" in html(output) for output in shown) == 3
    printing = [cell.source for cell in together.cells if cell.cell_type == "code" and prints(cell)]
    assert len(printing) == 1 and "check(" in printing[0]
    assert {path.name for path in (tmp_path / "runs" / "voc" / "export").glob("*.tflite")} == {
        "detector_int8.tflite", "detector_int8_raw.tflite", "detector_fp16.tflite", "detector_fp16_raw.tflite",
    }  # fmt: skip
    assert (tmp_path / "export.zip").is_file()
    assert (tmp_path / "fields.csv").read_text().splitlines()[0] == "image,field,score,xmin,ymin,xmax,ymax"


def kernel(folder: Path, monkeypatch) -> str:
    """The name of a kernel that runs this Python; those of the machine may run another."""
    spec = folder / "jupyter" / "kernels" / "kit"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        f'{{"argv": ["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"],'
        ' "display_name": "kit", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    return "kit"


def prints(cell) -> bool:
    return any(output.output_type == "stream" and output.name == "stdout" for output in cell.outputs)


def html(output) -> str:
    return output.get("data", {}).get("text/html", "")


def headings(output) -> list[str]:
    text = html(output)
    start = text.find('<p class="kind">')
    return [] if start < 0 else [text[start + len('<p class="kind">') : text.index("</p>", start)]]
