"""The web page of a run: access control, messages to the browser, and the server.

The sink is `runtime.sinks.web`; the page's own files are in `page/`. Uses `common`, `media` and `telemetry`.
"""

from __future__ import annotations
