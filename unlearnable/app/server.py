"""The server of the window: on this computer alone, behind a token; what it received is removed at the end."""

from __future__ import annotations

import math
import os
import secrets
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from unlearnable.app.desk import Desk
from unlearnable.app.guard import Guard
from unlearnable.app.page import TITLE, draw
from unlearnable.errors import OutputError, UnlearnableError
from unlearnable.extras import require
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.report.pictures import thumbnail
from unlearnable.storage import files
from unlearnable.storage.locks import scratch_folder

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
        with _listening(port) as listener:
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
    add_pictures(application, require("fastapi.responses", EXTRA), prefix, desk)
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


def add_pictures(application: Any, responses: Any, prefix: str, desk: Desk) -> None:
    """Add the addresses of pictures to an application.

    Args:
        application: the one of FastAPI.
        responses: its module of responses.
        prefix: what its paths begin with.
        desk: posts to show.
    """

    def answer(number: int, kind: str) -> Any:
        path = file_of(desk, number, kind)
        if path is None or not path.is_file():
            return responses.Response(status_code=404)
        if kind in ("before", "after", "copy"):
            return responses.FileResponse(path, headers=KEPT)
        try:
            return responses.Response(thumbnail(decode(path)), media_type="image/webp", headers=KEPT)
        except DecodeError:
            return responses.Response(status_code=404)

    application.add_api_route(f"{prefix}/photos/{{number}}/{{kind}}", answer, response_model=None)


def file_of(desk: Desk, number: int, kind: str) -> Path | None:
    """Return the file of a picture, by the number of its photo; None where there is none."""
    if kind == "received":
        return desk.original(number)
    if kind == "original" and 0 <= number < len(desk.posts):
        return desk.posts[number].original
    if kind in ("published", "copy"):
        known = desk.report is not None and 0 <= number < len(desk.copies)
        return Path(desk.report.output) / str(desk.copies[number].output) if desk.report and known else None
    if kind in ("before", "after"):
        try:
            before_and_after = desk.look(number)
        except UnlearnableError:  # shown again, with its reason, when the posts are written
            return None
        before, after = before_and_after or (None, None)
        return after if kind == "after" else before
    return None


async def answer_to_full_disk(_: Any, error: Exception) -> Any:
    """Return the answer to what could not be written for lack of space; the page says which file it was."""
    if files.full_disk(error) is None:
        raise error
    return require("fastapi.responses", EXTRA).Response(status_code=HTTPStatus.INSUFFICIENT_STORAGE)


def _library(scratch: Path) -> tuple[Any, Any]:
    """Import the extra; it leaves no files of its own in the user's folder, and says nothing of a slow machine."""
    os.environ["NICEGUI_STORAGE_PATH"] = str(scratch / "nicegui")
    ui = require("nicegui", EXTRA).ui
    binding: Any = require("nicegui.binding", EXTRA)
    binding.MAX_PROPAGATION_TIME = math.inf  # seconds above which it warns
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


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Listen on this computer alone.

    Raises:
        OutputError: the port is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        try:
            if os.name == "posix":  # elsewhere it would let another program listen too
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            raise OutputError(
                f"cannot listen on port {port}: {error.strerror}", hint="choose another `port`"
            ) from error
        yield listener


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
