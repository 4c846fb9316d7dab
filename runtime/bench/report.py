"""The report of `runtime.bench`: the timings of one file, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, Optional, Tuple

from runtime.bench.cold_start import ColdStart
from runtime.bench.interleaving import Ratio
from runtime.bench.percentiles import Times, table
from runtime.bench.processor_time import CoreTime


@dataclass(frozen=True)
class Report:
    """The timings of one file.

    `stages` has the times of each stage in the order of work, then `total`, `bare invoke` (the model without
    preprocessing and postprocessing), and each baseline.

    `tiles` are those that images were cut into, empty for none; `runs` is how often the model then runs for a frame, and bare
    invokes are of so many runs.

    `ratio` is the time of bare invokes over the time of single frames; 1 is the best possible. `over_ms` is the
    milliseconds that a frame takes beyond the model. `loop_fps` is the rate of the whole loop on the source,
    `bare_fps` the rate of the model alone, and `loop_ratio` the time of a bare invoke over the time of a frame in the
    loop. `core_time` is the processor time of the loop, None where the system does not tell it. `baselines` has, for each
    baseline, its name, its time over the time of a single frame, and its time over the
    time of a frame in the loop; above 1, the kit is faster.
    """

    file: str
    engine: str
    package: str
    frames: int
    threads: int
    load_ms: float
    first_ms: float
    ratio: Ratio
    over_ms: float
    loop_fps: float
    bare_fps: float
    loop_ratio: Ratio
    core_time: Optional[CoreTime]
    cold_start: ColdStart
    stages: Tuple[Tuple[str, Times], ...]
    baselines: Tuple[Tuple[str, Ratio, Ratio], ...] = ()
    tiles: str = ""
    runs: int = 1

    def as_dict(self) -> Dict[str, Any]:
        """The report as values for JSON. The keys `trial` and `against` hold the cold start and the baselines."""
        return {
            "file": self.file,
            "engine": self.engine,
            "package": self.package,
            "frames": self.frames,
            "threads": self.threads,
            "tiles": self.tiles or None,
            "runs": self.runs,
            "load_ms": self.load_ms,
            "first_ms": self.first_ms,
            **_with_spread("ratio", self.ratio),
            "over_ms": self.over_ms,
            "loop_fps": self.loop_fps,
            "bare_fps": self.bare_fps,
            **_with_spread("loop_ratio", self.loop_ratio),
            "core_ms": self.core_time and asdict(self.core_time),
            "trial": asdict(self.cold_start),
            "stages": {name: asdict(times) for name, times in self.stages},
            "against": {
                name: {**_with_spread("call", call), **_with_spread("loop", looped)}
                for name, call, looped in self.baselines
            },
        }

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        tiles = f", tiles {self.tiles}: {self.runs} runs of the model a frame" if self.tiles else ""
        memory = f", {self.cold_start.memory_mb:.0f} MB resident in {self.cold_start.processes} processes"
        return "\n".join(
            [
                f"{self.file}: {self.frames} frames, {self.engine}, {self.package}, {threads}{tiles}",
                table(self.stages),
                f"one frame: {self.over_ms:.2f} ms over the model, {_text(self.ratio)} of its speed; "
                f"loaded in {self.load_ms:.0f} ms, first frame {self.first_ms:.1f} ms",
                f"the loop: {self.loop_fps:.1f} frames/s, the model alone {self.bare_fps:.1f}: {_text(self.loop_ratio)}",
                *([_core_text(self.core_time)] if self.core_time else []),
                f"the command: first detection after {self.cold_start.first_s:.2f} s"
                + (memory if self.cold_start.memory_mb else ""),
                *(
                    f"baseline {name}: takes {_text(call, 2)} times as long as the kit for a frame, "
                    f"{_text(looped, 2)} times in the loop"
                    for name, call, looped in self.baselines
                ),
                "in brackets: the quartiles over the rounds",
            ]
        )


def _with_spread(name: str, ratio: Ratio) -> Dict[str, Any]:
    return {name: ratio.median, f"{name}_spread": ratio.spread}


def _core_text(core_time: CoreTime) -> str:
    return (
        f"processor time: {core_time.model:.2f} core-ms a frame in the model, {core_time.decoding:.2f} for decoding, "
        f"{core_time.other:.2f} for everything else"
    )


def _text(ratio: Ratio, digits: int = 3) -> str:
    return f"{ratio.median:.{digits}f} ({ratio.low:.{digits}f} to {ratio.high:.{digits}f})"
