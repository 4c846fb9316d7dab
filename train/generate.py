"""Draw a labelled sample data set, a sample video, or both.

The data set is written as PASCAL VOC with split lists: every fifth image is for validation.

Examples:
  python -m train.generate shapes
  python -m train.generate shapes --images 1000 --size 640x480
  python -m train.generate many --images 120000 --size 160x120 --classes 80 --boxes 16
  python -m train.generate --video shapes.mp4
"""

from __future__ import annotations

import argparse
import sys
from typing import Optional, Sequence

from runtime.common.command import run
from runtime.common.command_parser import command_parser
from train.sample_data import shape_classes
from train.sample_data.generation import BOXES, CLASSES, Size, draw_dataset, draw_video


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; returns its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if not arguments.out and not arguments.video:
        parser.error("give a folder for the data set, or --video FILE")
    if arguments.out:
        draw_dataset(
            arguments.out,
            images=arguments.images,
            seed=arguments.seed,
            size=arguments.size,
            classes=arguments.classes,
            boxes=arguments.boxes,
        )
        print(f"{arguments.out}: {arguments.images} images", file=sys.stderr)
    if arguments.video:
        draw_video(arguments.video, frames=arguments.frames, seed=arguments.seed, size=arguments.size)
        print(f"{arguments.video}: {arguments.frames} frames", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m train.generate", __doc__)
    parser.add_argument(
        "--size", type=_size, default=(400, 300), metavar="WxH", help="size of an image or frame (default: 400x300)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed; the same seed draws the same images (default: 0)"
    )

    data = parser.add_argument_group("data set")
    data.add_argument("out", nargs="?", metavar="OUT", help="folder to write the data set to; must be new or empty")
    data.add_argument("--images", type=int, default=300, metavar="N", help="number of images (default: 300)")
    data.add_argument(
        "--classes",
        type=int,
        default=CLASSES,
        metavar="N",
        help=f"number of classes, up to {shape_classes.MOST} (default: {CLASSES})",
    )
    data.add_argument(
        "--boxes", type=int, default=BOXES, metavar="N", help=f"most boxes in an image (default: {BOXES})"
    )

    video = parser.add_argument_group("video")
    video.add_argument("--video", metavar="FILE", help="write a video of moving shapes to this .mp4 file")
    video.add_argument("--frames", type=int, default=100, metavar="N", help="number of frames (default: 100)")
    return parser


def _size(text: str) -> Size:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 400x300")
    return int(width), int(height)


if __name__ == "__main__":
    run(main)
