"""Images for TensorBoard, in the folder `images` of the run. Training itself writes the figures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train.loggers import Logger


def connect() -> Logger:
    """The logger for TensorBoard, which comes with TensorFlow."""
    return TensorBoard()


class TensorBoard(Logger):
    """Writes images as TensorBoard summaries."""

    def started(self, config: Mapping[str, Any], folder: Path) -> None:
        """Begins an event file, in a folder of its own: TensorBoard follows only the newest file of a folder."""
        import tensorflow as tf

        self._summary = tf.summary
        self._writer = tf.summary.create_file_writer(str(folder / "images"))

    def images(self, step: int, name: str, images: Sequence[np.ndarray]) -> None:
        """Writes each image under a tag of its own, because their sizes may differ."""
        with self._writer.as_default():
            for number, image in enumerate(images):
                self._summary.image(f"{name}/{number}", image[None], step=step)
        self._writer.flush()

    def finished(self, metrics: Mapping[str, Any] | None) -> None:
        """Closes the event file."""
        self._writer.close()
