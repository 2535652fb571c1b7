# Generated from sensei/_async/resources/service_accounts.py by scripts/generate_sync.py: change that file and run the script.
"""Service accounts: credentials for programs."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import TYPE_CHECKING, ClassVar

from sensei._body_checks import checked
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei._sync.resources._base import LiveObject, Resource
from sensei.models.enums import ScopeParam
from sensei.models.service_accounts import ServiceAccountCreatedData, ServiceAccountData

if TYPE_CHECKING:
    from sensei._sync.pagination import Page


class ServiceAccountRecord(LiveObject, ServiceAccountData):
    """A service account that can be rotated and deleted."""

    def rotate(self) -> ServiceAccountCreated:
        """Replace the credentials; the old ones work 24 hours more. `POST /service-accounts/{id}/rotate`

        Returns:
            The account with its new credentials, which no other answer shows.

        Examples:
            >>> rotated = account.rotate()
            >>> store(rotated.credentials)
        """
        return self._attached().service_accounts.rotate(self.id)

    def delete(self) -> None:
        """Delete the account; its credentials stop working at once. `DELETE /service-accounts/{id}`

        Examples:
            >>> account.delete()
        """
        self._attached().service_accounts.delete(self.id)


class ServiceAccountCreated(ServiceAccountCreatedData, ServiceAccountRecord):
    """A service account with its `credentials`: only making and rotating one shows them. Store them now."""

    _shown: ClassVar[tuple[str, ...]] = ServiceAccountCreatedData._shown


class ServiceAccounts(Resource):
    """`client.service_accounts`: programs that sign in. Needs the scope `admin:read`, or `admin:write` to change."""

    def create(
        self,
        *,
        name: str,
        scopes: Sequence[ScopeParam],
        description: str | Unset = UNSET,
        ip_whitelist: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ServiceAccountCreated:
        """Make a service account. `POST /service-accounts`

        Args:
            name: what people call it, up to 255 characters.
            scopes: what it allows, such as `migrations:read`; only what your own credential allows.
            description: up to 2,000 characters.
            ip_whitelist: addresses and networks it may be used from; any when not given.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The account with its credentials, which no other answer shows: a `token` to be used as it is, and
            `client_id` and `client_secret` for OAuth.

        Raises:
            InvalidArgumentError: an argument cannot be right.
            PermissionDeniedError: it would allow more than you may hand out.

        Examples:
            >>> account = client.service_accounts.create(name="nightly", scopes=["migrations:*"])
            >>> store(account.credentials.token)
        """
        from sensei.models.params.access import ServiceAccountCreateBody

        return self._call(
            ServiceAccountCreated,
            "POST",
            "/service-accounts",
            json=checked(
                ServiceAccountCreateBody, name=name, description=description, scopes=scopes, ip_whitelist=ip_whitelist
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def get(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> ServiceAccountRecord:
        """Fetch one service account; never with its credentials. `GET /service-accounts/{id}`

        Args:
            id: its id, `sa_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The account, without its credentials.

        Raises:
            NotFoundError: there is no account with this id.

        Examples:
            >>> account = client.service_accounts.get("sa_abc123")
        """
        return self._call(ServiceAccountRecord, "GET", "/service-accounts/{id}", id, timeout=timeout, headers=headers)

    def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[ServiceAccountRecord]:
        """List service accounts, newest first. `GET /service-accounts`

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
            >>> for account in client.service_accounts.list():
            ...     print(account.name, account.last_used_at)
        """
        return self._pages(
            ServiceAccountRecord,
            "/service-accounts",
            params={"limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    def delete(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> None:
        """Delete a service account; its credentials stop working at once. `DELETE /service-accounts/{id}`

        Args:
            id: its id.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Examples:
            >>> client.service_accounts.delete("sa_abc123")
        """
        self._call(NoneType, "DELETE", "/service-accounts/{id}", id, timeout=timeout, headers=headers)

    def rotate(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ServiceAccountCreated:
        """Replace the credentials; the old ones work 24 hours more. `POST /service-accounts/{id}/rotate`

        Args:
            id: its id.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The account with its new credentials, which no other answer shows.

        Examples:
            >>> account = client.service_accounts.rotate("sa_abc123")
            >>> print(account.previous_credentials_valid_until)
        """
        return self._call(
            ServiceAccountCreated,
            "POST",
            "/service-accounts/{id}/rotate",
            id,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )
