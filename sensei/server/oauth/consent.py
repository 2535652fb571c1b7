"""The page on which a person lets an application act for it. One self-contained HTML page, no scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

_MEANING = {
    "migrations": "migrations, plans, mappings, errors and logs",
    "connections": "connections, database structures and row previews",
    "validation": "validations, reports, rules and certificates",
    "webhooks": "webhooks and their deliveries",
    "admin": "keys, service accounts and audit records",
    "billing": "usage and invoices",
    "*": "everything in your organization",
}
_VERBS = {"read": "See", "write": "Change", "*": "See and change"}

_STYLE = """
:root { color-scheme: light dark; --ink: #16202b; --paper: #fff; --line: #d5dbe1; --accent: #1f5fbf; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --paper: #141a20; --line: #35404b; --accent: #7fb0f5; --bad: #f2948c; }
}
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 30rem; margin: 10vh auto; padding: 0 1.25rem; }
h1 { font-size: 1.35rem; line-height: 1.3; }
ul { padding-left: 1.2rem; }
code { font-size: .9em; opacity: .75; }
label { display: block; margin: 1.5rem 0 .35rem; font-weight: 600; }
input { width: 100%; box-sizing: border-box; padding: .6rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .4rem; }
.actions { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1; padding: .65rem; font: inherit; border: 1px solid var(--line); border-radius: .4rem; cursor: pointer;
  color: inherit; background: transparent; }
button[value=allow] { color: var(--paper); background: var(--accent); border-color: var(--accent); }
:is(input, button):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { color: var(--bad); font-weight: 600; }
.small { font-size: .875rem; opacity: .8; overflow-wrap: anywhere; }
"""


def consent_page(
    *,
    application: str,
    scopes: Sequence[str],
    environment: str,
    redirect_uri: str,
    fields: Mapping[str, str],
    problem: str,
) -> str:
    """The question: may the application do this? `problem` says why an earlier answer was not taken."""
    asked = "".join(f"<li>{escape(_sentence(scope))} <code>{escape(scope)}</code></li>" for scope in scopes)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    alert = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return _page(
        f"{application} asks for access",
        f"""<h1><strong>{escape(application)}</strong> asks for access to your {escape(environment)} environment</h1>
<p>It would be able to:</p><ul>{asked}</ul>{alert}
<form method="post" action="/oauth/authorize">{hidden}
<label for="api_key">Your API key, to show that it is you</label>
<input id="api_key" name="api_key" type="password" autocomplete="off" spellcheck="false" autofocus>
<p class="small">The key stays here; the application gets tokens of its own, which end when the key does.</p>
<div class="actions"><button name="decision" value="deny">Deny</button>
<button name="decision" value="allow">Allow</button></div>
</form><p class="small">The answer goes to {escape(redirect_uri)}</p>""",
    )


def error_page(message: str) -> str:
    """What a person sees when the application's request cannot even be answered to it."""
    return _page("This link does not work", f"<h1>This link does not work</h1><p>{escape(message)}</p>")


def security_headers(redirect_uri: str | None = None) -> dict[str, str]:
    """Headers of both pages: nothing from outside, no framing, the form only to here and on to the application."""
    # Browsers apply form-action to the redirect after the form as well.
    target = f" {_origin(redirect_uri)}" if redirect_uri is not None else ""
    return {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self'{target}"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def redirect_to(redirect_uri: str, answer: Mapping[str, str]) -> str:
    """The redirect URI with the answer added to its query."""
    parts = urlsplit(redirect_uri)
    query = "&".join(part for part in (parts.query, urlencode(answer)) if part)
    return urlunsplit(parts._replace(query=query))


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def _sentence(scope: str) -> str:
    if scope == "*":
        return f"See and change {_MEANING['*']}"
    resource, _, verb = scope.partition(":")
    return f"{_VERBS.get(verb, verb)} {_MEANING.get(resource, resource)}"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
