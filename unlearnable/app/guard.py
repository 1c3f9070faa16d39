"""Who may talk to the server: the page that it opened itself, whose address holds the token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

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
