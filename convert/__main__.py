"""Converts a training run, a published checkpoint or a model of the Object Detection API to .tflite files."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert import destinations
from convert.edgetpu import compilation
from convert.edgetpu.result import as_text
from convert.export import install, output_folder
from convert.export.plan import Plan
from convert.file.kinds import KINDS
from convert.notebook import conversion
from convert.object_detection_api import pipeline
from convert.object_detection_api.folder import configuration
from runtime.common.command import run as run_command
from runtime.common.command import spelling
from runtime.common.command_parser import add_version
from runtime.common.errors import InputError
from runtime.common.options import fraction, old_name, positive
from train.geometry.normalization import NETWORK

if TYPE_CHECKING:
    from train.run.run_folder import RunFolder

_EXAMPLES = """examples:
  python -m convert --int8 --fp16                        convert the newest run under runs/
  python -m convert --int8 --edgetpu --run runs/NAME     and compile the int8 file for the Edge TPU
  python -m convert --int8 --checkpoint PATH --calibration-images IMAGES
  python -m convert FOLDER --int8 --data DATA            a model that the Object Detection API trained or exported
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    arguments.int8 = arguments.int8 or arguments.edgetpu
    if arguments.destination:
        setattr(arguments, destinations.all_of()[arguments.destination].KIND, True)
    chosen = tuple(kind for kind in KINDS.values() if getattr(arguments, kind.name))
    writes = bool(chosen)
    apps = [(install.IOS, arguments.install_ios), (install.ANDROID, arguments.install_android)]
    apps = [(app, Path(project)) for app, project in apps if project]
    if not (writes or apps):
        parser.error(
            "say what to write: --int8, --fp16, --int8-io, --dynamic-range, --int16x8 or --edgetpu;"
            " or --for, --install-ios or --install-android"
        )
    if arguments.destination and arguments.batch > 1:
        raise InputError(f"--for {arguments.destination} takes a file for one image; leave out --batch")
    if arguments.edgetpu and arguments.batch > 1:
        raise InputError("--edgetpu compiles a file for one image; leave out --batch")
    if sum(map(bool, (arguments.folder, arguments.run, arguments.checkpoint))) > 1:
        parser.error("give one of FOLDER, --run and --checkpoint")
    arguments = _sorted_out(arguments)
    if (arguments.data or arguments.val) and not (arguments.folder or arguments.checkpoint):
        parser.error("--data and --val are for FOLDER and --checkpoint; a run has its own images")
    if (arguments.labels or arguments.calibration_images) and not (arguments.folder or arguments.checkpoint):
        parser.error("--labels and --calibration-images are for FOLDER and --checkpoint; a run has its own names and images")
    if arguments.size and not arguments.checkpoint:
        raise InputError(f"--size {arguments.size} is for --checkpoint; a run and a FOLDER have a size of their own")
    if arguments.val and not arguments.data:
        parser.error("--val needs --data")
    # What does not go together is refused before anything is read.
    normalization = conversion.normalized(arguments.mean, arguments.std)
    Plan(chosen, arguments.raw_head, normalization, arguments.batch, arguments.input_type == "int8")
    # A wrong app folder is refused before minutes of conversion.
    for app, project in apps:
        install.check(app, project)
    folder = _write(arguments) if writes else _written(arguments)
    if writes:
        _say_next(arguments, folder)
    for app, project in apps:
        for path in install.install(app, project, folder):
            print(f"{path}: from {folder}")
    if arguments.destination:
        print(destinations.prepare(arguments.destination, folder))
    return 0


