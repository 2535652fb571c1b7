"""Certificates and the public keys to check them with."""

from __future__ import annotations

from typing import cast

from sqlalchemy.orm import Session

from sensei.server.crypto import signing_keys
from sensei.server.errors import not_found
from sensei.server.http.operation import Answer, Context, Download, Router
from sensei.server.schemas.certificates import JsonWebKeyOut, JsonWebKeySetOut
from sensei.server.store.validation_tables import Certificate
from sensei.server.validations import certificates

router: Router = Router("/certificates")


@router.get("/keys", operation="certificates.keys.list", scope=None)
def list_keys(ctx: Context) -> Answer[JsonWebKeySetOut]:
    """The public keys, for everybody."""
    with ctx.store.read() as session:
        found = signing_keys.published(session, ctx.store.vault, ctx.now)
    if not found:
        found = [signing_keys.current(ctx.tx, ctx.store.vault, signing_keys.CERTIFICATES, ctx.now).jwk()]
    return Answer({"keys": cast("list[JsonWebKeyOut]", found)}, headers={"Cache-Control": "public, max-age=3600"})


@router.get(
    "/{id}",
    operation="certificates.get",
    scope="validation:read",
    errors=("certificate_not_found",),
)
def get(ctx: Context, id: str) -> Download:
    """One certificate, byte for byte as it was signed."""
    with ctx.store.read() as session:
        row = _find(ctx, session, id)
    return Download(present(ctx, row), "application/json")


@router.get(
    "/{id}/download",
    operation="certificates.download",
    scope="validation:read",
    errors=("certificate_not_found",),
)
def download(ctx: Context, id: str) -> Download:
    """The same JSON as a file."""
    with ctx.store.read() as session:
        row = _find(ctx, session, id)
    disposition = f'attachment; filename="{row.id}.json"'
    return Download(present(ctx, row), "application/json", {"Content-Disposition": disposition})


def present(ctx: Context, row: Certificate) -> bytes:
    """The signed JSON; a certificate whose time is up is signed anew as `expired` first."""
    if certificates.is_outdated(row, ctx.now):
        with ctx.store.write() as session:
            row = session.get_one(Certificate, row.id, with_for_update=True)
            if certificates.is_outdated(row, ctx.now):
                certificates.change_status(session, ctx.store.vault, row, "expired", ctx.now)
    return row.document.encode("utf-8")


def _find(ctx: Context, session: Session, id: str) -> Certificate:
    row = session.get(Certificate, id)
    if (
        row is None
        or row.organization_id != ctx.principal.organization_id
        or row.environment != ctx.principal.environment
    ):
        raise not_found("certificate", id)
    return row
