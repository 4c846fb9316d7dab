"""What an export is asked to write, and what does not go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convert.file import kinds
from convert.file.kinds import Kind
from convert.file.postprocessing import Postprocessing
from runtime.common.errors import InputError
from train.geometry.normalization import Normalization


def chosen(wanted: Mapping[str, bool]) -> tuple[Kind, ...]:
    """Those of `convert.file.kinds.KINDS` whose names are `wanted`."""
    return tuple(kind for kind in kinds.KINDS.values() if wanted[kind.name])


@dataclass(frozen=True)
class Plan:
    """What to write: `kinds`, and with `raw` a twin of each without post-processing.

    `normalization` is that of float inputs. Files for a `batch` of more than one image have no post-processing.
    `int8_input` is whether the input of int8_io is int8, else it is uint8.
    """

    kinds: tuple[Kind, ...]
    raw: bool = False
    normalization: Normalization = Normalization()
    batch: int = 1
    int8_input: bool = True

    def __post_init__(self) -> None:
        """Raises InputError where the parts do not go together."""
        if self.batch > 1 and not self.raw and any(not kind.raw for kind in self.kinds):
            raise InputError(
                f"files for {self.batch} images have no post-processing inside, which is made for one image: "
                "ask for such files with --raw-head"
            )
        if not self.normalization.usual and not any(kind.inputs == ("float32",) for kind in self.kinds):
            raise InputError(
                "--mean and --std are those of a float input; int8 files take the bytes of an image as they are"
            )
        if not self.int8_input and kinds.INT8_IO not in self.kinds:
            raise InputError("--input-type is that of int8_io files: ask for one with --int8-io, or leave it out")

    def check(self, postprocessing: Postprocessing) -> None:
        """Raises InputError where a kind cannot have this post-processing."""
        if postprocessing.custom and kinds.INT16X8 in self.kinds:
            raise InputError("int16x8 files have built-in post-processing only: leave out --post-processing custom")
