"""What a run knows about itself, and how it tells others: state, health file, service manager, summary.

Messages over MQTT and the web page are `mqtt` and `web`. Uses `common`.
"""
