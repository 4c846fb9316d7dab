"""Many devices at once, as they tell of themselves through an MQTT broker.

The command is `python -m devices.fleet`. What a device tells is `runtime.mqtt.report`.
"""

from __future__ import annotations
