"""Sample data: `python -m train.generate OUT` draws a labelled data set, `--video FILE` a video.

The images are written as a PASCAL VOC folder with its own lists, so that they take the way of a
user's own data.
"""

from __future__ import annotations

import argparse
import sys
from typing import Optional, Sequence

from runtime.common.command import run
from train.sample_data.generation import Size, draw_dataset, draw_video


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m train.generate", description=__doc__)
    parser.add_argument("out", nargs="?", help="folder for the data set; must not be there yet")
    parser.add_argument("--images", type=int, default=300, metavar="N", help="number of images (300)")
    parser.add_argument("--size", type=_size, default=(400, 300), metavar="WxH", help="of an image or frame (400x300)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same images (0)")
    parser.add_argument("--video", metavar="FILE", help="write a video of moving shapes, an .mp4")
    parser.add_argument("--frames", type=int, default=100, metavar="N", help="of the video (100)")
    arguments = parser.parse_args(argv)
    if not arguments.out and not arguments.video:
        parser.error("give a folder for the data set, or --video FILE")
    if arguments.out:
        draw_dataset(arguments.out, images=arguments.images, seed=arguments.seed, size=arguments.size)
        print(f"{arguments.out}: {arguments.images} images", file=sys.stderr)
    if arguments.video:
        draw_video(arguments.video, frames=arguments.frames, seed=arguments.seed, size=arguments.size)
        print(f"{arguments.video}: {arguments.frames} frames", file=sys.stderr)
    return 0


def _size(text: str) -> Size:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 400x300")
    return int(width), int(height)


if __name__ == "__main__":
    run(main)
