"""Published versions of procedures, as they are served."""

from server.catalogue.catalogue import Catalogue, ProcedureState, Published, Status, publish

__all__ = ["Catalogue", "ProcedureState", "Published", "Status", "publish"]
