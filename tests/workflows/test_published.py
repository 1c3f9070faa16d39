"""What `--overwrite` and `--resume` may touch in folders that hold a result, and what a result in place is worth."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import Told, picture, tree
from unlearnable import protect
from unlearnable.config import ProtectSettings, resolve_as
from unlearnable.disk import checksums, limits
from unlearnable.errors import CheckpointError, OutputError
from unlearnable.protect import publish
from unlearnable.protect.check import check
from unlearnable.protect.dry_run import plan
from unlearnable.protect.layout import layout_of


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
    before, genuine = tree(out) | tree(private), limits.check_writable

    def check_writable(folder):  # root may write a folder of mode 000
        if folder == out / "trip":
            raise OutputError(f"cannot write {folder}: Permission denied")
        genuine(folder)

    monkeypatch.setattr(limits, "check_writable", check_writable)
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

    monkeypatch.setattr(publish, "sha256_of", patched(publish.sha256_of, 1))
    monkeypatch.setattr(publish, "remove", patched(publish.remove, 1))
    monkeypatch.setattr(os.path, "lexists", patched(os.path.lexists, 1))


@pytest.mark.parametrize("seed", [0, 1])
def test_names_of_another_case_are_the_same_file_where_case_does_not_count(run, posts, out, caseless, seed):
    run()
    (posts / "p0.png").rename(posts / "P0.png")
    text = (posts / "posts.jsonl").read_text().replace("p0.png", "P0.png")
    (posts / "posts.jsonl").write_text(text)
    run(overwrite=True, seed=seed)
    assert {"P0.png", "posts.jsonl"} < tree(out).keys()
    assert "p0.png" not in tree(out)
    assert check(out).problems == []


@pytest.mark.parametrize(
    "place", ["out/thesis.txt", "out/trip/thesis.txt", "out.private/thesis.txt", "out/new/thesis.txt"]
)
def test_overwrite_stops_at_a_file_of_the_users_and_touches_nothing(run, tmp_path, place):
    run()
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("dear")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=r"thesis\.txt") as caught:
        run(overwrite=True, seed=1)
    assert caught.value.exit_code == 5
    assert tree(tmp_path) == before


@pytest.mark.parametrize("way", [{"overwrite": True, "seed": 1}, {"resume": True}, {"add": True}, {}])
@pytest.mark.parametrize("place", ["checkpoint/thesis.txt", "earlier/drafts/thesis.txt", "scratch/thesis.txt"])
def test_a_file_of_the_users_where_runs_remove_what_lies_there_stops_each(run, private, tmp_path, place, way):
    run()
    (private / place).parent.mkdir(parents=True)
    (private / place).write_text("dear")
    (private / place).with_name(".DS_Store").write_text("of a system")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=r"thesis\.txt was not made by this program") as caught:
        run(**way)
    assert caught.value.hint == "move it elsewhere"
    assert tree(tmp_path) == before
    (private / place).unlink()
    assert run(overwrite=True).protected == 8


@pytest.mark.parametrize("name", ["p2.png", "posts.jsonl", "metadata.jsonl"])
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


@pytest.mark.parametrize("link", ["staged/trip", "staged/.p0.partial.png", "noise.i8"])
def test_nothing_is_written_through_a_link_in_what_a_stopped_run_left(run, out, private, tmp_path, monkeypatch, link):
    with monkeypatch.context() as patch:
        patch.setattr(publish, "put_in_place", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            run()
    progress, elsewhere = private / "checkpoint", tmp_path / "elsewhere"
    (progress / "staged" / "p0.png").unlink()
    if (progress / link).exists():
        shutil.move(progress / link, elsewhere)
    if link == "noise.i8":
        (progress / "state.pt").unlink()
    elif elsewhere.is_dir():
        (elsewhere / "p7.png").write_text("dear")
    else:
        elsewhere.write_text("dear")
    (progress / link).symlink_to(elsewhere)
    before = tree(elsewhere) or elsewhere.read_bytes()
    assert run(resume=True).protected == 8
    assert (tree(elsewhere) or elsewhere.read_bytes()) == before
    assert check(out).problems == []


@pytest.mark.parametrize("way", ["resume", "overwrite"])
def test_a_folder_that_the_one_of_a_stopped_run_is_a_link_to_is_left_alone(run, out, private, tmp_path, way):
    run()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    (private / "checkpoint").symlink_to(tmp_path / "letters")
    if way == "resume":
        (out / "p1.png").unlink()
    with pytest.raises(OutputError, match=r"checkpoint is a link, which nothing is written through"):
        run(**{way: True})
    assert tree(tmp_path / "letters") == {"dear.txt": b"dear"}


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


def test_a_copy_that_the_user_changes_while_a_run_without_it_is_under_way_stays(run, posts, out, monkeypatch):
    run()
    (posts / "trip" / "p7.png").unlink()
    genuine = publish.put_in_place

    def meanwhile(where):
        (out / "trip" / "p7.png").write_text("dear")
        genuine(where)

    monkeypatch.setattr(publish, "put_in_place", meanwhile)
    assert run(overwrite=True).protected == 7
    assert (out / "trip" / "p7.png").read_text() == "dear"


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


@pytest.mark.parametrize("after", [0, 1, 7, 8, 9, 10])
def test_a_swap_that_is_cut_short_anywhere_is_never_called_whole_and_is_resumed(
    run, out, private, tmp_path, monkeypatch, after
):
    run(seed=1)
    wanted = tree(out)
    shutil.rmtree(out)
    shutil.rmtree(private)
    run()
    genuine, calls = publish._link, []

    def link(*arguments):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        genuine(*arguments)

    monkeypatch.setattr(publish, "_link", link)
    if after < 10:  # eight photos and two caption files
        with pytest.raises(KeyboardInterrupt):
            run(overwrite=True, seed=1)
        assert not (private / "report.json").exists()
        monkeypatch.setattr(publish, "_link", genuine)
        report = run(resume=True, seed=1)
    else:
        report = run(overwrite=True, seed=1)
    assert report.protected == 8
    assert tree(out) == wanted
    assert not (private / "checkpoint").exists()


def test_after_a_swap_that_was_cut_short_overwrite_knows_its_own_files(run, out, monkeypatch):
    run()
    genuine, calls = publish._link, []

    def link(*arguments):
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        genuine(*arguments)

    monkeypatch.setattr(publish, "_link", link)
    with pytest.raises(KeyboardInterrupt):
        run(overwrite=True, seed=1)
    monkeypatch.setattr(publish, "_link", genuine)
    assert run(overwrite=True, seed=2).protected == 8


@pytest.mark.parametrize("lost", [["p1.png"], ["p1.png", "metadata.jsonl"], None])
def test_resume_makes_again_what_is_missing(run, out, lost):
    report = run()
    whole = tree(out)
    for name in lost or whole:
        (out / name).unlink()
    again = run(resume=True)
    assert tree(out) == whole
    assert again.model_copy(update={"seconds": report.seconds}) == report


def test_resume_refuses_to_replace_what_the_user_changed(run, out):
    run()
    whole = tree(out)
    (out / "posts.jsonl").write_text("my long edit")
    (out / "p1.png").unlink()
    with pytest.raises(OutputError, match=r"posts\.jsonl"):
        run(resume=True)
    assert (out / "posts.jsonl").read_text() == "my long edit"
    (out / "posts.jsonl").unlink()
    run(resume=True)
    assert tree(out) == whole


def test_what_is_lost_is_made_again_though_photos_came_since_which_are_added_then(run, posts, out):
    run()
    whole = tree(out)
    (out / "p1.png").unlink()
    Image.fromarray(picture(50)).save(posts / "new.png")
    with (posts / "posts.jsonl").open("a") as file:
        file.write('{"image": "new.png", "caption": "a new day"}\n')
    with pytest.raises(CheckpointError, match=r"p1\.png .*, so nothing is added") as caught:
        run(add=True)
    assert caught.value.hint.startswith("make it again with resume=True")
    told = Told()
    assert run(resume=True, progress=told).protected == 8
    assert "new.png was not in this run: use add=True afterwards to protect it" in told.notes
    assert tree(out) == whole
    assert run(add=True).added == 1
    assert tree(out).items() >= {name: data for name, data in whole.items() if name.endswith(".png")}.items()
    (out / "p1.png").unlink()
    with pytest.raises(CheckpointError, match=r"p1\.png of the earlier run is missing") as caught:
        run(add=True)
    assert "resume" not in caught.value.hint, "what was added to cannot be made again"


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: Image.new("RGB", (64, 64)).save(path)])
def test_resume_makes_nothing_anew_where_a_copy_is_lost_and_a_photo_is_not_as_it_was(run, posts, out, private, change):
    run()
    (out / "p1.png").unlink()
    shutil.copy(posts / "p2.png", posts.parent)
    change(posts / "p2.png")
    before = tree(out) | tree(private)
    with pytest.raises(CheckpointError, match=r"p2\.png has changed or is gone .*p1\.png cannot be made again"):
        run(resume=True)
    assert tree(out) | tree(private) == before, "the copy of a photo that is gone went too"
    shutil.move(posts.parent / "p2.png", posts / "p2.png")
    assert run(resume=True).protected == 8


def test_resume_moves_nothing_out_of_a_folder_that_is_linked(run, posts, out, private):
    run()
    shutil.rmtree(out / "trip")
    (out / "trip").symlink_to(posts / "trip")
    before = tree(posts) | tree(private)
    with pytest.raises(OutputError):
        run(resume=True)
    assert tree(posts) | tree(private) == before, "an original was moved"
    (out / "trip").unlink()
    assert run(resume=True).protected == 8


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
        with pytest.raises(OutputError, match="was not made by this program"):
            run(**options)
    assert tree(private) == before
    assert (private / "notes.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report.json", '{"passed": 12, "run": "nightly"}'),
        ("report.json", "[" * 100_000),
        ("run.toml", 'seed = 3\nmethod = "adam"\n'),
        ("manifest.jsonl", '{"audio": "a.wav", "source": "tape"}\n'),
        ("lock.holder", "Ada"),
        ("lock", "Ada"),
        ("checkpoint/state.pt", "weights"),
        ("checkpoint/key", "-----BEGIN KEY-----"),
        ("earlier/report.json", "{}"),
    ],
)
def test_a_private_folder_of_another_program_is_told_by_what_its_files_hold(run, out, private, name, text):
    (private / name).parent.mkdir(parents=True)
    (private / name).write_text(text)
    with pytest.raises(OutputError, match=f"there is no earlier result in {out} to add to"):
        run(add=True)
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(OutputError, match=rf"{private} was not made by this program") as caught:
            run(**options)
        assert caught.value.hint == "remove it or choose another output"
        assert tree(private) == {name: text.encode()}
    assert not out.exists()


@pytest.mark.parametrize("kept", ["report.json", "run.toml", "manifest.jsonl"])
def test_one_record_that_is_left_tells_whose_a_private_folder_is(run, out, private, kept):
    run()
    for path in private.iterdir():
        if path.name != kept:
            path.unlink()
    with pytest.raises(OutputError, match="exists already"):
        run()
    with pytest.raises(OutputError, match="holds files that this program did not make"):
        run(overwrite=True)
    shutil.rmtree(out)
    assert run(overwrite=True).protected == 8


def test_a_result_whose_private_folder_is_lost_says_what_to_do(run, out):
    out.mkdir()
    (out / "p0.png").write_bytes(b"a copy")
    private = out.with_name("out.private")
    with pytest.raises(OutputError, match=f"{out} was not made by this program, or {private}, .* is lost") as caught:
        run(overwrite=True)
    assert caught.value.hint == f"put that back, remove {out}, or choose another output"
    for options, hint in (({}, "choose another output"), ({"add": True}, f"put {private} back, if it is lost, or cho")):
        with pytest.raises(OutputError) as caught:
            run(**options)
        assert caught.value.hint.startswith(hint), "it led to a call that is refused as well"
    assert tree(out) == {"p0.png": b"a copy"}
    assert not private.exists()


def test_a_result_whose_settings_are_lost_can_be_replaced_and_says_what_is_missing(run, out, private):
    run()
    settings = private / "run.toml"
    settings.unlink()
    with pytest.raises(CheckpointError, match=f"^{settings} of the earlier run cannot be read") as caught:
        run(add=True)
    assert "overwrite" in caught.value.hint
    run(overwrite=True)
    assert settings.is_file()


def test_resume_of_a_result_whose_report_is_none_says_so(run, out, private):
    run()
    (private / "report.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"report\.json is of another version, or damaged"):
        run(resume=True)


def test_resume_of_a_result_whose_report_is_lost_protects_nothing_anew(run, posts, out, private, monkeypatch, quick):
    from unlearnable.protect import run as workflow

    whole = run().model_dump_json(indent=2) + "\n"
    (private / "report.json").unlink()
    before = tree(out) | tree(private)
    with monkeypatch.context() as patch:
        patch.setattr(workflow, "optimise", lambda *_: pytest.fail("all was protected anew"))
        with pytest.raises(CheckpointError, match=r"report\.json of the finished run is gone, so nothing") as caught:
            run(resume=True)
    assert caught.value.hint == "restore it from a backup, or protect all anew with overwrite=True"
    settings = resolve_as(ProtectSettings, {"photos": posts, "captions": posts / "posts.jsonl", "output": out, **quick})
    assert "report.json of the finished run is gone" in plan(settings, resume=True).refused
    assert tree(out) | tree(private) == before
    (private / "report.json").write_text(whole)
    assert run(resume=True).protected == 8


@pytest.mark.parametrize("how", ["gone", "emptied"])
@pytest.mark.parametrize("record", ["manifest.jsonl", "SHA256SUMS"])
def test_resume_of_a_result_of_which_a_list_is_lost_says_so_with_a_remedy_that_works(run, out, private, record, how):
    run()
    if how == "gone":
        (private / record).unlink()
    else:
        (private / record).write_text("")
    before = tree(out) | tree(private)
    with pytest.raises(CheckpointError, match=f"^{private / record} .*(is gone|is damaged.* lists 0 files.* 8 photos)"):
        run(resume=True)
    assert tree(out) | tree(private) == before
    if record == "SHA256SUMS":
        out.rename(out.with_name("elsewhere"))
    assert run(overwrite=True).protected == 8


def test_what_was_being_made_again_when_it_was_killed_is_resumed(run, out, private, monkeypatch):
    from unlearnable.protect import run as workflow

    run()
    whole = tree(out)
    (out / "p1.png").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(workflow, "load_all", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(resume=True)
    assert run(resume=True).protected == 8
    assert tree(out) == whole


def test_no_model_is_looked_for_where_nothing_is_to_be_made(run, monkeypatch):
    run()
    sought = list[str]()
    monkeypatch.setattr("unlearnable.models.fetching.to_download", sought.append)
    with pytest.raises(OutputError, match="exists already"):
        run()
    assert run(resume=True).protected == 8
    assert sought == []


def test_resume_of_a_whole_result_leaves_the_users_files_alone(run, out):
    run()
    (out / "thesis.txt").write_text("dear")
    (out / "trip" / "mine.jpg").write_text("dear")
    before = tree(out)
    assert run(resume=True).notes[0].startswith(f"{out} holds trip/mine.jpg, which this program did not write")
    assert tree(out) == before


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


@pytest.mark.parametrize("sign", ["lock", "manifest.jsonl"])  # of a run under way, and of one that is over
def test_a_folder_is_not_published_once_another_run_keeps_private_files_in_it(run, out, monkeypatch, sign):
    put = publish.put_in_place

    def put_in_place(layout):
        (out / "in.private").mkdir(parents=True)
        (out / "in.private" / sign).touch()
        put(layout)

    monkeypatch.setattr(publish, "put_in_place", put_in_place)
    with pytest.raises(OutputError, match=r"in\.private"):
        run()
    assert tree(out).keys() == {f"in.private/{sign}"}
    shutil.rmtree(out / "in.private")
    monkeypatch.undo()
    assert run(resume=True).protected == 8


def test_a_stopped_run_is_bound_to_its_settings_before_its_first_checkpoint(run, monkeypatch):
    from unlearnable.protect import run as workflow

    monkeypatch.setattr(workflow, "optimise", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="stopped run"):
        run(resume=True, seed=1)


def test_copies_are_made_where_a_file_system_has_no_second_names(run, out, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    run()
    assert len(tree(out)) == 10


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


def test_a_forged_list_does_not_lead_out_of_the_folder(run, posts, out, private, tmp_path):
    run()
    victim = tmp_path / "victim.txt"
    victim.write_text("dear")
    with (private / "SHA256SUMS").open("a") as sums:
        sums.write(f"{checksums.sha256(victim)}  ../victim.txt\n{checksums.sha256(victim)}  {victim}\n")
    run(overwrite=True, seed=1)
    assert victim.read_text() == "dear"
    assert set(publish.read_sums(layout_of(posts, out))) == set(tree(out))


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.sets(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=3),
        max_size=5,
    )
)
def test_a_list_of_sums_comes_back_as_it_was(sums):
    assert checksums.parse_sums(checksums.format_sums(sums)) == sums
