"""MediaPipe Tasks' ObjectDetector, timed by `runtime.bench` in an environment of its own.

    python bench_mediapipe.py MODEL IMAGES.npz

For each line of standard input, a number, it detects in that many images, RGB, one after the
other, and writes the milliseconds of each as a JSON list. It is run by its path, since the kit is
not in that environment.
"""

from __future__ import annotations

import json
import sys
import time


def main(model: str, archive: str) -> None:
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
