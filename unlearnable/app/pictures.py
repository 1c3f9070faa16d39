"""The pictures of the page: small ones of any photo, and files at full size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnable.app.desk import Desk
from unlearnable.errors import UnlearnableError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.report.pictures import thumbnail

KEPT = {"cache-control": "no-store"}  # no copy stays with the browser


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
    if kind == "drafted" and 0 <= number < len(desk.posts):
        return desk.posts[number].original
    if kind in ("published", "copy"):
        copies = desk.copies()
        return copies[number][0] if 0 <= number < len(copies) else None
    if kind in ("before", "after"):
        try:
            before_and_after = desk.look(number)
        except UnlearnableError:  # shown again, with its reason, when the posts are written
            return None
        before, after = before_and_after or (None, None)
        return after if kind == "after" else before
    return None
