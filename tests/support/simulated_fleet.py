"""Simulates many devices that report to a broker, each with its own connection, last will and session.

As a command it starts a Mosquitto on this machine and prints how long it takes until `devices.fleet` has seen all
devices, and until it has seen them again after a restart of the broker. This is a measurement, not a test:

    python -m tests.support.simulated_fleet --devices 1000
"""

from __future__ import annotations

import argparse
import random
import selectors
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import pytest

from runtime.mqtt import topics
from runtime.mqtt.report import Counts, Report, Software
from tests.support.mosquitto import Mosquitto

BASE = "fleet"
TICK = 0.05
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


def report(number: int = 0, **other: Any) -> Report:
    """The report of a healthy device; `other` replaces fields of it."""
    versions = Software("0.2.0", "3.11.2", "ai-edge-litert 2.3.0", "cpu")
    now = time.time()
    well = Report(
        now, 30.0, now - 3600, "detector.tflite", "ab" * 32, "7", versions, "running", "running", "", 9.5 + number % 7,
        Counts(30_000 + number, 500, 3),
    )  # fmt: skip
    return replace(well, **other)


class Device:
    """An MQTT client like the sink: its last will is the status `offline`. `report` is what it publishes."""

    def __init__(self, name: str, report: Report) -> None:
        paho = pytest.importorskip("paho.mqtt.client")
        self.name = name
        self.report = report
        self.due = 0.0
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=f"simulated-{name.replace('/', '-')}")
        self.client.will_set(self._topic(topics.STATUS), topics.OFFLINE, qos=1, retain=True)
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._disconnected

    def tell(self) -> None:
        """Publishes the report with the current time."""
        self.report = replace(self.report, time=time.time())
        self._keep(topics.DEVICE, self.report.text())

    def _connected(self, *_: Any) -> None:
        self._keep(topics.STATUS, topics.ONLINE)
        self.tell()

    def _disconnected(self, *_: Any) -> None:
        self.due = time.monotonic() + random.uniform(0.5, 1.5)

    def _keep(self, last: str, text: str) -> None:
        self.client.publish(self._topic(last), text, qos=1, retain=True)

    def _topic(self, last: str) -> str:
        return f"{BASE}/{self.name}/{last}"


class SimulatedFleet:
    """Runs devices in one thread; use it in a `with` statement. Devices that lose the broker reconnect."""

    def __init__(self, port: int, devices: Sequence[Device]) -> None:
        self.devices: Dict[str, Device] = {device.name: device for device in devices}
        self._port = port
        self._chosen = selectors.DefaultSelector()
        self._ended = threading.Event()
        self._asked: List[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def connected(self) -> int:
        """The number of connected devices."""
        return sum(device.client.is_connected() for device in self.devices.values())

    def kill(self, name: str) -> None:
        """Drops the connection of a device without a goodbye, as in a power cut."""
        device = self.devices.pop(name)
        self._asked.append(lambda: self._drop(device))

    def change(self, name: str, **values: Any) -> None:
        """Changes fields of the report of a device, and publishes it."""
        device = self.devices[name]

        def change() -> None:
            device.report = replace(device.report, **values)
            device.tell()

        # In the fleet's thread, which may be telling at this moment and would put the old values back.
        self._asked.append(change)

    def __enter__(self) -> SimulatedFleet:
        for device in self.devices.values():
            client = device.client
            client.on_socket_open = lambda made, _, socket: self._choose(made, socket, selectors.EVENT_READ)
            client.on_socket_close = lambda _, __, socket: self._leave(socket)
            client.on_socket_register_write = lambda made, _, socket: self._choose(made, socket, BOTH)
            client.on_socket_unregister_write = lambda made, _, socket: self._choose(made, socket, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for device in self.devices.values():
            if device.client.socket() is not None:
                self._drop(device)
        self._chosen.close()

    def _run(self) -> None:
        checked = 0.0
        while not self._ended.is_set():
            for key, events in self._chosen.select(TICK):
                if events & selectors.EVENT_READ:
                    key.data.loop_read()
                if events & selectors.EVENT_WRITE:
                    key.data.loop_write()
            while self._asked:
                self._asked.pop(0)()
            now = time.monotonic()
            if now - checked >= TICK:
                checked = now
                for device in list(self.devices.values()):
                    self._look_after(device, now)

    def _look_after(self, device: Device, now: float) -> None:
        if device.client.socket() is not None:
            device.client.loop_misc()
            if device.client.is_connected() and now >= device.due:
                device.due = now + device.report.every
                device.tell()
        elif now >= device.due:
            device.due = now + random.uniform(0.5, 1.5)
            try:
                device.client.connect("127.0.0.1", self._port)
                device.due = now + device.report.every * random.uniform(0.5, 1.0)
            except OSError:
                pass

    def _choose(self, client: Any, socket: Any, events: int) -> None:
        if socket in self._chosen.get_map():
            self._chosen.modify(socket, events, client)
        else:
            self._chosen.register(socket, events, client)

    def _drop(self, device: Device) -> None:
        device.client.on_socket_close = None
        self._leave(device.client.socket())
        device.client.socket().close()

    def _leave(self, socket: Any) -> None:
        if socket in self._chosen.get_map():
            self._chosen.unregister(socket)


def measure(number: int, folder: Path) -> None:
    """Prints the times for `number` devices; the broker keeps its files in `folder`."""
    from devices.fleet.listener import Listener
    from devices.fleet.members import Fleet
    from runtime.mqtt.address import Broker

    def wait(what: str, done: Callable[[], bool]) -> None:
        begin = time.monotonic()
        while not done():
            time.sleep(0.02)
        print(f"{what}: {time.monotonic() - begin:.2f} s", flush=True)

    def seen(fleet: Fleet) -> int:
        return sum(bool(member.online) for member in fleet.members())

    with Mosquitto(folder) as broker:
        address = Broker.parse(f"mqtt://{broker.address}/{BASE}", "--broker")
        watching, late = Fleet(BASE), Fleet(BASE)
        devices = [Device(f"d{index}", report(index)) for index in range(number)]
        with SimulatedFleet(broker.port, devices) as fleet, Listener(watching, address, None, "--broker") as listener:
            listener.open(wait=False)
            wait(f"{number} devices come, all seen after", lambda: seen(watching) == number)
            with Listener(late, address, None, "--broker") as listener:
                listener.open(wait=False)
                wait("one who comes later has read all after", lambda: seen(late) == number)
            broker.stop()
            wait("the broker stops, all have noticed after", lambda: fleet.connected == 0)
            broker.start()
            print(f"just after its new start: {len(watching.members())} devices known")
            wait("all are back and online after", lambda: fleet.connected == number and seen(watching) == number)
            fresh = Fleet(BASE)
            with Listener(fresh, address, None, "--broker") as listener:
                listener.open(wait=False)
                wait("one who comes now has read all after", lambda: seen(fresh) == number)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", type=int, default=1000)
    with tempfile.TemporaryDirectory() as folder:
        measure(parser.parse_args().devices, Path(folder))
