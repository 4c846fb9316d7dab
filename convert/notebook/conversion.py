"""The function `convert`, which the command calls too."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tqdm.auto import tqdm

from convert.edgetpu import compilation, driver
from convert.edgetpu.result import as_text
from convert.evaluation.checkpoints import network_of_checkpoint
from convert.export.plan import Plan, chosen
from convert.notebook.results import Export, ExportedFile
from convert.object_detection_api import pipeline
from convert.object_detection_api.folder import configuration, is_model
from runtime.common.errors import InputError
from train.files import progress_bars
from train.geometry.normalization import NETWORK, Normalization
from train.run.run_folder import RunFolder, newest, open_run, run_of

if TYPE_CHECKING:
    from convert.evaluation.gate import Admitted
    from convert.export.export import Source

PathLike = str | os.PathLike[str]

_WORDS = {
    "post_processing": ("built-in", "custom"),
    "input_type": ("int8", "uint8"),
    "calibration_method": ("mse", "minmax", "percentile"),
}


def convert(
    source: PathLike | None = None,
    out: PathLike | None = None,
    *,
    int8: bool = True,
    fp16: bool = False,
    dynamic_range: bool = False,
    int16x8: bool = False,
    int8_io: bool = False,
    raw_head: bool = False,
    batch: int = 1,
    checkpoint: PathLike | None = None,
    detections: int | None = None,
    score: float | None = None,
    iou: float | None = None,
    post_processing: Literal["built-in", "custom"] = "built-in",
    input_type: Literal["int8", "uint8"] = "int8",
    mean: Sequence[float] = (NETWORK,),
    std: Sequence[float] = (NETWORK,),
    calibration: int = 300,
    calibration_method: Literal["mse", "minmax", "percentile"] | None = None,
    max_drop: float = 0.01,
    max_class_drop: float = 0.05,
    no_gate: bool = False,
    size: str | int | None = None,
    labels: PathLike | None = None,
    data: PathLike | None = None,
    val: PathLike | None = None,
    calibration_images: PathLike | None = None,
    edgetpu: bool = False,
    edgetpu_compiler: PathLike | None = None,
    edgetpu_timeout: float = driver.TIMEOUT,
    min_mapped: float = compilation.MIN_MAPPED,
    progress: bool | None = None,
    say: Callable[[str], None] | None = None,
) -> Export:
    """Converts a run, a model of the Object Detection API or a checkpoint to .tflite files, as `python -m convert` does.

        files = convert(run, fp16=True)
        files["int8"].path

    The keyword arguments are the command's options with `_` for `-`, and have its defaults; only `int8` is on unless it
    is turned off.

    Args:
      source: a run or its folder, or the folder of a model of the Object Detection API; by default, and without
        `checkpoint`, the newest run under runs/.
      out: folder to write to, by default `export` in the folder of `source`, or of the run that `checkpoint` lies in.
      int8: write detector_int8.tflite.
      fp16: write detector_fp16.tflite.
      dynamic_range: write detector_dynamic_range.tflite.
      int16x8: write detector_int16x8.tflite.
      int8_io: write detector_int8_io.tflite.
      raw_head: also write each file without post-processing.
      batch: images that a file takes at once.
      checkpoint: a published checkpoint, in place of `source`: a folder, an archive, or a file of another framework.
      detections: most detections in an image.
      score: lowest score of a detection, 0..1.
      iou: IoU, 0..1, above which, of two boxes of one class, that with the lower score is suppressed.
      post_processing: built-in operations, or the custom operation.
      input_type: type of the input of `int8_io`.
      mean: what float inputs are normalized with, one number or three for red, green and blue.
      std: the same.
      calibration: number of images to calibrate on.
      calibration_method: how ranges are chosen.
      max_drop: most AP that a file may lose.
      max_class_drop: most AP that a class may lose, beyond what chance explains.
      no_gate: keep a file even if it fails its checks.
      size: size of a checkpoint's input.
      labels: file of class names, for a checkpoint or a model.
      data: labelled images to calibrate and measure on, for a checkpoint or a model.
      val: another data set to measure on.
      calibration_images: folder of images to calibrate on.
      edgetpu: compile the int8 file for the Edge TPU.
      edgetpu_compiler: the compiler.
      edgetpu_timeout: seconds after which the compiler is stopped.
      min_mapped: share of the operations before the post-processing that must be mapped.
      progress: show a bar, by default in notebooks and on terminals.
      say: called with a line for each step; by default nothing is said.

    Raises:
      InputError: arguments that do not go together, or a source that cannot be read.
      KitError: a file did not pass its checks and is left as `*.rejected.tflite`.
    """
    wanted = {"int8": int8 or edgetpu, "fp16": fp16, "dynamic_range": dynamic_range, "int16x8": int16x8, "int8_io": int8_io}
    if not any(wanted.values()):
        raise InputError(f"nothing to write: turn on at least one of {', '.join(wanted)}")
    if source is not None and checkpoint is not None:
        raise InputError("give either a source or a checkpoint")
    if edgetpu and batch > 1:
        raise InputError("edgetpu compiles a file for one image; leave out batch")
    _check(
        {"post_processing": post_processing, "input_type": input_type, "calibration_method": calibration_method},
        {"score": score, "iou": iou, "max_drop": max_drop, "max_class_drop": max_class_drop},
        {"batch": batch, "calibration": calibration, "detections": detections},
    )
    say = say or _silent
    folder = None if source is None or is_run(source) else Path(source)
    run = None
    if folder is None and checkpoint is None:
        run = newest() if source is None else open_run(source)
        if data is not None or val is not None:
            raise InputError("data and val are for a model or a checkpoint; a run has its own images")
        if labels is not None or calibration_images is not None:
            raise InputError("labels and calibration_images are for a model or a checkpoint; a run has its own names and images")
    if size is not None and checkpoint is None:
        raise InputError("size is for a checkpoint; a run and a model have a size of their own")
    if val is not None and data is None:
        raise InputError("val needs data")
    normalization = normalized(mean, std)
    # What does not go together is refused before TensorFlow is loaded.
    Plan(chosen(wanted), raw_head, normalization, batch, input_type == "int8")
    if folder is not None:
        # Another network is refused before TensorFlow is loaded, which takes seconds.
        pipeline.read(configuration(folder))

    from train.layers import tensorflow_setup

    tensorflow_setup.prepare()
    from convert.export.export import Options, export

    options = Options(
        **wanted,
        normalization=normalization,
        batch=batch,
        input_type=input_type,
        raw_head=raw_head,
        detections=detections,
        score=score,
        iou=iou,
        custom=post_processing == "custom",
        method=calibration_method,
        calibration=calibration,
        max_drop=max_drop,
        max_class_drop=max_class_drop,
        gate=not no_gate,
        edge_tpu=edgetpu,
    )
    what = source_of(
        run, folder, checkpoint, size=None if size is None else str(size), labels=labels, data=data, val=val,
        calibration_images=calibration_images, say=say,
    )  # fmt: skip
    target = Path(out) if out is not None else default_folder(run, folder, checkpoint)
    if checkpoint is not None and out is None:
        say(destination(checkpoint, target))
    shown = progress_bars.visible() if progress is None else progress
    with tqdm(desc="converting", unit="file", disable=not shown) as bar:

        def told(line: str) -> None:
            bar.update(line.startswith(str(target)))
            say(line)

        files = [_exported(file) for file in export(what, target, options, say=told)]
    if edgetpu:
        compiled = compilation.compile_file(
            target / compilation.INT8_NAME, compiler=edgetpu_compiler, min_mapped=min_mapped, timeout=edgetpu_timeout
        )
        compilation.into_manifest(target, compiled)
        say(as_text(compiled))
        files.append(ExportedFile("edgetpu", compiled.path, compiled.path.stat().st_size))
    return Export(target, tuple(files), what.reported["AP"] if what.reported else None)


def _check(
    words: Mapping[str, str | None], shares: Mapping[str, float | None], numbers: Mapping[str, int | None]
) -> None:
    """Raises InputError for a value that the command's parser would not take; None is a default."""
    for name, word in words.items():
        if word is not None and word not in _WORDS[name]:
            raise InputError(f"{name} is one of {', '.join(_WORDS[name])}, not {word!r}")
    for name, share in shares.items():
        if share is not None and not 0 <= share <= 1:
            raise InputError(f"{name} lies between 0 and 1, not at {share}")
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise InputError(f"{name} is at least 1, not {number}")


