"""The page of a running detector: who may see it, what it is sent, and the server that sends it.

The sink is `runtime.sinks.web`; the page itself lies in `page/`.
"""

from __future__ import annotations
