"""What is kept, and how: tables and migrations, the two doors to the database, keys, audit, blobs, bulletin."""

from server.store.engine import RefusedText, StoreRefused, StoreUnavailable

__all__ = ["RefusedText", "StoreRefused", "StoreUnavailable"]
