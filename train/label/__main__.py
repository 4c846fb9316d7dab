"""Proposes boxes for images with a detector, for people to correct in a label tool.

Images that have boxes keep them; what the detector finds otherwise is listed, the surest first, since often the labels are
wrong there.

Examples:
  python -m train.label photos --model detector_int8.tflite --out to_label --to cvat
  python -m train.label street.mp4 --every 2 --model runs/mine --out to_label --to pascal_voc
  python -m train.label data --model runs/mine --out checked --to label_studio
  python -m train.label to_label --serve
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from runtime.boxes.tiles import Tiles, or_none, tiles_or_none
from runtime.common.command import run, spelling
from runtime.common.command_parser import command_parser
from runtime.common.errors import InputError
from runtime.common.options import fraction, seconds
from runtime.common.values import Labels
from runtime.inference.detector import Detector
from train.dataset.examples import images as example_images
from train.files import new_folder
from train.label import correction, exports, images, naming
from train.label.differences import Difference, differences
from train.label.images import Found
from train.label.proposals import ProposedImage
from train.run.run_folder import run_of

DIFFERENCES = "differences.json"
SCORE = 0.3
EVERY = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    _check(parser, arguments)
    if arguments.serve is not None:
        return correction.serve(arguments.images, arguments.serve, arguments.classes, arguments.score)
    path, out = Path(arguments.images), Path(arguments.out)
    new_folder.check(out)
    detector = _detector(Path(arguments.model), SCORE if arguments.score is None else arguments.score, arguments.tiles)
    with new_folder.new_folder(out) as folder:
        if images.is_video(path):
            found = list(images.frames_of_video(path, folder / "images", EVERY if arguments.every is None else arguments.every))
        else:
            found = images.find(path, replace=arguments.replace)
        proposed = propose(detector, found, folder / "images")
        labels = _labels(detector.labels, proposed)
        advice = exports.writer(arguments.to)(proposed, labels, folder, out.name)
        different = [item for image in proposed if image.boxes is not None for item in differences(image)]
        if any(image.boxes is not None for image in proposed):
            _write_differences(different, folder / DIFFERENCES)
    _report(proposed, different, out)
    print(f"next: {advice}", file=sys.stderr)
    return 0


def propose(detector: Detector, found: Sequence[Found], folder: Path) -> list[ProposedImage]:
    """What `detector` finds in the images, which are copied upright into `folder` under names of their own."""
    from tqdm.auto import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    stems = naming.stems([item.example for item in found])
    proposed = []
    for item, stem in tqdm(list(zip(found, stems)), desc="images", unit="image", disable=None):
        example = item.example
        name = example.image.name
        if example.image.parent != folder:
            data, kind = example_images.encoded(example)
            name = stem + {"jpeg": ".jpg", "png": ".png"}[kind]
            (folder / name).write_bytes(data)
        detections = detector(example_images.load(example))
        proposed.append(ProposedImage(example.image, name, example.width, example.height, detections, item.boxes))
    # What a person should see first, first.
    return sorted(proposed, key=lambda image: (-image.doubt, image.name))


def _detector(model: Path, score: float, tiles: Tiles | str | None) -> Detector:
    """The detector of a file or a run, with `tiles`, "none" for whole images, None for those that it was trained on."""
    file = _file(model)
    if tiles is not None:
        return Detector(file, score=score, tiles=or_none(tiles))
    detector = Detector(file, score=score)
    run = run_of(model) if model.is_dir() else None
    trained = run.tiles() if run else detector.trained_tiles
    if trained is None:
        return detector
    print(f"note: {file}: trained on tiles {trained}, and used with them; --tiles none is for whole images", file=sys.stderr)
    return Detector(file, score=score, tiles=trained)


def _file(model: Path) -> Path:
    """The detector's file: `model` itself, or one of the files that a run was converted to."""
    if model.is_file():
        return model
    if not model.is_dir():
        raise InputError(f"{model}: no such file or folder; give a .tflite or a run")
    for name in ("detector_fp16.tflite", "detector_int8.tflite"):
        for folder in (model / "export", model):
            if (folder / name).is_file():
                return folder / name
    convert = spelling("convert", "convert")
    raise InputError(f"{model}: no detector in it; convert it first: {convert} --fp16 --run {model}")


