"""Events: a clip, a snapshot and a line of JSON for each object that stays for a while.

`recorder` decides what becomes an event, `writer` makes the files in a thread of its own, `store` keeps them within a budget
with an index in `index`, and `webhook` sends them on. The sink is `runtime.sinks.events`. Uses `media`.
"""

from __future__ import annotations
