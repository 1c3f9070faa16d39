"""The server of the window as other programs on the computer see it."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.window import opened
from tests.cli.program import POSIX, call
from unlearnable.app.server import answer_to_full_disk

pytestmark = [pytest.mark.enable_socket, POSIX]


@pytest.fixture(scope="module")
def window(tmp_path_factory, tiny_path):
    with opened(tmp_path_factory.mktemp("window"), tiny_path) as running:
        yield running


@contextmanager
def hanging_up(how):
    """Let what is started here meet the end of its terminal so, however the tests themselves were started."""
    before = signal.signal(signal.SIGHUP, how)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def ask(window, path, *more, host=None):
    """The first line that is answered."""
    host = host or f"127.0.0.1:{window.port}"
    with socket.create_connection(("127.0.0.1", window.port), timeout=60) as connection:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(more or ["Connection: close"]), "", ""]
        connection.sendall("\r\n".join(lines).encode())
        return connection.makefile("rb").readline().decode().split(" ")[1]


UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
STATIC = "_nicegui/{version}/static/nicegui.js"
WS = "_nicegui_ws/socket.io/?EIO=4&transport=websocket"


def static(window):
    from importlib.metadata import version

    return STATIC.format(version=version("nicegui"))


def test_page_files_and_web_socket_open_with_the_token_alone(window):
    own = f"Origin: http://127.0.0.1:{window.port}"
    for path, more, opens in (("", (), "200"), (static(window), (), "200"), (WS, (*UPGRADE, own), "101")):
        assert ask(window, f"/{window.token}/{path}", *more) == opens
        assert ask(window, f"/{path}", *more) == "403"
        assert ask(window, f"/{window.token[:-1]}x/{path}", *more) == "403"
        assert ask(window, f"/{window.token}/{path}", *more, host="evil.example") == "403"
        assert ask(window, f"/{window.token}/{path}", *more[:-1], "Origin: https://evil.example") == "403"
    assert ask(window, f"/{window.token}/photos/0/received") == "404"
    assert ask(window, "/photos/0/received") == "403"


def test_nothing_listens_but_on_this_computer(window):
    for family, address in ((socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as connection, pytest.raises(OSError):  # noqa: PT011
            connection.connect((address, window.port))
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    rows = [row.split() for table in tables if table.exists() for row in table.read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{window.port:04X}")}
    assert not tables[0].exists() or listening == {f"0100007F:{window.port:04X}"}


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM])
def test_its_folder_is_private_and_removed_however_it_ends(tmp_path, tiny_path, how):
    with hanging_up(signal.SIG_DFL), opened(tmp_path, tiny_path) as window:
        folders = [path for path in window.temporary.rglob("*") if path.is_dir()]
        assert folders
        assert all(path.stat().st_mode & 0o077 == 0 for path in folders)
        assert ask(window, f"/{window.token}/") == "200"
        _, said = window.end(how)
        assert said == ""
        assert list(window.temporary.iterdir()) == []
        assert list(window.folder.iterdir()) == []


def test_under_nohup_it_outlives_its_terminal(tmp_path, tiny_path):
    with hanging_up(signal.SIG_IGN), opened(tmp_path, tiny_path) as window:
        window.process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            window.process.wait(2)
        assert ask(window, f"/{window.token}/") == "200"
        _, said = window.end(signal.SIGTERM)
        assert said == ""
        assert window.process.returncode == 0
        assert list(window.temporary.iterdir()) == []


def test_a_taken_port_is_said(window):
    ended = call("app", "--no-browser", "--port", window.port)
    assert ended.returncode == 5
    assert f"cannot listen on port {window.port}" in ended.stderr


def test_a_full_disk_is_answered_without_a_traceback():
    assert asyncio.run(answer_to_full_disk(None, OSError(28, "No space left on device"))).status_code == 507
    with pytest.raises(PermissionError):
        asyncio.run(answer_to_full_disk(None, PermissionError(13, "Permission denied")))


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    from importlib import import_module

    def missing(name):
        if name.partition(".")[0] in ("nicegui", "uvicorn", "fastapi"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_module(name)

    monkeypatch.setattr("unlearnable.extras.import_module", missing)
    ended = call("app", "--no-browser")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "error: nicegui is not installed",
        "hint: pip install 'unlearnable[app]'",
    ]
