"""Published versions of procedures, as they are served."""

from server.catalogue.catalogue import Catalogue, ProcedureState, Published, Status, files_served, publish

__all__ = ["Catalogue", "ProcedureState", "Published", "Status", "files_served", "publish"]
