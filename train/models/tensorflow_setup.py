"""How TensorFlow is started: quietly, and with the kernels that are fastest here."""

from __future__ import annotations

import logging
import os
import warnings


def prepare() -> None:
    """Call before TensorFlow is imported. Whatever the user has set in the environment stays.

    Only errors of TensorFlow's own are printed from then on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow turns oneDNN on by itself only on some of Intel's processors; a training step of
    # this network takes 1.5 times as long without it on others too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Model Garden runs on Keras 2, which TensorFlow 2.20 no longer contains.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
