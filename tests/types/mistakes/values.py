"""Values that are not in the set that the API takes."""

# pyright: strict

from sensei import AsyncClient, Client, Connection, OAuth2ClientCredentials, OAuth2Token

client = Client()
# error: arg-type | reportArgumentType
client.connections.create(name="Shop", type="sqlit", role="source", config={"path": "shop.db"})
# error: arg-type | reportArgumentType
client.connections.create(name="Shop", type="sqlite", role="sorce", config={"path": "shop.db"})
# error: arg-type | reportArgumentType
client.connections.list(status="conected")
# error: arg-type | reportArgumentType
client.migrations.list(status="complete")
# error: arg-type | reportArgumentType
client.migrations.list(sort="names")
# error: arg-type | reportArgumentType
client.migrations.update("mig_1", strategy="fast")
# error: arg-type | reportArgumentType
client.migrations.update("mig_1", options={"mode": "incremental_"})
# error: arg-type | reportArgumentType
client.migrations.start("mig_1", start_from_phase="copy")
# error: arg-type | reportArgumentType
client.migrations.logs("mig_1", level="warn")
# error: arg-type | reportArgumentType
client.migrations.logs("mig_1", phase="data-transfer")
# error: arg-type | reportArgumentType
client.migrations.rollback("mig_1", strategy="undo")
# error: arg-type | reportArgumentType
client.migrations.set_schedule("mig_1", behavior={"outside_window": "stop"})
# error: arg-type | reportArgumentType
client.mappings.list("mig_1", status="pending")
# error: arg-type | reportArgumentType
client.mappings.update("mig_1", "map_1", status="denied")
# error: arg-type | reportArgumentType
client.errors.list("mig_1", type="type")
# error: arg-type | reportArgumentType
client.errors.resolve("mig_1", "err_1", resolution="ignore")
# error: arg-type | reportArgumentType
client.errors.resolve("mig_1", "err_1", resolution={"type": "ignore"})
# error: arg-type | reportArgumentType
client.validations.create(migration_id="mig_1", type="complete")
# error: arg-type | reportArgumentType
client.validations.list(result="pass")
# error: call-overload | reportArgumentType, reportCallIssue
client.validations.report("val_1", format="docx")
# error: arg-type | reportArgumentType
client.validations.rules.create(name="Rule", rule="SELECT 1", expected=1, severity="high")
# error: list-item | reportArgumentType
client.webhooks.create(url="https://example.com", events=["migration.complete"])
# error: arg-type | reportArgumentType
client.webhooks.create(url="https://example.com", events="*")
# error: arg-type | reportArgumentType
client.webhooks.test("wh_1", event_type="migration.*")
# error: arg-type | reportArgumentType
client.webhooks.deliveries("wh_1", status="ok")
# error: list-item | reportArgumentType
client.api_keys.create(name="CI", scopes=["migrations:reed"])
# error: arg-type | reportArgumentType
client.api_keys.create(name="CI", scopes="migrations:read")
# error: arg-type | reportArgumentType
client.api_keys.create(name="CI", scopes=["*"], environment="test")
# error: list-item | reportArgumentType
client.service_accounts.create(name="CI", scopes=["migration:read"])
# error: arg-type | reportArgumentType
client.audit_logs.list(result="ok")
# error: arg-type | reportArgumentType
client.oauth.revoke("token", token_type_hint="refresh")
# error: arg-type | reportArgumentType
client.oauth.client_credentials(client_id="id", client_secret="secret", client_auth="header")
# error: list-item | reportArgumentType
OAuth2ClientCredentials("id", "secret", scopes=["migrations:reed"])
# error: arg-type | reportArgumentType
Client(timeout="20")
# error: arg-type | reportArgumentType
Client(credentials="sk_test_key")
# error: arg-type | reportArgumentType
Client(credentials=OAuth2Token)


async def key() -> str:
    return "sk_test_key"


# error: arg-type | reportArgumentType
Client(key)


def again(connection: Connection, other: AsyncClient) -> None:
    # error: arg-type | reportArgumentType
    client.connections.list(type=connection.type)
    other.attach(client)
    # error: arg-type | reportArgumentType
    connection.attach(other)
