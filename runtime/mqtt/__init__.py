"""A run as messages: where the broker is, what is told under which topic, and how it gets there.

The sink is `runtime.sinks.mqtt`.
"""

from __future__ import annotations
