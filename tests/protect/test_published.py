"""What `--overwrite` and `--resume` may touch in folders that hold a result, and what a result in place is worth."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from tests.conftest import tree
from unlearnable import protect
from unlearnable.errors import CheckpointError, OutputError
from unlearnable.protect import publish
from unlearnable.protect.records import check, sha256_of
from unlearnable.storage import files


@pytest.fixture
def run(posts, tiny_path, tmp_path):
    """Protect the posts; with the output and the private folder."""

    def protect_posts(**options):
        return protect(
            posts,
            captions=posts / "posts.jsonl",
            output=tmp_path / "out",
            surrogate=(str(tiny_path),),
            **{"method": "random", **options},
        )

    return protect_posts


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def private(tmp_path):
    return tmp_path / "out.private"


def test_a_folder_that_cannot_be_written_stops_the_run_before_it_touches_the_result(run, out, private, monkeypatch):
    run()
    before, genuine = tree(out) | tree(private), files.check_writable

    def check_writable(folder):  # root may write a folder of mode 000
        if folder == out / "trip":
            raise OutputError(f"cannot write {folder}: Permission denied")
        genuine(folder)

    monkeypatch.setattr(files, "check_writable", check_writable)
    with pytest.raises(OutputError, match="trip: Permission denied"):
        run(overwrite=True)
    assert tree(out) | tree(private) == before


@pytest.fixture
def caseless(tmp_path, monkeypatch):
    """Below `tmp_path` a file is found by its name in any case, as on macOS and Windows."""
    names = os.listdir

    def there(path):
        if tmp_path not in Path(path).parents:
            return path
        found = tmp_path
        for part in Path(path).relative_to(tmp_path).parts:
            alike = [name for name in names(found) if name.casefold() == part.casefold()] if found.is_dir() else []
            found /= part if part in alike or not alike else alike[0]
        return found

    def patched(call, paths):
        def patch(*given, **options):
            return call(*(there(path) for path in given[:paths]), *given[paths:], **options)

        return patch

    monkeypatch.setattr(publish, "sha256_of", patched(sha256_of, 1))
    monkeypatch.setattr(publish, "_remove", patched(publish._remove, 1))
    monkeypatch.setattr(os.path, "lexists", patched(os.path.lexists, 1))


def test_names_of_another_case_are_the_same_file_where_case_does_not_count(run, posts, out, caseless):
    run()
    (posts / "p0.png").rename(posts / "P0.png")
    text = (posts / "posts.jsonl").read_text().replace("p0.png", "P0.png")
    (posts / "posts.jsonl").write_text(text)
    run(overwrite=True, seed=1)
    assert {"P0.png", "posts.jsonl"} < tree(out).keys()
    assert "p0.png" not in tree(out)
    assert check(out).problems == []


@pytest.mark.parametrize("place", ["out/thesis.txt", "out/new/thesis.txt", "out.private/thesis.txt"])
def test_overwrite_stops_at_a_file_of_the_users_and_touches_nothing(run, tmp_path, place):
    run()
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("dear")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=r"thesis\.txt") as caught:
        run(overwrite=True, seed=1)
    assert caught.value.exit_code == 5
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["p2.png", "posts.jsonl"])
def test_overwrite_stops_at_a_copy_that_was_changed_since(run, out, tmp_path, name):
    run()
    (out / name).write_bytes((out / name).read_bytes() + b" ")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=name):
        run(overwrite=True, seed=1)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["p2.png", "trip"])
def test_a_link_in_the_output_is_neither_followed_nor_replaced(run, out, tmp_path, name):
    run()
    shutil.move(out / name, tmp_path / "elsewhere")
    (out / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match=rf"out/{name}"):
        run(overwrite=True, seed=1)
    assert (tmp_path / "elsewhere").exists()


def test_nothing_is_written_to_the_originals_through_a_linked_folder_of_the_output(run, posts, out, monkeypatch):
    Image.open(posts / "trip" / "p7.png").save(posts / "trip" / "p7.bmp")
    (posts / "trip" / "p7.png").unlink()
    genuine = publish.put_in_place
    monkeypatch.setattr(publish, "put_in_place", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(publish, "put_in_place", genuine)
    out.mkdir()
    (out / "trip").symlink_to(posts / "trip")
    before = tree(posts)
    with pytest.raises(OutputError, match=rf"holds linked folders.*: {out / 'trip'}"):
        run(resume=True)
    assert tree(posts) == before
    (out / "trip").unlink()
    assert run(resume=True).protected == 8


def test_overwrite_replaces_what_is_ours_and_removes_what_is_gone(run, posts, out):
    (posts / "more").mkdir()
    for name in ("p5.png", "p6.png"):
        (posts / name).rename(posts / "more" / name)
    run()
    first = tree(out)
    for name in ("trip/p7.png", "more/p6.png"):
        (posts / name).unlink()
    run(overwrite=True, seed=1)
    assert not (out / "trip").exists()
    assert set(tree(out)) == set(first) - {"trip/p7.png", "more/p6.png"}
    assert all(first[name] != now for name, now in tree(out).items())


def test_the_old_result_stays_whole_until_the_new_one_is(run, out, private, monkeypatch):
    run()
    old, report = tree(out), (private / "report.json").read_bytes()
    monkeypatch.setattr(publish, "put_in_place", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(overwrite=True, seed=1)
    assert tree(out) == old
    assert (private / "report.json").read_bytes() == report


def _interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("after", [0, 5, 9, 10])
def test_a_swap_that_is_cut_short_anywhere_is_never_called_whole_and_is_resumed(
    run, out, private, tmp_path, monkeypatch, after
):
    run(seed=1)
    wanted = tree(out)
    shutil.rmtree(out)
    shutil.rmtree(private)
    run()
    genuine, calls = publish.place, []

    def link(*arguments):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        genuine(*arguments)

    monkeypatch.setattr(publish, "place", link)
    if after < 10:  # eight photos and two caption files
        with pytest.raises(KeyboardInterrupt):
            run(overwrite=True, seed=1)
        assert not (private / "report.json").exists()
        monkeypatch.setattr(publish, "place", genuine)
        report = run(resume=True, seed=1)
    else:
        report = run(overwrite=True, seed=1)
    assert report.protected == 8
    assert tree(out) == wanted
    assert not (private / "checkpoint").exists()


@pytest.mark.parametrize("options", [{"resume": True}, {"add": True}])
def test_a_result_that_was_moved_is_reported_where_it_is_now(run, posts, out, private, tiny_path, tmp_path, options):
    run()
    for folder in (out, private):
        folder.rename(folder.with_name(folder.name.replace("out", "moved")))
    given = {"captions": posts / "posts.jsonl", "surrogate": (str(tiny_path),), "method": "random", **options}
    report = protect(posts, output=tmp_path / "moved", **given)
    assert (report.output, report.private) == (str(tmp_path / "moved"), str(tmp_path / "moved.private"))
    assert not out.exists()


def test_a_private_folder_that_no_run_made_is_not_touched(run, out):
    private = out.with_name("out.private")
    (private / "scratch").mkdir(parents=True)
    for name in ("scratch/draft.txt", "lock", "notes.txt"):
        (private / name).write_text("dear")
    (private / "notes.txt").chmod(0o644)
    before = tree(private)
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(OutputError, match="is not the private folder of a run"):
            run(**options)
    assert tree(private) == before
    assert (private / "notes.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["p1.png", "posts.jsonl"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("my edit")])
def test_resume_of_a_result_that_is_damaged_is_refused_and_touches_nothing(run, out, tmp_path, name, damage):
    run()
    damage(out / name)
    before = tree(tmp_path)
    with pytest.raises(CheckpointError, match=name):
        run(resume=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("lost", ["report.json", "SHA256SUMS", "manifest.jsonl"])
def test_resume_of_a_result_of_which_a_record_is_lost_is_refused(run, private, tmp_path, lost):
    run()
    (private / lost).unlink()
    before = tree(tmp_path)
    with pytest.raises((CheckpointError, OutputError)):
        run(resume=True)
    assert tree(tmp_path) == before


def test_a_folder_without_its_private_one_is_not_written_to(run, out):
    out.mkdir()
    (out / "p0.png").write_bytes(b"a copy")
    for options in ({}, {"overwrite": True}, {"resume": True}, {"add": True}):
        with pytest.raises(OutputError):
            run(**options)
    assert tree(out) == {"p0.png": b"a copy"}


def test_no_model_is_looked_for_where_nothing_is_to_be_made(run, monkeypatch):
    run()
    sought = list[str]()
    monkeypatch.setattr("unlearnable.models.openclip.to_download", sought.append)
    with pytest.raises(OutputError, match="exists already"):
        run()
    assert run(resume=True).protected == 8
    assert sought == []


def test_a_file_of_the_users_that_turns_up_while_a_run_is_under_way_is_not_replaced(run, out, monkeypatch):
    genuine = publish.put_in_place

    def meanwhile(where):
        (out / "trip").mkdir(parents=True)
        (out / "trip" / "p7.png").write_text("dear")
        genuine(where)

    monkeypatch.setattr(publish, "put_in_place", meanwhile)
    with pytest.raises(OutputError, match=r"p7\.png"):
        run()
    assert (out / "trip" / "p7.png").read_text() == "dear"
    monkeypatch.setattr(publish, "put_in_place", genuine)
    (out / "trip" / "p7.png").unlink()
    assert run(resume=True).protected == 8


def test_a_stopped_run_is_bound_to_its_settings_before_its_first_checkpoint(run, monkeypatch):
    from unlearnable.protect import run as workflow

    monkeypatch.setattr(workflow, "optimise", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="stopped run"):
        run(resume=True, seed=1)


def test_sha256sum_reads_the_list(run, out, private):
    run()
    result = subprocess.run(
        ["sha256sum", "--check", "--strict", private / "SHA256SUMS"],
        cwd=out,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(": OK") == 10


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.sets(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=3),
        max_size=5,
    )
)
def test_a_list_of_sums_comes_back_as_it_was(sums):
    assert files.parse_sums(files.format_sums(sums)) == sums
