"""Misspelt names."""

# pyright: strict

import sensei

# error: attr-defined | reportAttributeAccessIssue
from sensei import Clent

# error: attr-defined | reportAttributeAccessIssue
from sensei.models import MigrationSumary

# error: attr-defined | reportAttributeAccessIssue
from sensei.models.params import SqliteConfg

client = sensei.Client()
misspelt = [Clent, MigrationSumary, SqliteConfg]
# error: attr-defined | reportAttributeAccessIssue
sensei.Clent()
# error: attr-defined | reportAttributeAccessIssue
assert sensei.models.Conection
# error: attr-defined | reportAttributeAccessIssue
client.migratons.list()
# error: attr-defined | reportAttributeAccessIssue
client.migrations.lst()
# error: attr-defined | reportAttributeAccessIssue
assert client.connections.get("conn_1").nmae
# error: attr-defined | reportAttributeAccessIssue
assert client.migrations.get("mig_1").status.code
# error: call-arg | reportCallIssue
client.connections.get(connection_id="conn_1")
# error: call-arg | reportCallIssue
client.connections.create(nam="Shop", type="sqlite", role="source", config={"path": "shop.db"})
# error: call-arg | reportCallIssue
client.connections.create("Shop", type="sqlite", role="source", config={"path": "shop.db"})
# error: arg-type, call-arg | reportCallIssue
sensei.Client("sk_test_key", "https://sensei.example.com")
# error: call-arg | reportCallIssue
sensei.Client(apikey="sk_test_key")
for summary in client.migrations.list():
    # error: attr-defined | reportAttributeAccessIssue
    summary.start()
try:
    client.usage.current()
except sensei.RateLimitError as error:
    # error: attr-defined | reportAttributeAccessIssue
    seconds = error.retry_afer
for event in client.migrations.stream_events("mig_1"):
    # error: union-attr | reportAttributeAccessIssue
    assert event.mesage
