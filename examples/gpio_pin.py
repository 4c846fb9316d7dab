"""Switches a pin of a Raspberry Pi on while something is in view: a lamp, a relay, a buzzer.

    pip install gpiozero lgpio
    python examples/gpio_pin.py detector_int8.tflite picamera --pin 17 --only person

Away from a Pi, GPIOZERO_PIN_FACTORY=mock gives pins that are only pretended.
"""

from __future__ import annotations

import argparse
import sys

from gpiozero import OutputDevice

from runtime import KitError, run


def main() -> None:
    """Reads the arguments and switches until the source ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("source", nargs="?", default="picamera", help="a camera, a video or a stream")
    parser.add_argument("--pin", type=int, default=17, help="the pin's number as the chip counts, BCM (default: 17)")
    parser.add_argument("--only", help="classes that switch it, with commas (default: all)")
    parser.add_argument("--hold", type=float, default=2, help="seconds that it stays on after the last (default: 2)")
    arguments = parser.parse_args()

    options = {"only": arguments.only} if arguments.only else {}
    # At the end, also by Ctrl-C or an error, gpiozero lets go of the pin: the lamp does not stay on.
    with OutputDevice(arguments.pin) as pin:
        off_at = float("-inf")
        for frame, detections in run(file=arguments.file, source=arguments.source, **options):
            if detections:
                # One frame without it is no reason to flicker.
                off_at = frame.steady_time + arguments.hold
            wanted = frame.steady_time < off_at
            if wanted != bool(pin.value):
                pin.value = wanted
                print(f"{frame.time:.2f} {'on' if wanted else 'off'}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a camera that is away: one line says what to do
        sys.exit(f"error: {error}")
