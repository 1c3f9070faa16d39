"""The script that writes requirements.lock."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import lock


@pytest.fixture
def written(tmp_path, monkeypatch):
    (tmp_path / "requirements.lock").write_text("before")
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    return tmp_path / "requirements.lock"


def test_versions_stay_where_new_ones_cannot_be_found(written, monkeypatch):
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError("uv")

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(FileNotFoundError):
        lock.main()
    assert written.read_text() == "before"


def test_new_versions_take_the_place_of_those_before(written, monkeypatch):
    def compile_(command: list[str], **_: object) -> None:
        made = Path(command[command.index("--output-file") + 1])
        assert not made.exists()  # uv goes by what is there
        made.write_text("after")

    monkeypatch.setattr(subprocess, "run", compile_)
    lock.main()
    assert written.read_text() == "after"
