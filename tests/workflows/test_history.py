"""The history tells a flipped bit: what is damaged is passed over with a note, and costs nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.program import call
from tests.workflows.conftest import QUICK
from unlearnable import protect
from unlearnable.errors import InputError, OutputError
from unlearnable.workflows import history

HASHES = [f"{number:064x}" for number in range(4)]
COPIES = [
    history.MadeCopy(one, f"{number:016x}", Path(f"/out/{number}.png"), Path(f"/in/{number}.png"), one, "2026-01-31")
    for number, one in enumerate(HASHES)
]


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    path.write_bytes(data)


@pytest.fixture
def remembered(tmp_path):
    for folder in ("photos", "photos-protected"):
        (tmp_path / folder).mkdir()
    history.remember(tmp_path / "photos", None, tmp_path / "photos-protected", HASHES, COPIES)
    return tmp_path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bit=st.integers(0, 2**20))
@pytest.mark.parametrize("name", [history.MADE, history.COPIES])
def test_a_flipped_bit_costs_what_it_hits_and_is_said(state_folder, remembered, name, bit):
    path = state_folder / name
    before = path.read_bytes()
    notes: list[str] = []
    flip(path, bit)
    known = {
        history.MADE: history.known_protected_hashes,
        history.COPIES: lambda note: {copy.sha256 for copy in history.known_copies(note) if copy in COPIES},
    }[name](notes.append)
    path.write_bytes(before)
    assert known < set(HASHES)
    assert len(known) >= len(HASHES) - 2  # a line feed that is lost makes one line of two
    assert [note for note in notes if str(path) in note and "damaged" in note] == notes != []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bit=st.integers(0, 2**20))
def test_the_last_run_is_what_it_was_or_is_said_to_be_damaged(state_folder, remembered, bit):
    path = state_folder / history.LAST
    before = path.read_bytes()
    notes: list[str] = []
    whole = history.pair_to_verify(None, notes.append)
    assert notes == []
    flip(path, bit)
    try:
        assert history.pair_to_verify(None, notes.append) == whole
    except InputError:  # it looks for a pair in the current folder then
        assert [note for note in notes if str(path) in note] == notes != []
    finally:
        path.write_bytes(before)


def test_files_of_earlier_versions_are_read_and_get_checksums(state_folder, remembered):
    def rows(name: str) -> list[dict[str, str]]:
        return list(map(json.loads, (state_folder / name).read_text().splitlines()))

    (state_folder / history.MADE).write_text("".join(f"{one}\n" for one in HASHES))
    for name in (history.COPIES, history.LAST):
        old = [{key: value for key, value in row.items() if key != "sha256_of_rest"} for row in rows(name)]
        (state_folder / name).write_text("".join(json.dumps(row) + "\n" for row in old))
    notes: list[str] = []
    assert history.pair_to_verify(None, notes.append).originals == remembered / "photos"
    assert history.known_protected_hashes(notes.append) == set(HASHES)
    assert history.known_copies(notes.append) == COPIES
    assert notes == []
    history.remember(remembered / "photos", None, remembered / "photos-protected", [])
    assert history.known_protected_hashes(print) == set(HASHES)
    assert history.known_copies(print) == COPIES
    assert all(len(line) == 130 for line in (state_folder / history.MADE).read_text().splitlines())
    assert all("sha256_of_rest" in row for name in (history.COPIES, history.LAST) for row in rows(name))


def test_a_copy_that_is_made_again_lies_where_it_does_now_since_the_day_it_was_first_made(remembered):
    again = COPIES[1]._replace(path=Path("/moved/1.png"), original=Path("/there/1.png"), made="2026-03-01")
    history.remember(remembered / "photos", None, remembered / "photos-protected", [], [again])
    assert history.known_copies(print) == [COPIES[0], again._replace(made="2026-01-31"), *COPIES[2:]]


def test_a_folder_in_place_of_a_file_is_said_and_never_written_over(state_folder, remembered):
    path = state_folder / history.MADE
    notes: list[str] = []
    path.unlink()
    path.mkdir()
    assert history.known_protected_hashes(notes.append) == set()
    assert [note for note in notes if note.startswith(f"cannot read {path}")] == notes != []
    with pytest.raises(OutputError):
        history.remember(remembered, None, remembered, [])
    assert path.is_dir()


def test_protect_and_verify_say_what_is_damaged_and_go_on(posts, tiny_path, state_folder, tmp_path):
    protect(posts, surrogate=(str(tiny_path),), **QUICK)
    for name in (history.MADE, history.LAST):
        flip(state_folder / name, 4)
    ended = call("verify", posts, "--victims", tiny_path, "--epochs", "1", cwd=tmp_path)
    assert f"{state_folder / history.LAST} is damaged: the last run is not known" in ended.stderr
    assert f"{state_folder / history.MADE} has 1 damaged line;" in ended.stderr
    assert ended.returncode == 0


def test_a_last_run_that_cannot_be_read_is_not_called_damaged(state_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (state_folder / history.LAST).mkdir(parents=True)
    notes: list[str] = []
    with pytest.raises(InputError):
        history.pair_to_verify(None, notes.append)
    assert notes == [f"cannot read {state_folder / history.LAST}: Is a directory; the last run is not known"]