def is_run(source: PathLike) -> bool:
    """Whether the folder `source` is a run, and not a model of the Object Detection API."""
    folder = Path(source)
    return (folder / "config.yaml").is_file() and not is_model(folder)


def default_folder(run: RunFolder | None, folder: Path | None, checkpoint: PathLike | None) -> Path:
    """Where the files of a run, a model's folder or a checkpoint are written; a checkpoint in a run counts as the run."""
    if run is None and checkpoint is not None:
        run = _around(checkpoint)
    if run is not None:
        return run.export
    if folder is not None:
        return folder / "export"
    # The folder of a published checkpoint may be read-only or shared.
    path = Path(checkpoint or ".").resolve()
    return Path("runs") / (path.name.partition(".")[0] if path.is_file() else path.name) / "export"


def destination(checkpoint: PathLike, target: Path) -> str:
    """A line that says where the files of `checkpoint` are written, and why."""
    why = ", the run that it lies in" if _around(checkpoint) is not None else "; name another folder with --out"
    return f"{checkpoint}: writing to {target}{why}"


def _around(checkpoint: PathLike) -> RunFolder | None:
    """The run that wrote `checkpoint`. An archive or a file of another framework that lies in a run is not of it."""
    path = Path(checkpoint)
    return None if path.is_file() and not re.search(r"\.(index|data-\d{5}-of-\d{5})$", path.name) else run_of(path)


