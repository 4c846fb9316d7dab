"""Keeps TensorFlow's start-up messages out of the terminal."""

from __future__ import annotations

import logging
import os
import warnings


def quieten() -> None:
    """Call before TensorFlow is imported: only errors of its own are printed from then on.

    A user who has set TF_CPP_MIN_LOG_LEVEL keeps that.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Model Garden runs on Keras 2, which TensorFlow 2.20 no longer contains.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
