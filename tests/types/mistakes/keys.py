"""Misspelt, missing and unknown keys of dictionaries."""

# pyright: strict

from sensei import Client
from sensei.models.params import MaintenanceWindowParam, SqliteConfig

client = Client()
# error: arg-type | reportArgumentType
client.connections.create(name="Shop", type="postgresql", role="source", config={"hots": "db.example.com"})
# error: arg-type | reportArgumentType
client.connections.create(name="Shop", type="sqlite", role="source", config={"path": "shop.db", "port": 1})
# error: typeddict-item | reportArgumentType
client.connections.create(name="Shop", type="sqlite", role="source", config={"path": 7})
# error: arg-type | reportArgumentType
client.connections.test_config(type="sqlite", options={"ssl": "allow"})
# error: arg-type | reportArgumentType
client.connections.test_config(type="sqlite", config={"file": "shop.db"})
# error: arg-type | reportArgumentType
client.connections.update("conn_1", config={"pasword": "secret"})
# error: arg-type | reportArgumentType
client.connections.update("conn_1", options={"max_conections": 4})
# error: arg-type | reportArgumentType
client.migrations.create(source={"connection": "conn_1"}, target={"connection_id": "conn_2"})
# error: arg-type | reportArgumentType
client.migrations.create(source={"connection_id": "conn_1"}, target={"conection_id": "conn_2"})
# error: arg-type | reportArgumentType
client.migrations.create(source={"connection_id": "conn_1", "table": "a"}, target={"connection_id": "conn_2"})
# error: arg-type | reportArgumentType
client.migrations.update("mig_1", options={"paralelism": 4})
# error: arg-type | reportArgumentType
client.migrations.update("mig_1", options={"parallelism": "four"})
# error: arg-type | reportArgumentType
client.migrations.update("mig_1", notifications={"mail": ["ada@example.com"]})
# error: arg-type | reportArgumentType
client.migrations.set_schedule("mig_1", maintenance_window={"start": "22:00"})
# error: arg-type | reportArgumentType
client.migrations.update_schedule("mig_1", behavior={"outside_windows": "pause"})
# error: arg-type | reportArgumentType
client.mappings.update("mig_1", "map_1", target={"table": "orders"})
# error: typeddict-item, typeddict-unknown-key | reportArgumentType
client.mappings.bulk_update("mig_1", updates=[{"mapping_id": "map_1", "approved": True}])
# error: arg-type | reportArgumentType
client.errors.resolve("mig_1", "err_1", resolution={"typ": "skip"})
# error: arg-type | reportArgumentType
client.validations.create(migration_id="mig_1", options={"structure": True})
# error: typeddict-item, typeddict-unknown-key | reportArgumentType
client.webhooks.bulk_create(webhooks=[{"url": "https://example.com", "event": ["*"]}])

# error: typeddict-unknown-key | reportAssignmentType
config: SqliteConfig = {"path": "shop.db", "readonly": True}
# error: typeddict-item, typeddict-unknown-key | reportAssignmentType
window: MaintenanceWindowParam = {"start": "22:00", "until": "04:00"}


def open_shop(settings: dict[str, object]) -> None:
    # error: arg-type | reportArgumentType
    client.connections.create(name="Shop", type="sqlite", role="source", config=settings)
