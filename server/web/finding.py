"""Kept for its importers; the search is the catalogue's, for pages and API alike."""

from server.catalogue.finding import Index, Wanted, is_online

__all__ = ["Index", "Wanted", "is_online"]
