"""`python -m convert --int8 --fp16`: from a run, or a published checkpoint, to .tflite files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.edgetpu import compilation
from convert.evaluation.labels import of_checkpoint
from convert.export import install
from runtime.common.command import run as run_command
from runtime.common.options import fraction, old_name, positive


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    writes = arguments.int8 or arguments.fp16 or arguments.edgetpu
    apps = [(install.IOS, arguments.install_ios), (install.ANDROID, arguments.install_android)]
    apps = [(app, Path(project)) for app, project in apps if project]
    if not (writes or apps):
        parser.error("say what to write: --int8, --fp16 or --edgetpu; or --install-ios or --install-android")
    if arguments.run and arguments.checkpoint:
        parser.error("give either --run or --checkpoint")
    # Before minutes of work whose last step would be refused.
    for app, project in apps:
        install.check(app, project)
    folder = _write(arguments) if writes else _written(arguments)
    for app, project in apps:
        for path in install.install(app, project, folder):
            print(f"{path}: from {folder}")
    return 0


def _write(arguments: argparse.Namespace) -> Path:
    """Writes what is asked for; returns the folder it is in."""
    run = None if arguments.checkpoint else _run(arguments.run)

    from convert.export.export import Options, export

    source = _source(run, arguments)
    folder = Path(arguments.out) if arguments.out else _export_folder(run, arguments.checkpoint)
    options = Options(
        fp16=arguments.fp16,
        int8=arguments.int8 or arguments.edgetpu,
        raw_head=arguments.raw_head,
        detections=arguments.detections,
        score=arguments.score,
        iou=arguments.iou,
        method=arguments.calibration_method,
        calibration=arguments.calibration,
        max_drop=arguments.max_drop,
        gate=not arguments.no_gate,
    )
    export(source, folder, options, say=lambda line: print(line, flush=True))
    if arguments.edgetpu:
        compiled = compilation.compile_file(
            folder / "detector_int8.tflite",
            compiler=arguments.edgetpu_compiler,
            min_mapped=arguments.min_mapped,
            timeout=arguments.edgetpu_timeout,
        )
        compilation.into_manifest(folder, compiled)
        print(compilation.as_text(compiled))
    return folder


def _written(arguments: argparse.Namespace) -> Path:
    """The folder of an export that is there already: the one named, else the newest."""
    if arguments.out:
        return Path(arguments.out)
    if arguments.checkpoint:
        return _export_folder(None, arguments.checkpoint)
    return Path(arguments.run) / "export" if arguments.run else install.newest_export()


def _run(given: str | None):
    from train.run.run_folder import newest, open_run

    if given:
        return open_run(given)
    run = newest()
    print(f"converting {run.path}, the newest run", file=sys.stderr)
    return run


def _source(run, arguments: argparse.Namespace):
    from convert.export.export import source_of_checkpoint, source_of_run

    if run is not None:
        return source_of_run(run)
    path = Path(arguments.checkpoint)
    labels = of_checkpoint(path, arguments.labels)
    return source_of_checkpoint(path, arguments.size, labels, arguments.calibration_images)


def _export_folder(run, checkpoint: str | None) -> Path:
    if run is not None:
        return run.export
    # A published checkpoint's own folder may be one that nobody should write to.
    return Path("runs") / Path(checkpoint).resolve().name / "export"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m convert", description=__doc__)
    parser.add_argument("--int8", action="store_true", help="write detector_int8.tflite: uint8 in, int8 throughout")
    parser.add_argument("--fp16", action="store_true", help="write detector_fp16.tflite: float in, float16 weights")
    parser.add_argument(
        "--raw-head", action="store_true", help="also write each file's twin without post-processing, *_raw.tflite"
    )
    parser.add_argument("--edgetpu", action="store_true", help="compile the int8 file for the Edge TPU")
    parser.add_argument("--run", metavar="RUN", help="a run's folder (default: the newest under runs/)")
    parser.add_argument("--checkpoint", metavar="DIR", help="a published checkpoint, as it is")
    parser.add_argument("--out", metavar="DIR", help="where to write (default: RUN/export)")
    group = parser.add_argument_group("post-processing inside the file")
    group.add_argument(
        "--detections",
        type=positive,
        metavar="N",
        help="at most so many an image (default: 25, or 100 where an image of the run has more than 12 boxes)",
    )
    group.add_argument("--score", type=fraction, default=0.01, help="none below this score (default: 0.01)")
    group.add_argument("--iou", type=fraction, default=0.6, help="IoU from which one of two boxes goes (default: 0.6)")
    group = parser.add_argument_group("int8")
    group.add_argument("--calibration", type=positive, default=300, metavar="N", help="images (default: 300)")
    group.add_argument(
        "--calibration-method",
        choices=("mse", "minmax", "percentile"),
        help="how ranges follow from the images (default: mse; a run of `python -m train --qat` has its own)",
    )
    group.add_argument("--max-drop", type=fraction, default=0.02, help="AP that a file may lose (default: 0.02)")
    group.add_argument("--no-gate", action="store_true", help="write the file even where it fails its checks")
    group = parser.add_argument_group("a bare checkpoint")
    group.add_argument("--size", type=positive, default=320, help="input side (default: 320)")
    group.add_argument("--labels", metavar="FILE", help="class names (default for 90 classes: COCO's)")
    images = group.add_argument("--calibration-images", metavar="DIR", help="images to calibrate int8 on")
    old_name(group, "--calibration-pictures", images)
    group = parser.add_argument_group("phones", "Without a file to write, the newest export is copied.")
    group.add_argument("--install-ios", metavar="PATH", help="copy the files into the sample app; PATH is the kit's ios/")
    group.add_argument(
        "--install-android", metavar="PATH", help="copy the files into the sample app; PATH is the kit's android/"
    )
    compilation.add_options(parser.add_argument_group("Edge TPU"))
    return parser


if __name__ == "__main__":
    run_command(main)
