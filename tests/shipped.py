"""The library as it is shipped: read once a process, for that takes half a second. Nobody changes it."""

from __future__ import annotations

from functools import cache

from procedures.library import load_library

library = cache(load_library)
