"""Published versions of procedures, as they are served."""

from server.catalogue.catalogue import STATES, Catalogue, ProcedureState, Published, Status, files_served, publish
from server.catalogue.suspension import Suspension

__all__ = ["STATES", "Catalogue", "ProcedureState", "Published", "Status", "Suspension", "files_served", "publish"]
