"""The state of a run and how it is reported: health file, service manager, summary.

MQTT messages and the web page belong to `mqtt` and `web`. Uses `common`.
"""
