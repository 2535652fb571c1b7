"""Live objects as data: equality, copies, pickles, and what is left without a client."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensei._async.client import AsyncClient
from sensei._async.resources.api_keys import AsyncApiKeyCreated
from sensei._async.resources.certificates import AsyncCertificate
from sensei._async.resources.migration import AsyncMigration
from sensei._async.resources.migration_plan import AsyncMigrationPlan
from sensei._async.resources.validations import AsyncValidation
from sensei._notebook import page_html
from sensei.errors import ConfigurationError
from sensei.models import Pagination
from tests.client.faulty import FaultyServer, reply
from tests.client.samples import page
from tests.client.wire import KEY, Wire, contract_wire, operations

GETTERS: dict[str, Callable[[AsyncClient], Any]] = {
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
async def client(wire: Wire) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(KEY, max_retries=0) as client:
        yield client


@pytest.mark.anyio
@pytest.mark.parametrize("kind", GETTERS)
class TestAsData:
    async def test_two_answers_with_the_same_data_are_equal(self, client: AsyncClient, kind: str) -> None:
        first, second = await GETTERS[kind](client), await GETTERS[kind](client)
        assert first == second
        assert first.last_response.request_id is None or first.last_response is not second.last_response
        assert first != first.model_copy(update={"id": "other", "generated_at": None})

    async def test_copies_and_pickles_are_the_data_without_the_client(self, client: AsyncClient, kind: str) -> None:
        one = await GETTERS[kind](client)
        stored = pickle.dumps(one)
        assert KEY.encode() not in stored
        for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(stored)):
            assert other == one
            assert type(other) is type(one)
            assert other.to_dict() == one.to_dict()
            assert repr(other) == repr(one)
            if kind not in {"plan", "report"}:  # of which a shallow copy holds the same live parts
                with pytest.raises(ConfigurationError, match=r"client\.attach\(obj\)"):
                    await METHODS[kind](other)

    async def test_a_method_works_again_once_attached(self, client: AsyncClient, wire: Wire, kind: str) -> None:
        other = client.attach(pickle.loads(pickle.dumps(await GETTERS[kind](client))))
        before = len(wire.seen)
        await METHODS[kind](other)
        assert len(wire.seen) > before

    async def test_unknown_members_survive(self, client: AsyncClient, wire: Wire, kind: str) -> None:
        one = await GETTERS[kind](client)
        operation = wire.last.operation
        wire.answer(operation, {**one.to_dict(), "mood": {"of": ["the", "day"]}})
        grown = await GETTERS[kind](client)
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
        migration = AsyncMigration.model_validate(
            shown("migrations.get", "failed", name=name, status=name, error={"code": "c", "message": name})
        )
        plan = AsyncMigrationPlan.model_validate(shown("migrations.plan.get", "approved", status=name))
        for mapping in plan.mappings:
            mapping.source.table = name
        for risk in plan.risks:
            risk.description = name
        validation = AsyncValidation.model_validate(shown("validations.get", "completed", id=name, type=name))
        certificate = AsyncCertificate.model_validate(shown("certificates.get", "signed", id=name, status=name))
        for one in (migration, plan, validation, certificate):
            page = one._repr_html_()
            assert "<b>" not in page
            assert "<script" not in page
            assert "<img" not in page
            assert "&lt;b&gt;" in page

    def test_nothing_from_outside_turns_the_text_or_breaks_the_notebook(self) -> None:
        name = "\u202egpj.exe\u2069\u200f\x1b[31m\x00\ud800 postgresql://ada:TOPSECRET@db/shop"
        migration = AsyncMigration.model_validate(
            shown("migrations.get", "failed", name=name, status=name, error={"code": "c", "message": name})
        )
        migrations = page_html([migration], Pagination(total=1, limit=20, offset=0, has_more=False))
        for html in (migration._repr_html_(), migrations):
            assert html.encode()
            assert not {character for character in html if ord(character) < 32} - {"\n"}
            assert not set("\u202e\u2069\u200f") & set(html)
            assert "TOPSECRET" not in html

    def test_a_name_of_any_length_and_lists_of_any_length_stay_short(self) -> None:
        endless = "postgresql://" + "u" * 260 + ":TOPSECRET" + "x" * 3_000_000 + "@db"
        migration = AsyncMigration.model_validate(shown("migrations.get", "running", name=endless))
        assert migration.progress is not None
        migration.progress.phases *= 5_000
        html = migration._repr_html_()
        assert len(html) < 50_000
        assert f"and {len(migration.progress.phases) - 100} more" in html
        plan = AsyncMigrationPlan.model_validate(shown("migrations.plan.get", "approved"))
        plan.mappings[0].source.table = endless
        plan.risks *= 5_000
        assert len(plan._repr_html_()) < 60_000

    @pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), -5.0, 1e300])
    def test_numbers_that_are_none_are_not_shown(self, number: float) -> None:
        migration = AsyncMigration.model_validate(shown("migrations.get", "running"))
        assert migration.progress is not None
        for phase in migration.progress.phases:
            phase.progress_percent = phase.duration_seconds = number
        plan = AsyncMigrationPlan.model_validate(shown("migrations.plan.get", "approved"))
        plan.mappings[0].confidence = number
        for html in (migration._repr_html_(), plan._repr_html_()):
            assert len(html) < 10_000
            assert not re.search(r"\bnan\b|\binf\b|-5|0{50}", html)

    def test_what_is_nearly_done_is_not_shown_as_done(self) -> None:
        migration = AsyncMigration.model_validate(shown("migrations.get", "running"))
        assert migration.progress is not None
        migration.progress.overall_percent = migration.progress.phases[2].progress_percent = 99.97
        html = migration._repr_html_()
        assert "99 %" in html
        assert "100 %" not in html

    def test_the_words_of_a_status_have_the_colour_of_the_notebook(self) -> None:
        html = AsyncMigration.model_validate(shown("migrations.get", "running"))._repr_html_()
        coloured = re.findall(r'style="color:[^"]*"[^>]*>([^<]*)<', html)
        assert coloured
        assert set(coloured) == {"●"}

    @pytest.mark.anyio
    async def test_a_page_is_a_table_of_its_items_without_their_secrets(self) -> None:
        with FaultyServer(lambda heard: reply(page([1, 2], 30))) as server:
            async with AsyncClient("sk_test_1", base_url=server.url) as client:
                found = await client.connections.list(limit=2)
        html = found._repr_html_()
        assert "1 to 2 of 30" in html
        assert "<th>name</th>" in html
        assert "<td>conn_1</td>" in html
        assert "host" not in html
        created = AsyncApiKeyCreated.model_validate(shown("api_keys.create", "created"))
        assert created.key
        keys = page_html([created], Pagination(total=1, limit=20, offset=0, has_more=False))
        assert created.key not in keys
        assert created.id in keys

    def test_an_empty_page_says_so(self) -> None:
        assert "0 to 0 of 0" in page_html([], Pagination(total=0, limit=20, offset=0, has_more=False))

    def test_a_migration_shows_its_phases(self) -> None:
        page = AsyncMigration.model_validate(shown("migrations.get", "running"))._repr_html_()
        for phase in ("planning", "schema_migration", "data_transfer", "validation", "cutover"):
            assert f"<td>{phase}</td>" in page

    def test_a_plan_shows_what_is_least_sure_first(self) -> None:
        plan = AsyncMigrationPlan.model_validate(shown("migrations.plan.get", "approved"))
        plan.mappings[-1].confidence = 0.01
        page = plan._repr_html_()
        unsure = str(plan.mappings[-1].source)
        assert page.index(f"<td>{unsure}</td>") == page.index("<td>", page.index("<th>Confidence</th>"))
        assert plan.risks[0].description.split("&")[0] in page

    def test_a_plan_of_any_size_stays_readable(self) -> None:
        plan = AsyncMigrationPlan.model_validate(shown("migrations.plan.get", "approved"))
        plan.mappings = plan.mappings * 200
        assert f"and {len(plan.mappings) - 100} more" in plan._repr_html_()

    def test_bare_objects_do_not_break_it(self) -> None:
        migration = AsyncMigration.model_validate({"id": "m", "name": "n", "status": "pending"})
        validation = AsyncValidation.model_validate({"id": "v", "migration_id": "m", "status": "pending"})
        assert "pending" in migration._repr_html_()
        assert "pending" in validation._repr_html_()


class TestWithoutANetwork:
    def test_objects_made_by_hand_say_that_they_have_no_client(self) -> None:
        migration = AsyncMigration(id="mig_1", name="n", status="running")
        with pytest.raises(ConfigurationError, match="AsyncMigration has no client"):
            migration.stream_events()
