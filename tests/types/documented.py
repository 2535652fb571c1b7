"""Programs as the platform's documentation has them, for type checkers to read; they run in the tests of the client."""

# ruff: noqa: T201
# pyright: strict

import sensei
from sensei import Client, OAuth2ClientCredentials, OAuth2Token, Sensei, ServiceAccount
from sensei.webhooks import verify_signature


def migrate(client: Client) -> None:
    migration = client.migrations.create(
        name="Shop", source={"connection_id": "conn_abc123"}, target={"connection_id": "conn_def456"}
    )
    migration.wait_for_plan()
    for mapping in migration.plan.mappings:
        if mapping.confidence < 0.9:
            mapping.approve()
            print(mapping.source_column, mapping.target_column)
    migration.start()
    for event in migration.stream_events():
        print(event.type, event.phase, event.message, event.percent)
    result = migration.wait(timeout=3600)
    print(result.status, result.records_processed, result.error)
    validation = migration.run_validation(type="full")
    validation.wait()
    certificate = validation.certificate()
    certificate.verify()
    print(certificate.check())


def pages(client: Client) -> None:
    for m in client.migrations.list(status="completed"):
        print(m.id)
    page = client.migrations.list(limit=20)
    print(
        page.data, page.pagination.total, page.has_more, page.next_page(), page.iter_pages(), page.to_list(max_items=5)
    )


def save(token: OAuth2Token) -> None:
    print(token)


def credentials() -> list[Client]:
    return [
        Sensei(api_key="sk_test_…"),
        Client(api_key=lambda: "sk_test_…"),
        Client(credentials=OAuth2ClientCredentials("client_id", "client_secret", scopes=["migrations:read"])),
        Client(credentials=OAuth2Token("access", "refresh", client_id="id", client_secret="secret", on_refresh=save)),
        Client(credentials=ServiceAccount("client_id", "client_secret")),
    ]


def webhooks(client: Client, payload: bytes, headers: dict[str, str]) -> None:
    print(verify_signature(payload, headers["X-Sensei-Signature"], "whsec_example"))
    event = client.webhooks.unwrap(payload, headers, secret="whsec_example")
    print(event.type, event.data, event.id, event.created_at)
    print(sensei.__version__)
