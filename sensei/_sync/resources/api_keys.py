# Generated from sensei/_async/resources/api_keys.py by scripts/generate_sync.py: change that file and run the script.
"""API keys: made, shown once, changed, replaced, deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import NoneType
from typing import TYPE_CHECKING, ClassVar, cast

from sensei._arguments import check_callback
from sensei._body_checks import changed, checked
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei._sync.resources._base import LiveObject, Resource
from sensei._tokens import resolved
from sensei.errors import KeyNotDeletedError, SenseiError
from sensei.models.api_keys import ApiKeyCreatedData, ApiKeyData
from sensei.models.enums import EnvironmentParam, ScopeParam

if TYPE_CHECKING:
    from sensei._sync.pagination import Page


class ApiKey(LiveObject, ApiKeyData):
    """An API key that can be changed and deleted; it is not the key itself."""

    def delete(self) -> None:
        """Delete the key; it stops working at once. `DELETE /api-keys/{id}`

        Examples:
            >>> key.delete()
        """
        self._attached().api_keys.delete(self.id)

    def rotate(self, *, on_created: Callable[[ApiKeyCreated], object] | None = None) -> ApiKeyCreated:
        """Make a new key like this one, then delete this one. `POST /api-keys`, `DELETE /api-keys/{id}`

        Args:
            on_created: called with the new key, and awaited if it has to be, before the old one goes; if it raises, the
                old one stays.

        Returns:
            The new key.

        Examples:
            >>> new = key.rotate(on_created=lambda new: vault.write("sensei", new.key))
        """
        return self._attached().api_keys.rotate(self.id, on_created=on_created)

    def refresh(self) -> ApiKey:
        """Fetch what is known about the key again; returns the object itself. `GET /api-keys/{id}`

        Returns:
            The object itself.

        Examples:
            >>> key.refresh()
        """
        return self._become(self._attached().api_keys.get(self.id))


class ApiKeyCreated(ApiKeyCreatedData, ApiKey):
    """A new API key, with the key itself in `key`: the only answer that shows it. Store it now."""

    _shown: ClassVar[tuple[str, ...]] = ApiKeyCreatedData._shown

    def refresh(self) -> ApiKeyCreated:
        """Fetch what is known about the key again; the key stays. Returns the object itself. `GET /api-keys/{id}`

        Returns:
            The object itself.

        Examples:
            >>> key.refresh()
        """
        fresh = self._attached().api_keys.get(self.id)
        vars(self).update(vars(fresh))
        self._last_response = fresh._last_response
        return self


class ApiKeys(Resource):
    """`client.api_keys`: the keys of the organization. Needs the scope `admin:read`, or `admin:write` to change."""

    def create(
        self,
        *,
        name: str,
        scopes: Sequence[ScopeParam],
        environment: EnvironmentParam | Unset = UNSET,
        expires_at: datetime | str | Unset | None = UNSET,
        ip_whitelist: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ApiKeyCreated:
        """Make an API key. `POST /api-keys`

        Args:
            name: what people call it, up to 255 characters.
            scopes: what it allows, such as `migrations:read`; only what your own credential allows.
            environment: `production` or `sandbox`; that of your own credential when not given.
            expires_at: when it stops working: an aware datetime, or RFC 3339 text; never when None or not given.
            ip_whitelist: addresses and networks it may be used from; any when not given.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The key, which no other answer shows.

        Raises:
            InvalidArgumentError: an argument cannot be right.
            PermissionDeniedError: it would allow more than you may hand out.

        Examples:
            >>> key = client.api_keys.create(name="CI", scopes=["migrations:read", "migrations:write"])
            >>> store(key.key)
        """
        from sensei.models.params.access import ApiKeyCreateBody

        return self._call(
            ApiKeyCreated,
            "POST",
            "/api-keys",
            json=checked(
                ApiKeyCreateBody,
                name=name,
                scopes=scopes,
                environment=environment,
                expires_at=expires_at,
                ip_whitelist=ip_whitelist,
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def get(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> ApiKey:
        """Fetch what is known about a key; never the key itself. `GET /api-keys/{id}`

        Args:
            id: its id, `key_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The key, without its secret part.

        Raises:
            NotFoundError: there is no key with this id.

        Examples:
            >>> key = client.api_keys.get("key_abc123")
            >>> print(key.key_prefix, key.last_used_at)
        """
        return self._call(ApiKey, "GET", "/api-keys/{id}", id, timeout=timeout, headers=headers)

    def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[ApiKey]:
        """List keys, newest first. `GET /api-keys`

        Args:
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> for key in client.api_keys.list():
            ...     print(key.name, key.scopes, key.last_used_at)
        """
        return self._pages(
            ApiKey,
            "/api-keys",
            params={"limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    def update(
        self,
        id: str,
        *,
        name: str | Unset = UNSET,
        scopes: Sequence[ScopeParam] | Unset = UNSET,
        ip_whitelist: Sequence[str] | Unset = UNSET,
        expires_at: datetime | str | Unset | None = UNSET,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ApiKey:
        """Change a key; what is not given stays. `PATCH /api-keys/{id}`

        Args:
            id: its id.
            name: the new name.
            scopes: all scopes from now on.
            ip_whitelist: all addresses and networks from now on; an empty list for any.
            expires_at: when it stops working; None for never.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The key as it is now.

        Raises:
            InvalidArgumentError: nothing to change, or an argument that cannot be right.

        Examples:
            >>> client.api_keys.update("key_abc123", ip_whitelist=["203.0.113.0/24"])
        """
        from sensei.models.params.access import ApiKeyUpdateBody

        return self._call(
            ApiKey,
            "PATCH",
            "/api-keys/{id}",
            id,
            json=changed(ApiKeyUpdateBody, name=name, scopes=scopes, ip_whitelist=ip_whitelist, expires_at=expires_at),
            timeout=timeout,
            headers=headers,
        )

    def delete(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> None:
        """Delete a key; it stops working at once. `DELETE /api-keys/{id}`

        Args:
            id: its id.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Examples:
            >>> client.api_keys.delete("key_abc123")
        """
        self._call(NoneType, "DELETE", "/api-keys/{id}", id, timeout=timeout, headers=headers)

    def rotate(
        self,
        id: str,
        *,
        expires_at: datetime | str | Unset | None = UNSET,
        on_created: Callable[[ApiKeyCreated], object] | None = None,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ApiKeyCreated:
        """Replace a key: make a new one like it, then delete the old one.

        Sends `GET /api-keys/{id}`, `POST /api-keys` and `DELETE /api-keys/{id}`. If this client uses the old key
        itself, give it the new one afterwards.

        Args:
            id: the old key.
            expires_at: when the new one stops working; like the old one when not given.
            on_created: called with the new key, and awaited if it has to be, before the old one goes; if it raises, the
                old one stays.
            idempotency_key: of the making, from an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The new key, which no other answer shows.

        Raises:
            KeyNotDeletedError: the new key works, but the old one could not be deleted; `.new_key` has the new one.

        Examples:
            >>> new = client.api_keys.rotate("key_abc123", on_created=lambda new: vault.write("sensei", new.key))
        """
        check_callback("on_created", on_created)
        old = self.get(id, timeout=timeout, headers=headers)
        new = self.create(
            name=old.name,
            # What the server said of the old key it takes for the new one.
            scopes=cast("list[ScopeParam]", old.scopes),
            environment=UNSET if old.environment is None else cast("EnvironmentParam", old.environment),
            expires_at=old.expires_at if expires_at is UNSET else expires_at,
            ip_whitelist=old.ip_whitelist or UNSET,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )
        if on_created is not None:
            resolved(on_created(new))
        try:
            self.delete(id, timeout=timeout, headers=headers)
        except SenseiError as error:
            raise KeyNotDeletedError(
                f"the new key {new.id} works, but the old key {id} could not be deleted and still works too: {error}. "
                "Store .new_key, then delete the old one",
                code=error.code,
                new_key=new,
            ) from error
        return new
