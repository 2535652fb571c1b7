"""None where the API has no null."""

# pyright: strict

from sensei import Client

client = Client()
# error: arg-type | reportArgumentType
client.connections.get(None)
# error: arg-type | reportArgumentType
client.connections.create(name=None, type="sqlite", role="source", config={"path": "shop.db"})
# error: arg-type | reportArgumentType
client.connections.create(name="S", type="sqlite", role="source", config={"path": "s"}, description=None)
# error: typeddict-item | reportArgumentType
client.connections.create(name="S", type="sqlite", role="source", config={"path": None})
# error: arg-type | reportArgumentType
client.connections.update("conn_1", name=None)
# error: arg-type | reportArgumentType
client.connections.update("conn_1", tags=None)
# error: typeddict-item | reportArgumentType
client.migrations.create(source={"connection_id": None}, target={"connection_id": "conn_2"})
# error: arg-type | reportArgumentType
client.migrations.update("mig_1", strategy=None)
# error: arg-type | reportArgumentType
client.migrations.update("mig_1", options=None)
# error: arg-type | reportArgumentType
client.migrations.pause("mig_1", reason=None)
# error: arg-type | reportArgumentType
client.migrations.set_schedule("mig_1", start_at=None)
# error: arg-type | reportArgumentType
client.mappings.update("mig_1", "map_1", status=None)
# error: arg-type | reportArgumentType
client.mappings.reject("mig_1", "map_1", comment=None)
# error: arg-type | reportArgumentType
client.errors.retry("mig_1", "err_1", fix_applied=None)
# error: arg-type | reportArgumentType
client.validations.create(migration_id=None)
# error: arg-type | reportArgumentType
client.webhooks.update("wh_1", url=None)
# error: arg-type | reportArgumentType
client.api_keys.update("key_1", scopes=None)
# error: arg-type | reportArgumentType
client.service_accounts.create(name="CI", scopes=["*"], description=None)
# error: union-attr | reportOptionalMemberAccess
assert client.connections.get("conn_1").last_response.status_code
