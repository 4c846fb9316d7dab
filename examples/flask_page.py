"""A page of one's own in Flask: the annotated video, and the newest detections as JSON.

    pip install flask
    python examples/flask_page.py detector_int8.tflite 0 --port 5000

`python -m runtime ... --serve 8000` has a finished page. Only this machine can open either; Flask asks for no password.
"""

from __future__ import annotations

import argparse
import sys
import threading
from typing import Any, Dict, Iterator, List

import cv2
from flask import Flask, Response, jsonify

from runtime import KitError, run
from runtime.media.drawing import draw

PAGE = "<!doctype html><title>Detector</title><h1>Detector</h1><img src=video.mjpg><p><a href=detections>JSON</a>"


class Latest:
    """The newest frame, handed from the detector's thread to those of the page's readers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.jpeg = b""
        self.detections: List[Dict[str, Any]] = []
        self.ended = False

    def fill(self, file: str, source: str) -> None:
        """Runs the detector until the source ends."""
        try:
            for frame, detections in run(file=file, source=source):
                jpeg = cv2.imencode(".jpg", draw(frame.image, detections, frame.color))[1].tobytes()
                found = [{"label": d.label, "score": d.score, "box": d.box.as_tuple()} for d in detections]
                with self._changed:
                    self.jpeg, self.detections = jpeg, found
                    self._changed.notify_all()
        except KitError as error:  # a missing file, a camera that is away: the page shows the last frame
            print(f"error: {error}", file=sys.stderr)
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def stream(self) -> Iterator[bytes]:
        """Each new frame as a part of an MJPEG stream; the last one where the source has ended."""
        shown = b""
        while True:
            with self._changed:
                while self.jpeg is shown and not self.ended:
                    self._changed.wait()
                if self.jpeg is shown:
                    return
                shown = self.jpeg
            yield b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + shown + b"\r\n"


def main() -> None:
    """Reads the arguments, starts the detector beside the page, and serves until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("source", nargs="?", default="0", help="a video, a camera or a stream (default: camera 0)")
    parser.add_argument("--port", type=int, default=5000, help="0 for any that is free (default: 5000)")
    arguments = parser.parse_args()
    latest = Latest()
    threading.Thread(target=latest.fill, args=(arguments.file, arguments.source), daemon=True).start()
    app = Flask(__name__)
    mjpeg = "multipart/x-mixed-replace; boundary=frame"
    app.add_url_rule("/", "page", lambda: PAGE)
    app.add_url_rule("/detections", "detections", lambda: jsonify(latest.detections))
    app.add_url_rule("/video.mjpg", "video", lambda: Response(latest.stream(), mimetype=mjpeg))
    app.run(port=arguments.port, threaded=True)


if __name__ == "__main__":
    main()
