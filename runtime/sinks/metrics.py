"""Metrics for Prometheus at http://HOST:PORT/metrics."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Iterator, List, Mapping, Optional, Sequence

from runtime.areas.areas import ENTERED, IN, LEFT, OUT
from runtime.common.errors import InputError
from runtime.common.values import Detection, Frame
from runtime.sinks import Sink
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
    address = Address.parse(spec[len(PREFIX) :], OPTION)
    try:
        import prometheus_client.core
    except ImportError as error:
        raise InputError(
            f"{OPTION} needs the package prometheus-client ({error}): pip install prometheus-client"
        ) from error
    return Metrics(address, prometheus_client)


class Metrics(Sink):
    """Serves the state of the run on request. It ignores the frames themselves."""

    lossless = False

    def __init__(self, address: Address, library: Any) -> None:
        self._address = address
        self._library = library
        self._server: Optional[MetricsServer] = None

    def attach(self, state: State) -> None:
        """Starts the server. Raises InputError if it cannot listen."""
        listener = self._address.listen(OPTION)
        # Imported here, since a run without metrics need not load an HTTP server.
        from runtime.sinks._metrics_server import MetricsServer

        registry = self._library.CollectorRegistry()
        registry.register(Collector(state, self._library))
        self._server = MetricsServer(listener, self._library.make_wsgi_app(registry))

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Does nothing: the metrics come from the state."""

    def close(self) -> None:
        """Stops the server."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def discard(self) -> None:
        """Same as `close`."""
        self.close()


class Collector:
    """Converts the state to Prometheus metrics: times in seconds, and counters that only increase."""

    def __init__(self, state: State, library: Any) -> None:
        self._state = state
        self._metrics = library.core

    def collect(self) -> Iterator[Any]:
        """Yields the metric families; called by prometheus_client for every request."""
        now = self._state.snapshot()
        for name, text in _COUNTERS.items():
            yield self._counter(name, text, now[name])
        dropped = self._counter("dropped", "Frames that the detector never saw, lost with an engine, or that a sink did not get.", None, ["at"])
        dropped.add_metric(["source"], now["dropped"]["source"])
        dropped.add_metric(["engine"], now["dropped"]["engine"])
        for sink, number in now["dropped"]["sinks"].items():
            dropped.add_metric([f"sink {sink}"], number)
        yield dropped
        yield self._counter("engine_restarts", "Times that the engine was replaced.", now["engine"]["restarts"])
        yield self._gauge("fps", "Frames a second of the last seconds.", now["fps"])
        yield self._gauge("score", "Threshold for detections.", now["score"])
        yield self._gauge("start_time_seconds", "When the run began, in seconds since 1970.", now["started"])
        for part in ("engine", "source"):
            running = float(now[part]["state"] == "running")
            yield self._gauge(f"{part}_running", f"1 while the {part} runs, else 0.", running)
        latency = self._gauge("latency_seconds", "Time a frame takes, of the last frames.", None, ["stage", "quantile"])
        for stage, times in now["latency"].items():
            latency.add_metric([stage, "0.5"], times["p50"] / 1000)
            latency.add_metric([stage, "0.95"], times["p95"] / 1000)
        yield latency
        found = self._counter("found", "Objects found, by class.", None, ["label"])
        for label, number in self._state.found().items():
            found.add_metric([label], number)
        yield found
        latest = self._gauge("objects", "Detections by class in the span of time that is under way.", None, ["label"])
        for label, numbers in now["counts"]["classes"].items():
            latest.add_metric([label], numbers[-1])
        yield latest
        if "areas" in now:
            yield from self._areas(now["areas"])

    def _areas(self, areas: Mapping[str, Any]) -> Iterator[Any]:
        """The counts of zones and lines; no samples without these."""
        crossings = self._counter("line_crossings", "Objects that crossed a line.", None, ["line", "direction", "label"])
        for name, counts in areas["lines"].items():
            for label, numbers in counts["classes"].items():
                for direction in (IN, OUT):
                    crossings.add_metric([name, direction, label], numbers[direction])
        yield crossings
        present = self._gauge("zone_objects", "Objects that are in a zone.", None, ["zone", "label"])
        entered = self._counter("zone_entered", "Objects that entered a zone.", None, ["zone", "label"])
        left = self._counter("zone_left", "Objects that left a zone.", None, ["zone", "label"])
        dwell = self._gauge("zone_dwell_seconds", "Stays in a zone.", None, ["zone", "of"])
        for name, counts in areas["zones"].items():
            for label, numbers in counts["classes"].items():
                present.add_metric([name, label], numbers["present"])
                entered.add_metric([name, label], numbers[ENTERED])
                left.add_metric([name, label], numbers[LEFT])
            for of, seconds in counts["dwell"].items():
                if seconds is not None:
                    dwell.add_metric([name, of], seconds)
        yield from (present, entered, left, dwell)

    def _counter(self, name: str, text: str, value: Optional[float], labels: Sequence[str] = ()) -> Any:
        return self._metrics.CounterMetricFamily(f"{NAME}_{name}", text, value=value, labels=labels or None)

    def _gauge(self, name: str, text: str, value: Optional[float], labels: Sequence[str] = ()) -> Any:
        return self._metrics.GaugeMetricFamily(f"{NAME}_{name}", text, value=value, labels=labels or None)


_COUNTERS = {
    "frames": "Frames that went through the detector.",
    "detections": "Objects found.",
    "gaps": "Times that the source was lost.",
    "skipped": "Frames that the source could not read.",
    "still": "Frames that the motion gate kept from the detector.",
}
