"""The guard of the window: one host, one origin, one token, for pages, files and the web socket."""

from __future__ import annotations

import pytest

from unlearnable.app.server import Guard

HOST, TOKEN = "127.0.0.1:5000", "s3cret"
OWN = {"host": HOST}


def ask(path, headers, kind="http"):
    """Whether a request got to what is guarded, and what was answered."""
    reached, sent = [], []

    async def inner(scope, receive, send):
        reached.append(scope["path"])
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    pairs = headers if isinstance(headers, list) else headers.items()
    scope = {"type": kind, "path": path, "headers": [(name.encode(), value.encode()) for name, value in pairs]}
    call = Guard(inner, HOST, TOKEN)(scope, receive, send)
    with pytest.raises(StopIteration):
        call.send(None)
    return bool(reached), sent


@pytest.mark.parametrize(
    "headers",
    [
        OWN,
        {**OWN, "sec-fetch-site": "same-origin", "origin": f"http://{HOST}"},
        {**OWN, "sec-fetch-site": "none"},
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("path", [f"/{TOKEN}/", f"/{TOKEN}/photos/0/copy", f"/{TOKEN}/_nicegui_ws/socket.io/"])
def test_the_own_page_passes(path, kind, headers):
    assert ask(path, headers, kind)[0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "evil.example"},
        {"host": "localhost:5000"},
        {"host": "127.0.0.1:5001"},
        [("host", HOST), ("host", "evil.example")],
        {**OWN, "origin": "https://evil.example"},
        {**OWN, "origin": "null"},
        {**OWN, "origin": "http://127.0.0.1:5001"},
        {**OWN, "sec-fetch-site": "cross-site"},
        {**OWN, "sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_foreign_hosts_and_other_origins_are_refused_though_they_know_the_token(kind, headers):
    reached, sent = ask(f"/{TOKEN}/", headers, kind)
    assert not reached
    assert sent[0] == {"type": "websocket.close"} if kind == "websocket" else sent[0]["status"] == 403


@pytest.mark.parametrize(
    "path",
    ["/", "", "/wrong/", "/s3cre/", "/s3crett/", "/S3CRET/", "//s3cret/", "/photos/0/copy", "/favicon.ico", "/é/",
     "/_nicegui/x/static/nicegui.js", "/_nicegui_ws/socket.io/"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_nothing_opens_without_the_token(path, kind):
    reached, sent = ask(path, OWN, kind)
    assert not reached
    assert TOKEN not in str(sent)


def test_what_is_answered_loads_nothing_from_elsewhere_and_tells_nobody_the_address():
    for path in (f"/{TOKEN}/", "/"):
        headers = dict(ask(path, OWN)[1][0]["headers"])
        policy = headers[b"content-security-policy"].decode()
        assert policy.startswith("default-src 'none'")
        assert "http:" not in policy
        assert "https:" not in policy
        assert "*" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers[b"referrer-policy"] == b"no-referrer"
        assert headers[b"cross-origin-resource-policy"] == b"same-origin"


def test_the_start_and_the_end_of_the_server_pass():
    assert ask("", [], "lifespan")[0]
