"""Metrics for Prometheus at http://HOST:PORT/metrics."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from runtime.areas.areas import ENTERED, IN, LEFT, OUT
from runtime.common.errors import InputError
from runtime.common.values import Detection, Frame
from runtime.sinks import SharedSink, Sink
from runtime.sources import Source
from runtime.telemetry.state import State
from runtime.web.address import Address

if TYPE_CHECKING:
    from runtime.sinks._metrics_server import MetricsServer

KIND = "counters for Prometheus (metrics:[HOST:]PORT)"

PREFIX = "metrics:"
OPTION = "--metrics"
NAME = "edge_detector"


def options(parser: Any) -> None:
    """Adds `--metrics`."""
    parser.add_argument(
        OPTION,
        metavar="[HOST:]PORT",
        help="serve metrics for Prometheus at /metrics; without HOST to this machine only",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    """The sink that `--metrics` asks for, if it was given."""
    return [f"{PREFIX}{arguments.metrics}"] if arguments.metrics else []


def accepts(spec: str) -> bool:
    """Whether `spec` names Prometheus metrics."""
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    """Makes the metrics server. Raises InputError for a wrong address, or if prometheus-client is missing."""
    return Metrics(connect_shared(spec))


def connect_shared(spec: str) -> MetricsOfCameras:
    """The same for several cameras."""
    address = Address.parse(spec[len(PREFIX) :], OPTION)
    try:
        import prometheus_client.core
    except ImportError as error:
        raise InputError(
            f"{OPTION} needs the package prometheus-client ({error}): pip install prometheus-client"
        ) from error
    return MetricsOfCameras(address, prometheus_client)


class MetricsOfCameras(SharedSink):
    """Serves the states of cameras on request."""

    def __init__(self, address: Address, library: Any) -> None:
        self._address = address
        self._library = library
        self._server: Optional[MetricsServer] = None

    def start(self, states: Mapping[str, State]) -> None:
        """Starts the server. Raises InputError if it cannot listen."""
        listener = self._address.listen(OPTION)
        # Imported here, since a run without metrics need not load an HTTP server.
        from runtime.sinks._metrics_server import MetricsServer

        registry = self._library.CollectorRegistry()
        registry.register(Collector(states, self._library))
        self._server = MetricsServer(listener, self._library.make_wsgi_app(registry))

    def sink(self, camera: str) -> Sink:
        """Ignores the frames: the metrics come from the state."""
        return Metrics(None)

    def close(self) -> None:
        """Stops the server."""
        if self._server is not None:
            self._server.close()
            self._server = None


class Metrics(Sink):
    """Ignores the frames: the metrics come from the state. That of a single camera has the server."""

    name = "metrics"
    lossless = False

    def __init__(self, server: Optional[MetricsOfCameras]) -> None:
        self._server = server

    def attach(self, state: State) -> None:
        """Starts the server. Raises InputError if it cannot listen."""
        if self._server is not None:
            self._server.start({"": state})

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Stops the server."""
        if self._server is not None:
            self._server.close()

    def discard(self) -> None:
        """Same as `close`."""
        self.close()


