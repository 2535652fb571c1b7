# Generated from tests/client/async_resources/test_live_objects.py by scripts/generate_sync.py: change that file and run the script.
"""Live objects as data: equality, copies, pickles, and what is left without a client."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei._sync.client import Client
from sensei._sync.resources.certificates import Certificate
from sensei._sync.resources.migration import Migration
from sensei._sync.resources.migration_plan import MigrationPlan
from sensei._sync.resources.validations import Validation
from sensei.errors import ConfigurationError
from tests.client.wire import KEY, Wire, contract_wire, operations

GETTERS: dict[str, Callable[[Client], Any]] = {
    "connection": lambda client: client.connections.get("conn_1"),
    "migration": lambda client: client.migrations.get("mig_1"),
    "plan": lambda client: client.migrations.plan("mig_1"),
    "mapping": lambda client: client.mappings.get("mig_1", "map_1"),
    "error": lambda client: client.errors.get("mig_1", "err_1"),
    "validation": lambda client: client.validations.get("val_1"),
    "report": lambda client: client.validations.report("val_1"),
    "certificate": lambda client: client.certificates.get("cert_1"),
    "webhook": lambda client: client.webhooks.get("wh_1"),
    "key": lambda client: client.api_keys.get("key_1"),
    "account": lambda client: client.service_accounts.get("sa_1"),
}
METHODS: dict[str, Callable[[Any], Any]] = {
    "connection": lambda one: one.test(),
    "migration": lambda one: one.refresh(),
    "plan": lambda one: one.mappings[0].approve(),
    "mapping": lambda one: one.approve(),
    "error": lambda one: one.retry(),
    "validation": lambda one: one.cancel(),
    "report": lambda one: one.validation.refresh(),
    "certificate": lambda one: one.download(),
    "webhook": lambda one: one.test(),
    "key": lambda one: one.refresh(),
    "account": lambda one: one.rotate(),
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    yield from contract_wire()


@pytest.fixture
def client(wire: Wire) -> Iterator[Client]:
    with Client(KEY, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("kind", GETTERS)
class TestAsData:
    def test_two_answers_with_the_same_data_are_equal(self, client: Client, kind: str) -> None:
        first, second = GETTERS[kind](client), GETTERS[kind](client)
        assert first == second
        assert first.last_response.request_id is None or first.last_response is not second.last_response
        assert first != first.model_copy(update={"id": "other", "generated_at": None})

    def test_copies_and_pickles_are_the_data_without_the_client(self, client: Client, kind: str) -> None:
        one = GETTERS[kind](client)
        stored = pickle.dumps(one)
        assert KEY.encode() not in stored
        for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(stored)):
            assert other == one
            assert type(other) is type(one)
            assert other.to_dict() == one.to_dict()
            assert repr(other) == repr(one)
            if kind not in {"plan", "report"}:  # of which a shallow copy holds the same live parts
                with pytest.raises(ConfigurationError, match=r"client\.attach\(obj\)"):
                    METHODS[kind](other)

    def test_a_method_works_again_once_attached(self, client: Client, wire: Wire, kind: str) -> None:
        other = client.attach(pickle.loads(pickle.dumps(GETTERS[kind](client))))
        before = len(wire.seen)
        METHODS[kind](other)
        assert len(wire.seen) > before

    def test_unknown_members_survive(self, client: Client, wire: Wire, kind: str) -> None:
        one = GETTERS[kind](client)
        operation = wire.last.operation
        wire.answer(operation, {**one.to_dict(), "mood": {"of": ["the", "day"]}})
        grown = GETTERS[kind](client)
        assert pickle.loads(pickle.dumps(grown)).mood == {"of": ["the", "day"]}
        assert grown != one


def shown(operation: str, example: str, /, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = operations()[operation].answers()[example][1]
    return {**found, **changes}


class TestNotebooks:
    @settings(derandomize=True, deadline=None, max_examples=50)
    @given(text=st.sampled_from(["<script>alert(1)</script>", "a & b", "\"><img src=x onerror='x'>"]) | st.text())
    def test_everything_from_outside_is_escaped(self, text: str) -> None:
        name = f"<b>{text}"
        migration = Migration.model_validate(
            shown("migrations.get", "failed", name=name, status=name, error={"code": "c", "message": name})
        )
        plan = MigrationPlan.model_validate(shown("migrations.plan.get", "approved", status=name))
        for mapping in plan.mappings:
            mapping.source.table = name
        for risk in plan.risks:
            risk.description = name
        validation = Validation.model_validate(shown("validations.get", "completed", id=name, type=name))
        certificate = Certificate.model_validate(shown("certificates.get", "signed", id=name, status=name))
        for one in (migration, plan, validation, certificate):
            page = one._repr_html_()
            assert "<b>" not in page
            assert "<script" not in page
            assert "<img" not in page
            assert "&lt;b&gt;" in page

    def test_a_migration_shows_its_phases(self) -> None:
        page = Migration.model_validate(shown("migrations.get", "running"))._repr_html_()
        for phase in ("planning", "schema_migration", "data_transfer", "validation", "cutover"):
            assert f"<td>{phase}</td>" in page

    def test_a_plan_shows_what_is_least_sure_first(self) -> None:
        plan = MigrationPlan.model_validate(shown("migrations.plan.get", "approved"))
        plan.mappings[-1].confidence = 0.01
        page = plan._repr_html_()
        unsure = str(plan.mappings[-1].source)
        assert page.index(f"<td>{unsure}</td>") == page.index("<td>", page.index("<th>Confidence</th>"))
        assert plan.risks[0].description.split("&")[0] in page

    def test_a_plan_of_any_size_stays_readable(self) -> None:
        plan = MigrationPlan.model_validate(shown("migrations.plan.get", "approved"))
        plan.mappings = plan.mappings * 200
        assert f"and {len(plan.mappings) - 100} more" in plan._repr_html_()

    def test_bare_objects_do_not_break_it(self) -> None:
        migration = Migration.model_validate({"id": "m", "name": "n", "status": "pending"})
        validation = Validation.model_validate({"id": "v", "migration_id": "m", "status": "pending"})
        assert "pending" in migration._repr_html_()
        assert "pending" in validation._repr_html_()


class TestWithoutANetwork:
    def test_objects_made_by_hand_say_that_they_have_no_client(self) -> None:
        migration = Migration(id="mig_1", name="n", status="running")
        with pytest.raises(ConfigurationError, match="Migration has no client"):
            migration.stream_events()