def _write(arguments: argparse.Namespace) -> Path:
    """Writes the files asked for; returns their folder."""
    if arguments.folder:
        # Another network is refused before TensorFlow is loaded, which takes seconds.
        pipeline.read(configuration(Path(arguments.folder)))
    run = None if arguments.checkpoint or arguments.folder else _run(arguments.run)
    folder = Path(arguments.out) if arguments.out else _default_folder(run, arguments)
    # Before minutes of conversion, too.
    output_folder.check(folder)

    from train.layers import tensorflow_setup

    tensorflow_setup.prepare()
    from convert.export.export import Options, export

    options = Options(
        fp16=arguments.fp16,
        int8=arguments.int8,
        int8_io=arguments.int8_io,
        dynamic_range=arguments.dynamic_range,
        int16x8=arguments.int16x8,
        normalization=conversion.normalized(arguments.mean, arguments.std),
        batch=arguments.batch,
        input_type=arguments.input_type,
        raw_head=arguments.raw_head,
        detections=arguments.detections,
        score=arguments.score,
        iou=arguments.iou,
        custom=arguments.post_processing == "custom",
        method=arguments.calibration_method,
        calibration=arguments.calibration,
        max_drop=arguments.max_drop,
        max_class_drop=arguments.max_class_drop,
        gate=not arguments.no_gate,
        edge_tpu=arguments.edgetpu,
    )
    source = conversion.source_of(
        run,
        Path(arguments.folder) if arguments.folder else None,
        arguments.checkpoint,
        size=arguments.size,
        labels=arguments.labels,
        data=arguments.data,
        val=arguments.val,
        calibration_images=arguments.calibration_images,
        say=print,
    )
    if arguments.checkpoint and not arguments.out:
        print(conversion.destination(arguments.checkpoint, folder), flush=True)
    export(source, folder, options, say=lambda line: print(line, flush=True))
    if arguments.edgetpu:
        compiled = compilation.compile_file(
            folder / "detector_int8.tflite",
            compiler=arguments.edgetpu_compiler,
            min_mapped=arguments.min_mapped,
            timeout=arguments.edgetpu_timeout,
        )
        compilation.into_manifest(folder, compiled)
        print(as_text(compiled))
    return folder


def _say_next(arguments: argparse.Namespace, folder: Path) -> None:
    """Says how to run what was written, where there is a file with post-processing."""
    kinds = ("int8", "fp16", "dynamic_range", "int16x8")
    made = next((folder / f"detector_{kind}.tflite" for kind in kinds if getattr(arguments, kind)), None)
    if made is not None and made.is_file() and arguments.batch == 1:
        run = spelling("run", "runtime")
        print(f"\nTo try it: {run} {shlex.quote(str(made))} --source image.jpg --out found.jpg", file=sys.stderr)


def _written(arguments: argparse.Namespace) -> Path:
    """The folder of an existing export: the one named, else the newest."""
    if arguments.out:
        return Path(arguments.out)
    if arguments.folder or arguments.checkpoint:
        return _default_folder(None, arguments)
    return Path(arguments.run) / "export" if arguments.run else install.newest_export()


def _run(given: str | None) -> RunFolder:
    from train.run.run_folder import newest, open_run

    if given:
        return open_run(given)
    run = newest()
    print(f"converting {run.path}, the newest run", file=sys.stderr)
    return run


def _sorted_out(arguments: argparse.Namespace) -> argparse.Namespace:
    """`arguments` with a FOLDER that is a run taken for one."""
    folder = arguments.folder
    if folder and conversion.is_run(folder):
        arguments.run, arguments.folder = folder, None
    return arguments


