"""Reads the text on what the detector cut out: number plates, labels, house numbers.

    python -m runtime detector_int8.tflite --source street.mp4 --crops crops,every=2
    python examples/ocr_of_crops.py crops --watch

The two are programs of their own: reading is slow, and must not hold up the camera. Needs Tesseract (apt install
tesseract-ocr), or another reader that prints what it reads: --command 'reader --quiet {}'.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

# --psm 7: the image is one line of text.
TESSERACT = "tesseract {} - --psm 7"


def main() -> None:
    """Reads the arguments, and the crops in the order of their making."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="crops", help="what --crops was given (default: crops)")
    parser.add_argument("--command", default=TESSERACT, help=f"the reader; {{}} is the image (default: {TESSERACT})")
    parser.add_argument("--watch", action="store_true", help="wait for more; else end when all are read")
    parser.add_argument("--keep", action="store_true", help="leave the crops there, which then fill their folder")
    arguments = parser.parse_args()
    done = set()
    while True:
        # A crop is whole as soon as it has its name, so each one found may be read.
        crops = [path for path in Path(arguments.folder).glob("*/*.jpg") if path not in done]
        for crop in sorted(crops, key=lambda path: path.stat().st_mtime):
            # The folder's name is the class; the file's name has the time or frame, and the object's number.
            print(f"{crop.parent.name}\t{crop.stem}\t{read(crop, arguments.command)}", flush=True)
            # The kit removes no crop, and writes no more once the folder is full: that is up to the reader.
            if arguments.keep:
                done.add(crop)
            else:
                crop.unlink()
        if not arguments.watch:
            return
        time.sleep(0.5)


def read(image: Path, command: str) -> str:
    """What the command prints for `image`, in one line; ends the program where it fails."""
    words = [word.replace("{}", str(image)) for word in shlex.split(command)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        sys.exit(f"error: there is no program {words[0]}; install it, or give another with --command")
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {shlex.join(words)} failed: {error.stderr.strip()}")
    return " ".join(done.stdout.split())


if __name__ == "__main__":
    main()
