"""What is refused before it travels, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei import Client
from sensei._body_checks import checked
from sensei.errors import InvalidArgumentError
from sensei.models.params.connections import CONFIGS
from sensei.models.params.migrations import MigrationCreateBody
from tests.client.wire import KEY, Wire, contract_wire

ENDS: dict[str, Any] = {"source": {"connection_id": "conn_1"}, "target": {"connection_id": "conn_2"}}
Call = Callable[[Client], object]


def create(**members: Any) -> Call:
    return lambda client: client.migrations.create(**{**ENDS, **members})


def connect(type: str, **config: Any) -> Call:
    return lambda client: client.connections.create(name="n", type=type, role="source", config=config)


REFUSED: list[tuple[Call, str]] = [
    (create(name=""), "name is empty"),
    (create(name="x" * 256), "name must have at most 255 characters"),
    (create(source={"conection_id": "c"}), "source.conection_id is unknown: did you mean connection_id? (and 2 more)"),
    (create(source={}), "source.connection_id is required"),
    (create(source="conn_1"), "source must be a dictionary"),
    (create(source={"connection_id": "c", "tables": "orders"}), "source.tables must be a list of texts"),
    (create(target={"connection_id": 7}), "target.connection_id must be a valid string"),
    (create(target={"connection_id": "c", "connection_string": "sqlite:///x"}), "target.connection_string is unknown"),
    (create(source={"type": "sqlite"}), "source.connection_string is required"),
    (create(options={"paralelism": 8}), "options.paralelism is unknown: did you mean parallelism?"),
    (create(options={"parallelism": 65}), "options.parallelism must be less than or equal to 64"),
    (create(options={"parallelism": "8"}), "options.parallelism must be a valid integer"),
    (create(options={"parallelism": None}), "options.parallelism must be a valid integer"),
    (create(options={"auto_approve_above": 95}), "options.auto_approve_above must be less than or equal to 1"),
    (create(options={"type_mappings": [{"source_type": "a"}]}), "options.type_mappings.0.target_type is required"),
    (create(schedule={}), "a schedule needs one of start_at, maintenance_window, maintenance_windows"),
    (create(schedule={"start_at": datetime(2026, 2, 2)}), "schedule.start_at has no time zone"),  # noqa: DTZ001
    (create(schedule={"start_at": "2026-02-02T22:00:00"}), "schedule.start_at has no time zone"),
    (create(schedule={"start_at": "tomorrow"}), "schedule.start_at must be a valid datetime"),
    (create(schedule={"maintenance_window": {"start": "24:00", "end": "06:00"}}),
     "schedule.maintenance_window.start must match pattern"),
    (create(notifications={"emails": []}), "notifications.emails is unknown: did you mean email?"),
    (lambda c: c.migrations.list(limit=0), "limit must be 1 to 100"),
    (lambda c: c.migrations.list(limit=101), "limit must be 1 to 100"),
    (lambda c: c.migrations.list(limit=True), "limit must be 1 to 100"),
    (lambda c: c.audit_logs.list(offset=-1), "offset must be 0 or more"),
    (lambda c: c.connections.preview("conn_1", table="t", limit=101), "limit must be 1 to 100"),
    (lambda c: c.migrations.update("mig_1"), "nothing to change: give at least one of name, description, strategy"),
    (lambda c: c.migrations.pause("mig_1", reason="x" * 1001), "reason must have at most 1000 characters"),
    (lambda c: c.migrations.start("mig_1", start_from_phase="planning"),  # type: ignore[arg-type]
     "start_from_phase must be 'schema_migration', 'data_transfer', 'validation' or 'cutover'"),
    (lambda c: c.migrations.rollback("mig_1", strategy="point_in_time"),
     "restore_to is required with strategy='point_in_time'"),
    (lambda c: c.migrations.rollback("mig_1", strategy="backup_restore"),
     "backup_id is required with strategy='backup_restore'"),
    (lambda c: c.migrations.rollback("mig_1", strategy="truncate", scope="tables"),
     "tables is required with scope='tables'"),
    (lambda c: c.migrations.rollback("mig_1", strategy="truncate", scope="phase"),
     "phase is required with scope='phase'"),
    (lambda c: c.migrations.rollback("mig_1", strategy="truncate", scope="phase", phase=6),
     "phase must be less than or equal to 5"),
    (lambda c: c.migrations.restore("mig_1", checkpoint_id=""), "checkpoint_id is empty"),
    (lambda c: c.migrations.set_schedule("mig_1", timezone="UTC"), "a schedule needs one of start_at"),
    (lambda c: c.migrations.update_schedule("mig_1"), "nothing to change"),
    (lambda c: c.mappings.update("mig_1", "map_1", status="approved", approved=True),
     "give status or approved, not both"),
    (lambda c: c.mappings.update("mig_1", "map_1"), "nothing to change"),
    (lambda c: c.errors.resolve("mig_1", "err_1", resolution={"typ": "skip"}),
     "resolution.typ is unknown: did you mean type?"),
    (lambda c: c.validations.create(migration_id="mig_1", options={"semantics": True}),
     "options.semantics is unknown: did you mean semantic?"),
    (lambda c: c.validations.rules.create(name="n", rule="", expected=0), "rule is empty"),
    (lambda c: c.validations.rules.create(name="n", rule="SELECT 1", expected=[1]),  # type: ignore[arg-type]
     "expected has a value of the wrong type"),
    (lambda c: c.validations.report("val_1", format="docx"),  # type: ignore[call-overload]
     "format must be one of json, html, pdf"),
    (lambda c: c.validations.report("val_1", format=["json"]),  # type: ignore[call-overload]
     "format must be one of json, html, pdf"),
    (lambda c: c.mappings.bulk_update("mig_1", updates=None), "a list is needed, not NoneType"),  # type: ignore[arg-type]
    (lambda c: c.webhooks.bulk_create(webhooks=7), "a list is needed, not int"),  # type: ignore[arg-type]
    (lambda c: c.mappings.approve_all("mig_1", above=95), "above must be 0 to 1"),
    (lambda c: c.mappings.approve_all("mig_1", above=float("nan")), "above must be 0 to 1"),
    (lambda c: c.migrations.list(source_id=object()),  # type: ignore[arg-type]
     "source_id must be text, a number or a date, not object"),
    (lambda c: c.connections.list(tag="\ud800"), "'tag' is not valid text"),
    (lambda c: c.migrations.logs("mig_1", since=datetime(2026, 2, 2)), "since has no time zone"),  # noqa: DTZ001
    (lambda c: c.webhooks.create(url="https://h", events="migration.*"), "events must be a list of texts, not"),
    (lambda c: c.webhooks.create(url="https://h", events=[]), "events must have at least 1 item"),
    (lambda c: c.webhooks.create(url="https://h", events=["Migration.*"]), "events.0 must match pattern"),
    (lambda c: c.webhooks.create(url="https://h", events=["*"], secret="short"), "secret must have at least 8"),
    (lambda c: c.webhooks.update("wh_1"), "nothing to change"),
    (lambda c: c.api_keys.create(name="n", scopes=[]), "scopes must have at least 1 item"),
    (lambda c: c.api_keys.update("key_1"), "nothing to change"),
    (lambda c: c.connections.update("conn_1"), "nothing to change"),
    (connect("sqlite"), "config.path is required for sqlite, or config.connection_string instead"),
    (connect("sqlite", pth="/x"), "config.pth is unknown: did you mean path?"),
    (connect("postgresql", port=5432), "config.host is required for postgresql"),
    (connect("postgresql", host="h", port=0), "config.port must be greater than or equal to 1"),
    (connect("oracle", host="h"), "config.service_name or config.sid is required for oracle"),
    (connect("oracle", host="h", sid="a", service_name="b"), "config: give service_name or sid, not both"),
    (connect("mongodb", database="d"), "config.uri or config.host is required for mongodb"),
    (connect("databricks", host="h"), "config.http_path is required for databricks"),
    (connect("postgresql", host="h", tunnel={"type": "ssh", "host": "b"}), "config.tunnel.username is required"),
    (connect("postgresql", host="h", credentials={"provider": "vault"}), "config.credentials.secret_name is required"),
]  # fmt: skip


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
BODIES = st.dictionaries(st.sampled_from(["name", "source", "target", "options", "schedule", "strategy"]), VALUES)


@pytest.fixture
def wire() -> Iterator[Wire]:
    yield from contract_wire()


class TestRefused:
    @pytest.mark.parametrize(("call", "words"), REFUSED, ids=[words[:50] for _, words in REFUSED])
    def test_before_it_travels_and_by_name(self, wire: Wire, call: Call, words: str) -> None:
        with Client(KEY) as client, pytest.raises(InvalidArgumentError) as caught:
            call(client)
        assert str(caught.value).startswith(words)
        assert wire.seen == []

    def test_no_value_is_repeated(self, wire: Wire) -> None:
        calls = [
            connect("postgresql", host="h", password=b"hunter2", port="hunter2", ssl_key=["hunter2"]),
            create(source={"type": "postgresql", "connection_string": ["postgresql://u:hunter2@h"]}),
            lambda client: client.webhooks.create(url="https://h", events=["*"], secret="hunter2"),
            lambda client: client.connections.test_config(type="sqlite", config="hunter2"),  # type: ignore[arg-type]
        ]
        with Client(KEY) as client:
            for call in calls:
                with pytest.raises(InvalidArgumentError) as caught:
                    call(client)
                assert "hunter2" not in repr(caught.value) + str(caught.value.__cause__)
                assert caught.value.__context__ is None or "hunter2" not in str(caught.value)

    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(body=BODIES)
    def test_whatever_is_given_there_is_one_clear_sentence(self, body: dict[str, Any]) -> None:
        body["nmae"] = 1
        with pytest.raises(InvalidArgumentError) as caught:
            checked(MigrationCreateBody, **body)
        assert str(caught.value)
        assert "\n" not in str(caught.value)
        assert "pydantic" not in str(caught.value)


class TestAccepted:
    @pytest.mark.parametrize("kind", CONFIGS)
    def test_a_connection_string_is_enough_for_every_type(self, wire: Wire, kind: str) -> None:
        with Client(KEY) as client:
            connect(kind, connection_string=f"{kind}://x")(client)
        assert wire.last.body["config"] == {"connection_string": f"{kind}://x"}

    def test_a_type_that_is_newer_than_this_version_is_left_to_the_server(self) -> None:
        body = checked(MigrationCreateBody, name="n", **ENDS, strategy="reckless")
        assert body["strategy"] == "reckless"

    def test_what_the_caller_changes_later_changes_nothing(self) -> None:
        source: dict[str, Any] = {"connection_id": "conn_1", "tables": ["a"]}
        body = checked(MigrationCreateBody, name="n", source=source, target=ENDS["target"])
        source["tables"].append("b")
        source["schema"] = "s"
        assert body["source"] == {"connection_id": "conn_1", "tables": ["a"]}

    def test_tuples_and_mappings_are_fine(self, wire: Wire) -> None:
        from types import MappingProxyType

        with Client(KEY) as client:
            client.connections.create(
                name="n", type="sqlite", role="source", tags=("a", "b"), config=MappingProxyType({"path": "/x"})
            )
        assert wire.last.body["tags"] == ["a", "b"]
        assert wire.last.body["config"] == {"path": "/x"}

    def test_null_goes_out_only_where_it_was_given(self, wire: Wire) -> None:
        with Client(KEY) as client:
            client.api_keys.update("key_1", expires_at=None)
            assert wire.last.body == {"expires_at": None}
            client.connections.update("conn_1", description=None, config={"password": None})
            assert wire.last.body == {"description": None, "config": {"password": None}}
            client.migrations.update("mig_1", options={"auto_approve_above": None}, notifications=None)
            assert wire.last.body == {"options": {"auto_approve_above": None}, "notifications": None}
