"""OpenCV without its own messages.

OpenCV, FFmpeg and libjpeg write about damaged files to the process's standard error. The kit says
such things itself, in one line, so theirs are turned off; the environment variables below, set by
the user, bring them back.
"""

from __future__ import annotations

import os

# Both are read when OpenCV is loaded or first used, hence before the import. -8 is AV_LOG_QUIET.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2

from runtime.common.native_output import quiet

__all__ = ["cv2", "quiet"]
