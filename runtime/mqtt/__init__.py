"""MQTT: the broker's address, the topics and their messages, and the connection that publishes them.

The sink itself is `runtime.sinks.mqtt`. Uses `common` and `telemetry`.
"""

from __future__ import annotations
