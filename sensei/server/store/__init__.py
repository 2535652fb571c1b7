"""The state: one database, shared by as many worker processes as there are.

Nothing that matters lives in memory. Work that runs is marked by a lease in the database (`leases`), so that it
goes on elsewhere when its process dies.
"""

# Importing them makes their tables known to the metadata that `Store` creates.
from sensei.server.store import notification_tables, oauth_tables, validation_tables, webhook_tables
from sensei.server.store.database import Store, StoreError
from sensei.server.store.tables import Base

__all__ = ["Base", "Store", "StoreError", "notification_tables", "oauth_tables", "validation_tables", "webhook_tables"]