class Collector:
    """Converts the state to Prometheus metrics: times in seconds, and counters that only increase.

    Where several cameras run, each sample has the label `camera`.
    """

    def __init__(self, states: Mapping[str, State], library: Any) -> None:
        self._states = states
        self._metrics = library.core
        self._labels = [] if list(states) == [""] else ["camera"]

    def collect(self) -> Iterator[Any]:
        """Yields the metric families; called by prometheus_client for every request."""
        families: Dict[str, Any] = {}
        for camera, state in self._states.items():
            for family, values, number in self._samples(state):
                if family.name not in families:
                    families[family.name] = self._family(family)
                families[family.name].add_metric([*([camera] if self._labels else []), *values], number)
        # Also those that have no sample, without which a reader would take them for unknown.
        with_areas = any(state.areas is not None for state in self._states.values())
        for family in _FAMILIES:
            if family.name in families or not family.of_areas or with_areas:
                yield families.get(family.name) or self._family(family)

    def _family(self, family: _Family) -> Any:
        kind = self._metrics.CounterMetricFamily if family.is_counter else self._metrics.GaugeMetricFamily
        return kind(f"{NAME}_{family.name}", family.text, labels=[*self._labels, *family.labels])

    def _samples(self, state: State) -> Iterator[_Sample]:
        now = state.snapshot()
        for name in ("frames", "detections", "gaps", "skipped", "still", "fps", "score"):
            yield _BY_NAME[name], (), now[name]
        dropped = _BY_NAME["dropped"]
        yield dropped, ("source",), now["dropped"]["source"]
        yield dropped, ("engine",), now["dropped"]["engine"]
        for sink, number in now["dropped"]["sinks"].items():
            yield dropped, (f"sink {sink}",), number
        yield _BY_NAME["engine_restarts"], (), now["engine"]["restarts"]
        yield _BY_NAME["start_time_seconds"], (), now["started"]
        for part in ("engine", "source"):
            yield _BY_NAME[f"{part}_running"], (), float(now[part]["state"] == "running")
        for stage, times in now["latency"].items():
            yield _BY_NAME["latency_seconds"], (stage, "0.5"), times["p50"] / 1000
            yield _BY_NAME["latency_seconds"], (stage, "0.95"), times["p95"] / 1000
        for label, number in state.found().items():
            yield _BY_NAME["found"], (label,), number
        for label, numbers in now["counts"]["classes"].items():
            yield _BY_NAME["objects"], (label,), numbers[-1]
        if "areas" in now:
            yield from _of_areas(now["areas"])


def _of_areas(areas: Mapping[str, Any]) -> Iterator[_Sample]:
    """The counts of zones and lines."""
    for name, counts in areas["lines"].items():
        for label, numbers in counts["classes"].items():
            for direction in (IN, OUT):
                yield _BY_NAME["line_crossings"], (name, direction, label), numbers[direction]
    for name, counts in areas["zones"].items():
        for label, numbers in counts["classes"].items():
            yield _BY_NAME["zone_objects"], (name, label), numbers["present"]
            yield _BY_NAME["zone_entered"], (name, label), numbers[ENTERED]
            yield _BY_NAME["zone_left"], (name, label), numbers[LEFT]
        for of, seconds in counts["dwell"].items():
            if seconds is not None:
                yield _BY_NAME["zone_dwell_seconds"], (name, of), seconds


@dataclass(frozen=True)
class _Family:
    name: str
    text: str
    is_counter: bool
    labels: Tuple[str, ...] = ()
    of_areas: bool = False


# A metric, the values of its labels, and the value.
_Sample = Tuple[_Family, Tuple[str, ...], float]

_FAMILIES = (
    _Family("frames", "Frames that went through the detector.", True),
    _Family("detections", "Objects found.", True),
    _Family("gaps", "Times that the source was lost.", True),
    _Family("skipped", "Frames that the source could not read.", True),
    _Family("still", "Frames that the motion gate kept from the detector.", True),
    _Family("dropped", "Frames that the detector never saw, lost with an engine, or that a sink did not get.", True, ("at",)),
    _Family("engine_restarts", "Times that the engine was replaced.", True),
    _Family("fps", "Frames a second of the last seconds.", False),
    _Family("score", "Threshold for detections.", False),
    _Family("start_time_seconds", "When the run began, in seconds since 1970.", False),
    _Family("engine_running", "1 while the engine runs, else 0.", False),
    _Family("source_running", "1 while the source runs, else 0.", False),
    _Family("latency_seconds", "Time a frame takes, of the last frames.", False, ("stage", "quantile")),
    _Family("found", "Objects found, by class.", True, ("label",)),
    _Family("objects", "Detections by class in the span of time that is under way.", False, ("label",)),
    _Family("line_crossings", "Objects that crossed a line.", True, ("line", "direction", "label"), True),
    _Family("zone_objects", "Objects that are in a zone.", False, ("zone", "label"), True),
    _Family("zone_entered", "Objects that entered a zone.", True, ("zone", "label"), True),
    _Family("zone_left", "Objects that left a zone.", True, ("zone", "label"), True),
    _Family("zone_dwell_seconds", "Stays in a zone.", False, ("zone", "of"), True),
)
_BY_NAME = {family.name: family for family in _FAMILIES}
