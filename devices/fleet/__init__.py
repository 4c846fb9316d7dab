"""The state of many devices, as they report it to an MQTT broker: `python -m devices.fleet`.

What a device reports belongs to `runtime.mqtt.report`. Uses `runtime.mqtt` and `runtime.telemetry`, and no other
room of this package.
"""
