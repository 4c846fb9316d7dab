from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from urllib.request import urlopen

import numpy as np
import pytest

from runtime.common.opencv import cv2
from tests.support.examples import DETECTOR, HEIGHT, WIDTH, video
from tests.support.paths import ROOT

pytest.importorskip("flask")


@pytest.fixture
def page(tmp_path):
    """The address of the page of a running example."""
    clip = video(tmp_path / "clip.avi", [{}, {"red": (96, 48)}])
    command = [sys.executable, str(ROOT / "examples/flask_page.py"), DETECTOR, str(clip), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            found = next(filter(None, (re.search(r"Running on (http://\S+)", line) for line in process.stderr)))
            yield found[1]
        finally:
            process.terminate()


def test_a_page_with_the_video_and_the_detections(page):
    assert b"<img src=video.mjpg>" in urlopen(page).read()
    # The stream ends with the video, so that all frames have been detected then.
    stream = urlopen(f"{page}/video.mjpg").read()
    *_, last = stream.split(b"\r\n\r\n")
    assert cv2.imdecode(np.frombuffer(last, np.uint8), cv2.IMREAD_COLOR).shape == (HEIGHT, WIDTH, 3)
    (found,) = json.load(urlopen(f"{page}/detections"))
    assert found["label"] == "red" and found["score"] > 0.9 and len(found["box"]) == 4
