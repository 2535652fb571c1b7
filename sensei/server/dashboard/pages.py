"""Serves the dashboard's files. They hold no data and no secrets, so that nobody needs a credential to load them."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

_FOLDER = Path(__file__).parent / "static"
_FILES = "/dashboard"
_METHODS = ["GET", "HEAD"]

# Not guessed: what a machine's registry says of .js decides whether a browser runs it.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        # Data can become text only: the browser refuses to parse strings as markup or code.
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Asked for again each time, so that page and modules are always of one version.
    "Cache-Control": "no-cache",
}


def add_dashboard(app: FastAPI) -> None:
    """Serve the page at ``/`` and its files below ``/dashboard/``."""
    files = StaticFiles(directory=_FOLDER)

    async def page(request: Request) -> Response:
        return await _file(files, request, "index.html")

    async def asset(request: Request) -> Response:
        return await _file(files, request, str(request.path_params["path"]))

    app.add_route("/", page, methods=_METHODS, include_in_schema=False)
    app.add_route(f"{_FILES}/{{path:path}}", asset, methods=_METHODS, include_in_schema=False)


async def _file(files: StaticFiles, request: Request, path: str) -> Response:
    if "\0" in path:  # which older releases of Starlette ask the file system for
        raise HTTPException(404)
    response = await files.get_response(path, request.scope)
    response.headers.update(_HEADERS)
    media_type = _MEDIA_TYPES.get(Path(path).suffix)
    if media_type is not None and "content-type" in response.headers:
        response.headers["Content-Type"] = media_type
    return response
