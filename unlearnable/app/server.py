"""The server of the window: on this computer alone, behind a token; what it received is removed at the end."""

import hmac
import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from unlearnable.app.desk import Desk
from unlearnable.app.page import TITLE, draw
from unlearnable.errors import OutputError
from unlearnable.extras import require
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.report.pictures import thumbnail
from unlearnable.storage import files
from unlearnable.storage.folders import scratch_folder
from unlearnable.wording import grouped

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

REFUSED = "This address opens only by the link that unlearnable printed in the terminal.\n"
HEADERS = {
    "referrer-policy": "no-referrer",  # the token is in the address
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' ws://{host}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
OWN_SITE = frozenset({"same-origin", "none"})  # of Sec-Fetch-Site; none: typed, or opened by a program
FORBIDDEN = 403
EXTRA = "app"
HOST = "127.0.0.1"
SILENT = 60  # seconds that a busy page may be; one that is given up loads itself anew, and what still arrives is lost
KEPT = {"cache-control": "no-store"}  # no copy stays with the browser
GRACE = 2  # seconds that open connections have at the end
ENDING = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}


def serve(given: Mapping[str, Any], port: int, *, show: bool, say: Callable[[str], None]) -> None:
    """Serve the window until the user stops it.

    Args:
        given: settings of the runs; `output` is the folder that the window proposes.
        port: port to listen on; 0 for any that is free.
        show: whether to open the address in a browser.
        say: receives the address, which holds the token.

    Raises:
        ConfigError: the extra is not installed, or a setting does not fit.
        OutputError: the port is taken.
    """
    with suppress(KeyboardInterrupt), _scratch() as scratch:
        uvicorn, ui = _library(scratch)
        desk = Desk(scratch, given)
        with _listen(port) as listener:
            host, token = f"{HOST}:{listener.getsockname()[1]}", secrets.token_urlsafe(32)
            address = f"http://{host}/{token}/"
            application = Guard(_application(ui, desk, f"/{token}"), host, token)
            settings = uvicorn.Config(
                application, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE, server_header=False
            )
            server = uvicorn.Server(settings)
            say(address)
            if show:
                threading.Timer(1.0, webbrowser.open, (address,)).start()
            try:
                _run(server, listener)
            finally:
                desk.close()


def _application(ui: Any, desk: Desk, prefix: str) -> Any:
    """Return the application of FastAPI that has the page and its pictures."""
    application = require("fastapi", EXTRA).FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    responses: Any = require("fastapi.responses", EXTRA)

    def picture(number: int, kind: str) -> Any:
        path = desk.file(number, kind)
        with suppress(DecodeError):
            if path is not None and path.is_file():
                if kind in ("before", "after", "copy"):
                    return responses.FileResponse(path, headers=KEPT)
                return responses.Response(thumbnail(decode(path)), media_type="image/webp", headers=KEPT)
        return responses.Response(status_code=404)

    application.add_api_route(f"{prefix}/photos/{{number}}/{{kind}}", picture, response_model=None)
    require("nicegui", EXTRA).app.add_exception_handler(OSError, answer_to_full_disk)
    ui.page("/")(lambda: draw(ui, desk))
    ui.run_with(
        application,
        mount_path=prefix,
        title=TITLE,
        tailwind=False,
        show_welcome_message=False,
        language="en-US",
        reconnect_timeout=SILENT,
    )
    return application


async def answer_to_full_disk(_: Any, error: Exception) -> Any:
    """Return the answer to what could not be written for lack of space; the page says which file it was."""
    if files.full_disk(error) is None:
        raise error
    return require("fastapi.responses", EXTRA).Response(status_code=HTTPStatus.INSUFFICIENT_STORAGE)


def _library(scratch: Path) -> tuple[Any, Any]:
    """Import the extra; it leaves no files of its own in the user's folder, and says nothing of a slow machine."""
    os.environ["NICEGUI_STORAGE_PATH"] = str(scratch / "nicegui")
    ui = require("nicegui", EXTRA).ui
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    return require("uvicorn", EXTRA), ui


@contextmanager
def _scratch() -> Iterator[Path]:
    """Make a folder that only the user may read; all that is temporary goes there, uploads in transit too."""
    before = tempfile.tempdir
    with scratch_folder() as folder:
        try:
            (folder / "temporary").mkdir(mode=0o700)
            tempfile.tempdir = str(folder / "temporary")
            yield folder
        finally:
            tempfile.tempdir = before


def _listen(port: int) -> socket.socket:
    """Listen on this computer alone."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise OutputError(f"cannot listen on port {port}: {why}", hint="choose another `port`") from error


def _run(server: Any, listener: socket.socket) -> None:
    """Run the server until a signal asks it to end, also one that comes before uvicorn takes them or after it did.

    A second signal changes nothing: uvicorn would give up at once, and log what that breaks off. Where nohup ignores
    the end of the terminal, it stays ignored.
    """

    def end(*_: object) -> None:
        server.should_exit = True

    server.handle_exit = end
    before = {one: signal.signal(one, end) for one in ENDING if signal.getsignal(one) != signal.SIG_IGN}
    try:
        server.run(sockets=[listener])
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class Guard:
    """An application behind a token, for one host and one origin.

    Every path begins with the token, that of the web socket and of files too. A cookie in its place would be sent to
    the servers on all other ports. Refused besides, whatever they know: another host (DNS rebinding), another origin,
    and requests that another site caused.

    Args:
        inner: application to protect.
        host: its host and port, such as 127.0.0.1:8000.
        token: secret that opens it.
    """

    def __init__(self, inner: Application, host: str, token: str) -> None:
        self._inner, self._host, self._token = inner, host, token
        self._headers = [(name.encode(), value.replace("{host}", host).encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan" or self._may_pass(scope):
            await self._inner(scope, receive, self._with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # which the server answers by 403
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8"), *self._headers]
            await send({"type": "http.response.start", "status": FORBIDDEN, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSED.encode()})

    def _may_pass(self, scope: Message) -> bool:
        first = str(scope["path"]).split("/")[1:2]
        if not first or not hmac.compare_digest(first[0].encode(), self._token.encode()):
            return False
        headers, own = _by_name(scope), f"http://{self._host}"
        return (
            headers.get("host") == [self._host]
            and headers.get("origin", [own]) == [own]
            and OWN_SITE.issuperset(headers.get("sec-fetch-site", []))
        )

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *self._headers]}
            await send(message)

        return send_with_headers


def _by_name(scope: Message) -> Mapping[str, list[str]]:
    return grouped((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