def normalized(mean: Sequence[float], std: Sequence[float]) -> Normalization:
    """What float inputs are normalized with. Raises InputError where it is not one number or three, or no number."""
    for name, values in (("--mean", mean), ("--std", std)):
        if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
            raise InputError(f"{name}: give one number, or three for red, green and blue, not {len(values)}")
    if min(std) <= 0:
        raise InputError(f"--std: {min(std):g}; a standard deviation is greater than 0")
    return Normalization(tuple(mean), tuple(std))


def source_of(
    run: RunFolder | None,
    folder: Path | None,
    checkpoint: PathLike | None,
    *,
    size: str | None,
    labels: PathLike | None,
    data: PathLike | None,
    val: PathLike | None,
    calibration_images: PathLike | None,
    say: Callable[[str], None],
) -> Source:
    """What is converted: a run, else the model in `folder`, else the checkpoint; the other arguments as for `convert`."""
    from convert.export.export import images_in, source_of_checkpoint, source_of_run

    if run is not None:
        return source_of_run(run)
    from convert.export.model_source import source_of_model, with_data
    from train.checkpoints.published import unpacked

    if folder is not None:
        source = source_of_model(folder, labels=labels, data=data, say=say)
        if calibration_images:
            source = replace(source, calibration=images_in(calibration_images))
    else:
        path = unpacked(Path(checkpoint or ""))
        around = run_of(path)
        input_size, names = network_of_checkpoint(path, around, size, labels)
        source = source_of_checkpoint(path, input_size, names, calibration_images, around.tiles() if around else None)
    return with_data(source, data, val, say=say) if data else source


def _exported(file: Admitted) -> ExportedFile:
    ap, ap50 = (None, None) if file.metrics is None else (file.metrics["AP"], file.metrics["AP50"])
    score = None if file.thresholds is None else file.thresholds.overall.score
    return ExportedFile(file.kind, file.path, file.path.stat().st_size, ap, ap50, score)


def _silent(line: str) -> None:
    """Says nothing."""
