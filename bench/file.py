"""The site with one file more: a static file of the bytes that are given, through everything a request passes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvicorn

from server.app import from_environment
from server.web.pagecache import IMMUTABLE, stored

PATH = "/static/bench.json"

if __name__ == "__main__":
    app = from_environment()
    app.state.files = {PATH: stored(Path(os.environ["FILE_BODY"]).read_bytes(), "application/json", IMMUTABLE)}
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