def _labels(known: Labels, proposed: Sequence[ProposedImage]) -> Labels:
    """The detector's classes, and after them those that only people have used."""
    used = sorted({box.label for image in proposed for box in image.boxes or ()} - set(known))
    found = {item.label for image in proposed for item in image.detections} - {*known, *used}
    return Labels((*known, *used, *sorted(found)))


def _write_differences(different: Sequence[Difference], path: Path) -> None:
    listed = [
        {
            "image": item.image, "what": item.kind.value, "box": [round(side, 1) for side in item.box.as_tuple()],
            "found": item.label, "score": item.score, "labelled": item.labelled, "iou": round(item.iou, 3),
        }
        for item in sorted(different, key=lambda item: -item.weight)
    ]  # fmt: skip
    path.write_text(json.dumps(listed, ensure_ascii=False, indent=1), encoding="utf-8")


def _report(proposed: Sequence[ProposedImage], different: Sequence[Difference], out: Path) -> None:
    boxes = Counter(item.label for image in proposed if image.boxes is None for item in image.detections)
    print(f"{out}: {len(proposed)} images, {sum(boxes.values())} proposed boxes", file=sys.stderr)
    for label, number in boxes.most_common():
        print(f"  {label}: {number}", file=sys.stderr)
    kept = sum(image.boxes is not None for image in proposed)
    if kept:
        print(f"{kept} images have boxes, which stay; {len(different)} differences in {out / DIFFERENCES}:", file=sys.stderr)
        for kind, number in Counter(item.kind for item in different).most_common():
            print(f"  {kind.value}: {number}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m train.label", __doc__)
    parser.add_argument("images", metavar="IMAGES", help="a folder of images, a data set, or a video")
    parser.add_argument("--model", metavar="FILE_OR_RUN", help="a .tflite, or a run that was converted")
    parser.add_argument("--out", metavar="DIR", help="folder to write; must be new or empty")
    parser.add_argument("--to", choices=exports.names(), help="format to write")
    parser.add_argument(
        "--score", type=fraction, help=f"lowest score of a proposed box (default: {SCORE:g}): it is less work to remove a "
        f"box than to draw one; with --serve, boxes below it are suggestions, to be taken (default: {correction.SCORE:g})"
    )  # fmt: skip
    parser.add_argument(
        "--every", type=seconds, metavar="SECONDS", help=f"of a video, one frame in this time (default: {EVERY:g})"
    )
    parser.add_argument(
        "--tiles", type=tiles_or_none, metavar="GRID", help="cut images into tiles, such as 2x1 (columns x rows), as"
        " `python -m runtime --tiles` does; none for whole images (default: as the model was trained)"
    )  # fmt: skip
    parser.add_argument("--replace", action="store_true", help="propose boxes also where there are some already")
    parser.add_argument(
        "--serve", nargs="?", const=correction.PORT, metavar="[HOST:]PORT", help="correct the boxes of IMAGES, a folder with "
        "images and PASCAL VOC annotations, on a web page, and write them there as you go; without HOST for this machine "
        f"only, else with a token (default: {correction.PORT})"
    )  # fmt: skip
    parser.add_argument("--classes", metavar="FILE", help="with --serve: the classes, one a line")
    return parser


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Ends the program where options are missing, or don't go together."""
    needed = [f"--{name}" for name in ("model", "out", "to") if getattr(arguments, name) is None]
    if arguments.serve is None:
        if needed:
            parser.error(f"the following arguments are required: {', '.join(needed)} (or --serve)")
        if arguments.classes is not None:
            parser.error("--classes is for --serve; a model brings its own")
    elif len(needed) < 3 or arguments.replace or arguments.every is not None or arguments.tiles is not None:
        parser.error("--serve corrects a folder where it is; propose boxes first, without it")


if __name__ == "__main__":
    run(main)
