"""Two runs never write one result."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.program import PAUSING, POSIX
from tests.conftest import tree
from tests.forked import Forked
from tests.presets import presets_file
from unlearnable import protect
from unlearnable.errors import InputError, OutputError
from unlearnable.protect.layout import held, layout_of


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
def test_a_second_run_is_refused_that_holds_the_folders_and_touches_nothing(posts, at_once, tmp_path, options):
    if options:
        protect(posts, **at_once)
    before = tree(tmp_path / "photos-protected") if options else None
    with held(layout_of(posts, None)), pytest.raises(OutputError, match="another run is writing") as caught:
        protect(posts, **at_once, **options)
    assert caught.value.exit_code == 5
    if options:
        assert tree(tmp_path / "photos-protected") == before
    assert protect(posts, **at_once, **options).protected == 8


def test_a_run_that_is_refused_leaves_no_empty_folders_above_its_output(posts, at_once, tmp_path):
    (tmp_path / "kept").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for output in ("new/deep/out", "kept/deep/out", "kept/out"):
        with pytest.raises(InputError, match="leave none of 8 photos"):
            protect(posts, **at_once, only=("nothing",), output=tmp_path / output)
        assert sorted(tmp_path.rglob("*")) == before
    assert protect(posts, **at_once, output=tmp_path / "new" / "deep" / "out").protected == 8
    assert {path.name for path in (tmp_path / "new" / "deep").iterdir()} == {"out", "out.private"}


@POSIX
def test_a_killed_run_holds_nothing(posts, tiny_path, tmp_path):
    file = tmp_path / "quick.toml"
    presets_file(file, max_rounds=3)
    arguments = ["protect", str(posts), "--surrogate", str(tiny_path), "--config", str(file)]
    line = [sys.executable, "-u", "-c", PAUSING, "optimising", *arguments]
    with Forked(line, stderr=subprocess.PIPE, text=True) as process:
        assert any(said.startswith("optimising") for said in process.stderr)
        with pytest.raises(OutputError, match="another run is writing"):
            protect(posts, surrogate=(str(tiny_path),), method="random")
        process.kill()
    assert protect(posts, overwrite=True, surrogate=(str(tiny_path),), method="random").protected == 8