def _default_folder(run: RunFolder | None, arguments: argparse.Namespace) -> Path:
    folder = Path(arguments.folder) if arguments.folder else None
    return conversion.default_folder(run, folder, arguments.checkpoint)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m convert",
        # All options would fill a screen above each error.
        usage="%(prog)s --int8 --fp16 [--run RUN] [options]\n"
        "       %(prog)s FOLDER --int8 --data DATA [options]\n"
        "       %(prog)s --int8 --checkpoint PATH --calibration-images DIR [options]",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_version(parser)
    group = parser.add_argument_group("files to write")
    group.add_argument("--int8", action="store_true", help="write detector_int8.tflite: uint8 input, int8 throughout")
    group.add_argument("--fp16", action="store_true", help="write detector_fp16.tflite: float input, float16 weights")
    group.add_argument(
        "--dynamic-range",
        action="store_true",
        help="write detector_dynamic_range.tflite: float input, int8 weights, float activations; needs no images",
    )
    group.add_argument(
        "--int16x8",
        action="store_true",
        help="write detector_int16x8.tflite: float input, int8 weights, int16 activations; slower, for where int8"
        " loses too much",
    )
    group.add_argument(
        "--int8-io",
        action="store_true",
        help="write detector_int8_io.tflite: int8 input and outputs, for NPUs that take nothing else; without"
        " post-processing, which is computed in float",
    )
    group.add_argument(
        "--raw-head", action="store_true", help="also write each file without post-processing, as *_raw.tflite"
    )
    group.add_argument(
        "--batch",
        type=positive,
        default=1,
        metavar="N",
        help="images that a file takes at once (default: 1); files for more have no post-processing: give --raw-head"
        " or --int8-io",
    )
    group.add_argument(
        "--out",
        metavar="DIR",
        help="folder to write to (default: RUN/export, also for a checkpoint in a run; FOLDER/export; for another checkpoint"
        " runs/NAME/export)",
    )
    group.add_argument(
        "--for",
        dest="destination",
        choices=tuple(destinations.all_of()),
        help="also write what this program needs, into a folder of its name beside the files: frigate: the int8 file (with"
        " --edgetpu the compiled one), its label map, and the lines for its configuration",
    )
    group = parser.add_argument_group("what to convert")
    group.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="a model of the TensorFlow Object Detection API: a folder with its pipeline.config and a checkpoint or a"
        " SavedModel; or a run",
    )
    group.add_argument("--run", metavar="RUN", help="folder of a run (default: the newest under runs/)")
    group.add_argument(
        "--checkpoint",
        metavar="PATH",
        help="a published checkpoint, converted without training: a folder, an archive, or a file of another framework",
    )
    group = parser.add_argument_group("post-processing inside the file")
    group.add_argument(
        "--detections",
        type=positive,
        metavar="N",
        help="most detections in an image (default: 50, or 100 if an image of the run has more than 12 boxes;"
        " for FOLDER what its pipeline.config says)",
    )
    group.add_argument("--score", type=fraction, help="lowest score of a detection (default: 0.01)")
    group.add_argument(
        "--iou",
        type=fraction,
        help="IoU above which, of two boxes of one class, that with the lower score is suppressed (default: 0.6,"
        " for FOLDER what its pipeline.config says)",
    )
    group.add_argument(
        "--post-processing",
        choices=("built-in", "custom"),
        default="built-in",
        help="built-in operations, as training measures; or the custom operation TFLite_Detection_PostProcess, which"
        " gives an anchor one class and suppresses whatever the class, for readers that know nothing else"
        " (default: built-in)",
    )
    group = parser.add_argument_group("input", "An image of bytes x goes in as (x - mean) / std, or as bytes.")
    group.add_argument(
        "--input-type",
        choices=("int8", "uint8"),
        default="int8",
        help="type of the input of --int8-io: int8 takes the bytes less 128, uint8 as they are, as --int8 does"
        " (default: int8)",
    )
    for name, what in (("mean", "mean"), ("std", "standard deviation")):
        group.add_argument(
            f"--{name}",
            type=float,
            nargs="+",
            default=[NETWORK],
            metavar="X",
            help=f"{what} that float inputs are normalized with, one number or three for red, green and blue; written"
            f" into the metadata (default: {NETWORK:g})",
        )
    group = parser.add_argument_group("int8")
    group.add_argument(
        "--calibration", type=positive, default=300, metavar="N", help="images to calibrate on (default: 300)"
    )
    group.add_argument(
        "--calibration-method",
        choices=("mse", "minmax", "percentile"),
        help="how ranges are chosen (default: mse; for a run of `python -m train --qat`, the ranges it trained with)",
    )
    group.add_argument(
        "--max-drop",
        type=fraction,
        default=0.01,
        metavar="AP",
        help="most AP that a file may lose against its checkpoint: what training reported of that, else what is measured"
        " (default: 0.01)",
    )
    group.add_argument(
        "--max-class-drop",
        type=fraction,
        default=0.05,
        metavar="AP",
        help="most AP that a class with 10 validation boxes or more may lose, beyond what chance explains"
        " (default: 0.05)",
    )
    group.add_argument("--no-gate", action="store_true", help="keep a file even if it fails its checks")
    group = parser.add_argument_group("with --checkpoint or FOLDER")
    group.add_argument(
        "--size",
        metavar="SIZE",
        help="size of a checkpoint's input: a side in pixels, or HEIGHTxWIDTH (default: that of the run that it lies in, else"
        " the network's own)",
    )
    group.add_argument(
        "--labels",
        metavar="FILE",
        help="class names (default: those of the checkpoint's run; for 90 classes COCO's; for FOLDER the label map that its pipeline.config names)",
    )
    group.add_argument(
        "--data",
        metavar="DATA",
        help="labelled images: int8 is calibrated on those of training, and files are measured on those of validation",
    )
    group.add_argument("--val", metavar="DATA", help="measure on this data set instead of DATA's validation images")
    images = group.add_argument("--calibration-images", metavar="DIR", help="folder of images to calibrate int8 on")
    old_name(group, "--calibration-pictures", images)
    group = parser.add_argument_group("phones", "If no file is to be written, the newest export is copied.")
    group.add_argument(
        "--install-ios", metavar="PATH", help="copy the files into the sample app; PATH is the kit's ios/ folder"
    )
    group.add_argument(
        "--install-android",
        metavar="PATH",
        help="copy the files into the sample app; PATH is the kit's android/ folder",
    )
    group = parser.add_argument_group("Edge TPU")
    group.add_argument("--edgetpu", action="store_true", help="write the int8 file and compile it for the Edge TPU")
    compilation.add_options(group)
    return parser


if __name__ == "__main__":
    run_command(main)
