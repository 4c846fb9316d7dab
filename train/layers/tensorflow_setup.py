"""Environment settings for TensorFlow: fewer log messages, and the fastest kernels."""

from __future__ import annotations

import logging
import os
import warnings


def prepare() -> None:
    """Sets TensorFlow's environment variables and log levels. Call it before TensorFlow is imported.

    Environment variables that the user has set are kept. Afterwards TensorFlow logs errors only.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow enables oneDNN by default only on some Intel processors. On others, too, a training step of this
    # network takes 1.5 times as long without it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Model Garden runs on Keras 2, which TensorFlow 2.20 no longer contains.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
