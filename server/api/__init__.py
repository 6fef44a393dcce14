"""GraphQL: the same use-cases as the pages, for machines. `Api` is the door; `server.web.machines` leads to it."""

from server.api.refusals import Refused
from server.api.registered import read_queries
from server.api.transport import Answer, Api, Caller

__all__ = ["Answer", "Api", "Caller", "Refused", "read_queries"]
