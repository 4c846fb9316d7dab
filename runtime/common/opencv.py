"""Imports OpenCV with its messages turned off.

OpenCV, FFmpeg and libjpeg print messages about damaged files to standard error. The kit reports such files itself, in
one line. Users can turn the messages on again with the environment variables below.
"""

from __future__ import annotations

import os

# OpenCV reads both when it is loaded or first used, so they are set before the import. -8 is AV_LOG_QUIET.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2

from runtime.common.native_output import silence_native_output

__all__ = ["cv2", "silence_native_output"]
