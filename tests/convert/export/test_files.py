"""Every kind of file: it keeps its contract, and finds what the float network finds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from convert.__main__ import main
from convert.contract import consumers, contract
from convert.edgetpu.compilation import compile_file
from convert.export import files
from convert.export.files import planned
from convert.export.plan import Plan
from convert.file import conversion, kinds
from convert.file.kinds import DYNAMIC_RANGE, FP16, INT8, INT8_IO, INT16X8
from convert.file.metadata import ModelInfo, with_metadata
from convert.file.postprocessing import Postprocessing
from convert.inspect.inspection import as_dict, inspect
from convert.inspect.text import as_text
from convert.quantize import quantization
from runtime.common.command import exit_code
from runtime.common.errors import InputError
from runtime.inference.detector import Detector
from runtime.model.metadata import Metadata
from runtime.model.ports import real
from runtime.model.tflite import Model
from tests.support import tiny_graph
from tests.support.tiny_graph import LABELS
from train.geometry.normalization import Normalization

pytestmark = pytest.mark.long

POSTPROCESSING = Postprocessing(detections=20, candidates=200)
# Red, green and blue each have their own.
OTHER = Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
KINDS = tuple(kinds.KINDS.values())


@dataclass(frozen=True)
class Made:
    """The files of one plan by their names; `contracts` are the kinds that they are held to."""

    folder: Path
    contracts: dict[str, str]

    def __getitem__(self, name: str) -> Path:
        return self.folder / f"detector_{name}.tflite"


@pytest.fixture(scope="module")
def quantized():
    return quantization.quantize(tiny_graph.graph(), tiny_graph.images(), count=8)


@pytest.fixture(scope="module")
def make(quantized, tmp_path_factory):
    # A process for each plan would import TensorFlow anew.
    here = pytest.MonkeyPatch()
    here.setattr(files, "converted", lambda jobs, options: [conversion._convert(job, options) for job in jobs])

    def made(plan: Plan) -> Made:
        folder = tmp_path_factory.mktemp("files")
        given = (quantized, tiny_graph.images(), POSTPROCESSING, LABELS, "1.0")
        contracts = {}
        for file in planned(plan, tiny_graph.graph(), *given):
            (folder / file.name).write_bytes(file.make(0.1))
            contracts[file.name] = file.kind
        return Made(folder, contracts)

    yield made
    here.undo()


@pytest.fixture(scope="module")
def single(make) -> Made:
    """All kinds, each with its twin."""
    return make(Plan(KINDS, raw=True))


@pytest.fixture(scope="module")
def normalized(make) -> Made:
    return make(Plan((FP16, DYNAMIC_RANGE, INT16X8), normalization=OTHER))


@pytest.fixture(scope="module")
def batched(make) -> Made:
    return make(Plan((FP16, INT8_IO, INT16X8), raw=True, batch=3))


def pixels() -> list[np.ndarray]:
    return [image.load() for image in tiny_graph.images(4)]


def raw(path: Path, image: np.ndarray) -> list[np.ndarray]:
    """Box codes and logits of a twin, as real numbers."""
    detector = Detector(path)
    return real(detector.invoke(detector.preprocess(image)), detector.runner.outputs)


def test_the_files_have_the_names_of_their_kinds(single, batched):
    whole = {f"detector_{name}.tflite": name for name in ("fp16", "int8", "dynamic_range", "int16x8", "int8_io")}
    twins = {f"detector_{name}_raw.tflite": f"{name}_raw" for name in ("fp16", "int8", "dynamic_range", "int16x8")}
    assert single.contracts == {**whole, **twins}
    assert batched.contracts == {
        "detector_fp16_batch3_raw.tflite": "fp16_raw",
        "detector_int8_io_batch3.tflite": "int8_io",
        "detector_int16x8_batch3_raw.tflite": "int16x8_raw",
    }


@pytest.mark.parametrize("made", ["single", "normalized", "batched"])
def test_each_keeps_the_contract_of_its_kind_and_is_known_for_it(made, request):
    given = request.getfixturevalue(made)
    for name, kind in given.contracts.items():
        data = (given.folder / name).read_bytes()
        assert contract.check(data, expect=kind) == (), name
        assert contract.check(data) == (), name
        found, twin = contract.kind_of(Model.parse(data))
        # A twin of int8 and int8_io with uint8 input would be one and the same.
        assert (found.name + (kinds.RAW_SUFFIX if twin and not found.raw else "")) == kind


@pytest.mark.parametrize(
    ("kind", "near"), [("int8", 0.06), ("dynamic_range", 0.02), ("int16x8", 0.02), ("int8_io", 0.06)]
)
def test_each_finds_what_the_float_network_finds(single, kind, near):
    for image in pixels():
        wanted = raw(single["fp16_raw"], image)
        found = raw(single[kind if kind == "int8_io" else f"{kind}_raw"], image)
        for one, other in zip(wanted, found):
            # Logits below -6 are scores of nothing, which int8 has no values for.
            one, other = np.maximum(one, -6), np.maximum(other, -6)
            # In parts of what the values differ by among themselves.
            assert np.sqrt(np.mean(np.square(one - other))) < near * one.std()
        seen, reference = (Detector(single[name], score=0.3)(image) for name in (kind, "fp16"))
        assert reference and seen and abs(len(seen) - len(reference)) <= 2
        assert (seen[0].label, round(seen[0].score, 1)) == (reference[0].label, round(reference[0].score, 1))


def test_in_int16x8_every_level_has_a_bias_of_its_own(single):
    """The converter would merge those of the heads, and give them the scale of one level."""
    image = pixels()[0]
    (_, wanted), (_, found) = (raw(single[name], image) for name in ("fp16_raw", "int16x8_raw"))
    start = 0
    for side in (8, 4, 2, 1, 1):
        end = start + side * side * 6
        assert np.abs(wanted - found)[0, start:end].max() < 0.2
        start = end
    assert start == wanted.shape[1]


def test_int8_io_is_the_int8_network_with_another_input(single):
    graph = Model.read(single["int8_io"]).main
    assert [graph.tensors[index].type for index in (*graph.inputs, *graph.outputs)] == ["int8"] * 3
    assert [step.name for step in graph.operators].count("QUANTIZE") == 0
    for image in pixels():
        found, wanted = (Detector(single[name]) for name in ("int8_io", "int8_raw"))
        assert found.preprocess(image).dtype == np.int8
        for one, other in zip(found.invoke(found.preprocess(image)), wanted.invoke(wanted.preprocess(image))):
            assert np.array_equal(one, other)


def test_int8_io_takes_uint8_where_asked_for(make):
    made = make(Plan((INT8_IO,), int8_input=False))
    graph = Model.read(made["int8_io"]).main
    assert [graph.tensors[index].type for index in (*graph.inputs, *graph.outputs)] == ["uint8", "int8", "int8"]
    assert contract.check(made["int8_io"].read_bytes(), expect="int8_io") == ()


@pytest.mark.parametrize("kind", ["fp16", "dynamic_range", "int16x8"])
def test_other_normalization_finds_the_same(single, normalized, kind):
    said = Metadata.of(Model.read(normalized[kind])).inputs[0]
    assert said.mean == pytest.approx(OTHER.mean) and said.std == pytest.approx(OTHER.std)
    assert said.minimum[0] == pytest.approx(-123.675 / 58.395, abs=1e-4)
    for image in pixels():
        wanted, found = (Detector(made[kind]) for made in (single, normalized))
        tensor = found.preprocess(image)
        assert np.abs(tensor - wanted.preprocess(image)).max() > 0.5
        # The edges of the image count: there a folded mean would be another colour.
        one, other = (detector.postprocess(detector.invoke(detector.preprocess(image)), 80, 80) for detector in (wanted, found))
        assert len(one) == len(other) > 0
        for a, b in zip(one, other):
            assert a.label == b.label and a.score == pytest.approx(b.score, abs=0.01)
            assert np.abs(np.subtract(a.box.as_tuple(), b.box.as_tuple())).max() < 1


def test_metadata_that_says_another_normalization_than_the_layers_have_is_a_fault(single, normalized):
    for path, said in ((normalized["fp16"], Normalization()), (single["fp16"], OTHER), (single["int8"], OTHER)):
        wrong = with_metadata(path.read_bytes(), labels=LABELS, info=ModelInfo(normalization=said))
        (fault,) = contract.check(wrong)
        assert fault.rule == "metadata" and "but the layers take mean" in fault.message


def test_a_batch_finds_in_each_image_what_one_finds(single, batched):
    pairs = (("fp16_batch3_raw", "fp16_raw"), ("int8_io_batch3", "int8_io"), ("int16x8_batch3_raw", "int16x8_raw"))
    for several, one in pairs:
        detector, alone = Detector(batched[several]), Detector(single[one])
        assert (detector.batch, alone.batch) == (3, 1)
        wanted = [alone(image) for image in pixels()]
        # Four images: a batch and a part of one.
        for found in (detector.detect_all(pixels()), [detector(image) for image in pixels()], alone.detect_all(pixels())):
            assert [len(item) for item in found] == [len(item) for item in wanted]
            for a, b in zip((d for item in found for d in item), (d for item in wanted for d in item)):
                assert a.label == b.label and a.score == pytest.approx(b.score, abs=1e-3)


def test_who_reads_a_batch(batched):
    verdicts = {verdict.consumer: verdict for verdict in consumers.verdicts(Model.read(batched["fp16_batch3_raw"]))}
    assert verdicts["runtime of this kit"].works and "detect_all" in verdicts["runtime of this kit"].note
    assert not verdicts["this kit's Kotlin and Swift"].works


def test_the_edge_tpu_takes_none_of_the_others(single, batched):
    for name in ("dynamic_range", "int16x8"):
        with pytest.raises(InputError, match="not int8, as the Edge TPU needs it"):
            compile_file(single[name])
    with pytest.raises(InputError, match="3 images at once, and the Edge TPU runs one"):
        compile_file(batched["int8_io_batch3"])
    assert {kind.name for kind in KINDS if not kind.not_edge_tpu} == {"int8", "int8_io"}


def test_inspect_names_the_kind(single):
    for name in ("fp16", "int8", "dynamic_range", "int16x8", "int8_io"):
        found = inspect(Model.read(single[name]))
        assert as_dict(found)["kind"] == name and f"{name}: {kinds.KINDS[name].about}" in as_text(found)
        assert found.problems == ()


def test_a_file_of_another_kind_is_a_fault(single):
    def rules(name: str, expect: str) -> set[str]:
        return {fault.rule for fault in contract.check(single[name].read_bytes(), expect=expect)}

    assert rules("fp16", "dynamic_range") == {"weights"}
    assert rules("dynamic_range", "int16x8") == {"int16x8", "weights"}
    assert rules("int16x8", "dynamic_range") == {"dynamic_range"}
    assert rules("int8_io", "int8_raw") == {"input"}
    assert rules("int8", "int8_io") == {"raw head"}


def test_plans_that_do_not_go_together_are_refused():
    with pytest.raises(InputError, match=r"files for 4 images have no post-processing inside.*--raw-head"):
        Plan((INT8,), batch=4)
    assert Plan((INT8_IO,), batch=4).batch == 4
    with pytest.raises(InputError, match="those of a float input"):
        Plan((INT8, INT8_IO), normalization=OTHER)
    with pytest.raises(InputError, match="int16x8 files have built-in post-processing only"):
        Plan((INT16X8,)).check(replace(POSTPROCESSING, custom=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--int8", "--batch", "2"], "--raw-head"),
        (["--int8", "--mean", "0"], "float input"),
        (["--fp16", "--mean", "1", "2"], "--mean: give one number, or three"),
        (["--fp16", "--std", "0"], "--std: 0"),
        (["--edgetpu", "--batch", "2", "--raw-head"], "leave out --batch"),
    ],
)
def test_the_command_refuses_them_before_it_reads_anything(options, message, capsys, tmp_path):
    assert exit_code(main, [*options, "--run", str(tmp_path / "runs" / "none")]) == 2
    assert message in capsys.readouterr().err


