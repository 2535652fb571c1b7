"""The client: its settings, its resources, its end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from sensei._arguments import check_deadline, check_kind, check_timeout
from sensei._async.keys import AsyncAuthorizer, AsyncKeyProvider, AsyncStaticKey
from sensei._async.pool import AsyncPools
from sensei._async.resources._base import attach
from sensei._async.transport import AsyncTransport
from sensei._call import ClientOptions, merged
from sensei._config import DEFAULT_TIMEOUT, AsyncKeyFunction, Settings, resolve, user_agent
from sensei._parse import readable
from sensei._ratelimit import RateLimiter
from sensei._redact import concealed
from sensei._request import (
    OWN_PATH,
    UNSET,
    HeaderTypes,
    QueryTypes,
    RequestExtras,
    TimeoutTypes,
    Unset,
    check_method,
    encode_json,
    own_path,
)
from sensei._response import RawResponse
from sensei._retry import LONGEST_OUTAGE, RetryPolicy
from sensei.errors import ConfigurationError
from sensei.models.response import RateLimit

if TYPE_CHECKING:
    from typing import Self

    from pydantic import TypeAdapter

    from sensei._async.resources.api_keys import AsyncApiKeys
    from sensei._async.resources.audit_logs import AsyncAuditLogs
    from sensei._async.resources.certificates import AsyncCertificates
    from sensei._async.resources.connections import AsyncConnections
    from sensei._async.resources.errors import AsyncMigrationErrors
    from sensei._async.resources.mappings import AsyncMappings
    from sensei._async.resources.migrations import AsyncMigrations
    from sensei._async.resources.oauth import AsyncOAuth
    from sensei._async.resources.service_accounts import AsyncServiceAccounts
    from sensei._async.resources.usage import AsyncUsage
    from sensei._async.resources.validations import AsyncValidations
    from sensei._async.resources.webhooks import AsyncWebhooks
    from sensei._client_adapters import AsyncClientAdapter
    from sensei._hooks import Hooks
    from sensei._http import AsyncHTTPClient
    from sensei._oauth import TokenCall
    from sensei.auth import Credentials
    from sensei.models.oauth import OAuthTokenResponse

T = TypeVar("T")


class AsyncClient:
    """A client of Sensei.

    One client serves a whole program: share it among tasks, and close it at the end, best in a `with` block. It may be
    built outside of an event loop and used in several, one after the other or side by side; it survives a fork.

    Args:
        api_key: the key, or a function without arguments that gives it for each call; else `$SENSEI_API_KEY`, else
            that of the profile. An asynchronous one, for `AsyncClient` alone, is cancelled at the deadline of the call;
            a plain one cannot be.
        credentials: what tokens are made from, instead of a key: see `sensei.auth`.
        base_url: where the API is, with or without `/v1`; else `$SENSEI_API_URL`, else that of the profile, else
            `https://api.sensei.ai`. The key of the environment goes only to the server that the environment names.
        profile: a profile of `~/.sensei/config.yaml`; else `$SENSEI_PROFILE`. It gives what neither an argument nor
            the environment gives: `$SENSEI_API_KEY` and `$SENSEI_API_URL` come before it.
        timeout: seconds for one attempt, or an `httpx.Timeout`; None for no limit. Beyond its reach are looking a
            name up in DNS, and what a sync client of yours does before the body of the answer comes.
        deadline: seconds for a whole call: attempts, waits and the body; None for no limit.
        max_retries: tries after the first one, 4 when not given, and connections that a stream tries in a row; or
            give `retry`.
        retry: how often and how patiently to try again.
        rate_limiter: paces the calls by what the server says; None turns that off. May be shared by clients.
        http_client: your own client of httpx or httpx2, for proxies, TLS, HTTP/2 or transports. It stays yours: it is
            not closed. Without one, the proxies of the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY,
            NO_PROXY) are honoured; one of SOCKS needs `pip install socksio`.
            An asynchronous client takes a session of aiohttp too, which is quickest where very many calls are under
            way at a time (`pip install "sensei-sdk[aiohttp]"`).
        default_headers: sent with every call.
        app_info: name and version of your program, for the `User-Agent`.
        hooks: functions to be called around every request.
        allow_insecure: True to send the credential over plain http to another machine.

    Raises:
        ConfigurationError: there is no key, a URL or an argument is bad.

    Examples:
        >>> async with AsyncClient() as client:
        ...     async for migration in client.migrations.list():
        ...         print(migration.name, migration.status)
    """

    def __init__(
        self,
        api_key: str | AsyncKeyFunction | None = None,
        *,
        credentials: Credentials | None = None,
        base_url: str | None = None,
        profile: str | None = None,
        timeout: TimeoutTypes = DEFAULT_TIMEOUT,
        deadline: float | None = None,
        max_retries: int | None = None,
        retry: RetryPolicy | None = None,
        rate_limiter: RateLimiter | Unset | None = UNSET,
        http_client: AsyncHTTPClient | None = None,
        default_headers: Mapping[str, str] | None = None,
        app_info: tuple[str, str] | tuple[str] | None = None,
        hooks: Hooks | None = None,
        allow_insecure: bool = False,
    ) -> None:
        # Reports of crashes print the variables of this frame.
        api_key, credentials, base_url = concealed(api_key), concealed(credentials), concealed(base_url)
        default_headers = concealed(default_headers)
        settings = resolve(
            api_key, credentials=credentials, base_url=base_url, profile=profile, allow_insecure=allow_insecure
        )
        common = (
            (b"User-Agent", user_agent(() if app_info is None else app_info).encode("ascii")),
            (b"Accept-Encoding", b"gzip, deflate"),
        )
        policy = _policy(max_retries, retry)
        options = ClientOptions(
            timeout=DEFAULT_TIMEOUT if timeout is UNSET else check_timeout(timeout),
            deadline=check_deadline(deadline),
            retry=RetryPolicy(max_outage=LONGEST_OUTAGE) if policy is None else policy,
            headers=tuple(merged(common, default_headers, argument="default_headers", error=ConfigurationError)),
            hooks=hooks,
        )
        limiter = RateLimiter() if rate_limiter is UNSET else rate_limiter
        if limiter is not None:
            check_kind("rate_limiter", limiter, RateLimiter, "a RateLimiter, or None")
        self._owns_pools = True
        self._transport = AsyncTransport(
            self,
            settings.server,
            self._authorizer(settings),
            AsyncPools(f"{type(self).__name__} of {settings.server.url}"),
            self._adapter(http_client),
            limiter,
            options,
        )

    def _authorizer(self, settings: Settings) -> AsyncAuthorizer:
        if settings.credentials is not None:
            from sensei._async.auth import AsyncTokenHolder

            return AsyncTokenHolder(settings.credentials, self._fetch_token)
        if isinstance(settings.api_key, str):
            return AsyncStaticKey(settings.api_key)
        if settings.api_key is not None:
            return AsyncKeyProvider(settings.api_key)
        raise ConfigurationError("no API key: pass api_key=, or set SENSEI_API_KEY")

    def _adapter(self, client: object) -> AsyncClientAdapter | None:
        if client is None:
            return None
        from sensei._client_adapters import async_adapt

        return async_adapt(client)

    async def _fetch_token(self, call: TokenCall, deadline: float | None) -> OAuthTokenResponse:
        from sensei.models.oauth import OAuthTokenResponse

        extras = RequestExtras(
            server="auth", authorization=call.authorization, form=call.form, repeatable=call.repeatable
        )
        renewal = self._transport.begin("POST", call.path, (), None, UNSET, UNSET, None, None, extras)
        # A call that needs a token has it in its own time.
        renewal.deadline = min((end for end in (renewal.deadline, deadline) if end is not None), default=None)
        return await self._transport.call(OAuthTokenResponse, "POST", call.path, call=renewal)

    def __repr__(self) -> str:
        # A client that could not be made is printed too, by those who report crashes.
        transport: AsyncTransport | None = getattr(self, "_transport", None)
        return f"<{type(self).__name__} of {transport.server.url if transport else 'nothing yet'}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise ConfigurationError(
            f"this {type(self).__name__} holds a credential and connections, which are neither pickled nor copied: "
            "make one in each process that needs it; with_options() gives a copy"
        )

    # Resources. Each is loaded when it is first used.

    @cached_property
    def api_keys(self) -> AsyncApiKeys:
        """API keys: create, list, change, rotate, delete."""
        from sensei._async.resources.api_keys import AsyncApiKeys

        return AsyncApiKeys(self)

    @cached_property
    def audit_logs(self) -> AsyncAuditLogs:
        """What was done, when and by whom."""
        from sensei._async.resources.audit_logs import AsyncAuditLogs

        return AsyncAuditLogs(self)

    @cached_property
    def certificates(self) -> AsyncCertificates:
        """Signed proofs of migrations."""
        from sensei._async.resources.certificates import AsyncCertificates

        return AsyncCertificates(self)

    @cached_property
    def connections(self) -> AsyncConnections:
        """The databases that migrations read and write."""
        from sensei._async.resources.connections import AsyncConnections

        return AsyncConnections(self)

    @cached_property
    def errors(self) -> AsyncMigrationErrors:
        """Records that a migration could not carry over."""
        from sensei._async.resources.errors import AsyncMigrationErrors

        return AsyncMigrationErrors(self)

    @cached_property
    def mappings(self) -> AsyncMappings:
        """The column mappings of a migration's plan."""
        from sensei._async.resources.mappings import AsyncMappings

        return AsyncMappings(self)

    @cached_property
    def migrations(self) -> AsyncMigrations:
        """Migrations: create, start, watch, roll back."""
        from sensei._async.resources.migrations import AsyncMigrations

        return AsyncMigrations(self)

    @cached_property
    def oauth(self) -> AsyncOAuth:
        """The OAuth server: sign users in, exchange, refresh and revoke tokens."""
        from sensei._async.resources.oauth import AsyncOAuth

        return AsyncOAuth(self)

    @cached_property
    def service_accounts(self) -> AsyncServiceAccounts:
        """Accounts of programs: create, list, rotate, delete."""
        from sensei._async.resources.service_accounts import AsyncServiceAccounts

        return AsyncServiceAccounts(self)

    @cached_property
    def usage(self) -> AsyncUsage:
        """What the organization has used of its plan."""
        from sensei._async.resources.usage import AsyncUsage

        return AsyncUsage(self)

    @cached_property
    def validations(self) -> AsyncValidations:
        """Checks that the target holds what the source holds."""
        from sensei._async.resources.validations import AsyncValidations

        return AsyncValidations(self)

    @cached_property
    def webhooks(self) -> AsyncWebhooks:
        """Notices by HTTP: register, test, look at deliveries, verify."""
        from sensei._async.resources.webhooks import AsyncWebhooks

        return AsyncWebhooks(self)

    # Everything else

    @property
    def base_url(self) -> str:
        """Where the API is, with `/v1`."""
        return self._transport.server.url

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the last answer said of the allowance: limit, remaining, reset_at; None before the first answer."""
        return self._transport.pools.rate_limit

    def with_options(
        self,
        *,
        timeout: TimeoutTypes = UNSET,
        deadline: float | Unset | None = UNSET,
        max_retries: int | None = None,
        retry: RetryPolicy | None = None,
        headers: HeaderTypes = None,
        hooks: Hooks | None = None,
    ) -> Self:
        """A cheap copy with other options. It shares connections, credentials and pacing with this client.

        Closing the copy leaves the connections open for this client.

        Args:
            timeout: seconds for one attempt.
            deadline: seconds for a whole call, or None.
            max_retries: tries after the first one.
            retry: how often and how patiently to try again.
            headers: sent with every call, beside those of this client.
            hooks: instead of those of this client.

        Returns:
            The copy.

        Examples:
            >>> patient = client.with_options(timeout=300, max_retries=8)
        """
        headers = concealed(headers)
        old = self._transport
        copy = object.__new__(type(self))
        copy._owns_pools = False
        copy._transport = AsyncTransport(
            copy,
            old.server,
            old.authorizer,
            old.pools,
            old.adapter,
            old.limiter,
            old.options.changed(
                timeout=timeout, deadline=deadline, retry=_policy(max_retries, retry), headers=headers, hooks=hooks
            ),
        )
        return copy

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: QueryTypes = None,
        json: object = UNSET,
        cast_to: type[T] | TypeAdapter[T],
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
        idempotency_key: str | None = None,
    ) -> T: ...

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: QueryTypes = None,
        json: object = UNSET,
        cast_to: None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
        idempotency_key: str | None = None,
    ) -> RawResponse: ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: QueryTypes = None,
        json: object = UNSET,
        cast_to: type[Any] | TypeAdapter[Any] | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Call an endpoint that this version does not know, with the same credential, retries and errors.

        Args:
            method: the HTTP method.
            path: below the base URL, such as `/migrations/mig_1`; or a link that the server gave, with `/v1`.
                Other servers are refused: the credential is not theirs.
            params: query members.
            json: the body.
            cast_to: what to make of the answer: a pydantic model or adapter, a type that pydantic reads, `bytes`,
                `str`; None for the raw answer.
            timeout: seconds for one attempt.
            headers: headers for this call only.
            idempotency_key: the key of an earlier POST whose outcome is unknown; made up when None.

        Returns:
            What `cast_to` makes of the answer.

        Raises:
            InvalidArgumentError: `path` leads to another server, or an argument is of a wrong kind. Nothing was sent.

        Examples:
            >>> answer = await client.request("GET", "/connections", params={"limit": 5})
            >>> print(answer.status_code, answer.json())
        """
        path, params, headers, json = concealed(path), concealed(params), concealed(headers), concealed(json)
        json = json if json is UNSET else encode_json(json)
        check_method(method)
        return await self._transport.call(
            RawResponse if cast_to is None else readable(cast_to),
            method.upper(),
            own_path(path, self._transport.server.origin, self._transport.server.prefix),
            params=params,
            json=json,
            timeout=timeout,
            headers=headers,
            idempotency_key=idempotency_key,
            extras=OWN_PATH,
        )

    def attach(self, obj: T) -> T:
        """Give an object that was unpickled or copied, and the objects in it, this client for their methods.

        Args:
            obj: the object, or a list of such.

        Returns:
            The object itself.

        Raises:
            ConfigurationError: the object belongs to the other kind of client, or has no methods that need one.

        Examples:
            >>> stored = pickle.dumps(connection)
            >>> connection = client.attach(pickle.loads(stored))
        """
        return attach(obj, self)

    async def aclose(self) -> None:
        """Close the connections. A client that you passed as `http_client`, and the connections of a copy, stay open.

        Examples:
            >>> await client.aclose()
        """
        if self._owns_pools:
            await self._transport.pools.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


# What `help(AsyncClient.__init__)` shows.
AsyncClient.__init__.__doc__ = AsyncClient.__doc__


def _policy(max_retries: int | None, retry: RetryPolicy | None) -> RetryPolicy | None:
    if max_retries is None:
        return retry
    if retry is not None:
        raise ConfigurationError("give either max_retries or retry, not both")
    return RetryPolicy(max_retries=max_retries)
