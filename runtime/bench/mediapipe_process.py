"""Times the ObjectDetector of MediaPipe Tasks; `runtime.bench` runs this script in another environment.

    python mediapipe_process.py MODEL IMAGES.npz

Reads a number of images from each line of standard input, detects in that many (RGB, one after the other), and
writes the milliseconds of each as a JSON list. The script is run by its path, because the kit is not installed in
that environment.
"""

from __future__ import annotations

import json
import sys
import time


def main(model: str, archive: str) -> None:
    """Answers requests from standard input with timings of `model` on the images in `archive`."""
    import mediapipe
    import numpy as np
    from mediapipe.tasks.python import BaseOptions, vision

    with np.load(archive) as loaded:
        images = [np.ascontiguousarray(loaded[name]) for name in sorted(loaded)]
    options = vision.ObjectDetectorOptions(BaseOptions(model_asset_path=model), score_threshold=0.5)
    with vision.ObjectDetector.create_from_options(options) as detector:
        print(json.dumps(mediapipe.__version__), flush=True)
        done = 0
        for line in sys.stdin:
            times = []
            for _ in range(int(line)):
                image = images[done % len(images)]
                start = time.perf_counter()
                detector.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image))
                times.append(1000 * (time.perf_counter() - start))
                done += 1
            print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
