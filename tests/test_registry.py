"""Registries: mappings whose rows are imported when they are used, and what installed packages may add to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import pytest

from unlearnable.benchmarks import SUITES
from unlearnable.cli.app import main
from unlearnable.datasets.formats import FORMATS
from unlearnable.errors import ConfigError, UnknownName
from unlearnable.methods import METHODS
from unlearnable.methods.mem import MEM
from unlearnable.registry import Registry, Row, _code_of, did_you_mean
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.verify.attacks import ATTACKS, catalogue

ASKED = pytest.mark.skipif(sys.version_info >= (3, 12), reason="isinstance asks no property for its value there")
REGISTRIES = (METHODS, FORMATS, ATTACKS, ATTACKERS, SUITES)


@runtime_checkable
class Named(Protocol):
    name: str


class Good:
    name = "good"


GOOD = Good()
BASE = f"{__name__}:Named"
TARGETS = {"good": f"{__name__}:GOOD", "nameless": "json:dumps", "absent": "no.such.module:X"}


def registry(*names, **options):
    rows = {name: Row(TARGETS[name], f"What {name} does.") for name in names}
    return Registry("thing", rows, **{"base": BASE, **options})


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package that adds rows to a registry: name -> target."""

    def write(kind="thing", package="plugin-pack", **targets):
        info = tmp_path / f"{package.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        rows = "".join(f"{name} = {target}\n" for name, target in targets.items())
        (info / "entry_points.txt").write_text(f"[unlearnable.{kind}]\n{rows}")
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    return write


@pytest.mark.parametrize("rows", REGISTRIES, ids=lambda rows: rows.kind)
class TestEveryRegistry:
    def test_all_rows_can_be_used(self, rows):
        assert dict(rows) == {name: rows[name] for name in rows}
        assert dict(rows.loadable()) == dict(rows)

    def test_every_row_has_a_summary_of_a_sentence(self, rows):
        assert all(rows.summary(name).endswith((".", ")")) for name in rows)

    def test_it_is_a_mapping(self, rows):
        assert isinstance(rows, Mapping)
        assert len(rows) == len(list(rows)) == len(set(rows)) > 0
        assert all(name in rows for name in rows)
        assert "no such name" not in rows
        assert None not in rows
        assert rows.get("no such name") is None
        assert rows.get("no such name", 3) == 3
        with pytest.raises(KeyError):
            rows["no such name"]


def test_a_wrong_name_gets_a_proposal():
    with pytest.raises(ConfigError, match="no method is called 'men'") as caught:
        METHODS["men"]
    assert "mem" in caught.value.hint


def test_a_name_that_is_like_no_other_gets_all_of_them():
    with pytest.raises(UnknownName) as caught:
        registry("good", "absent").summary("zzz")
    assert caught.value.hint == "there are: absent, good"
    assert did_you_mean("zzz", ["good", "absent", "good"]) == "there are: absent, good"
    assert did_you_mean("zzz", ["good"], "unlearnable list models") == "unlearnable list models lists all"
    with pytest.raises(UnknownName, match="no thing is called None"):
        registry("good")[None]


def test_the_message_of_a_wrong_name_is_printed_without_quotes_and_the_exit_code_is_2(posts, monkeypatch, capsys):
    error = UnknownName("no method is called 'men'", hint="did you mean 'mem'?")
    assert str(error) == error.message == "no method is called 'men'"
    monkeypatch.setattr(sys, "argv", ["unlearnable", "protect", str(posts), "--method", "men"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: no method is called 'men'\nhint: did you mean 'mem'?\n"


def test_listing_names_and_summaries_imports_nothing():
    assert list(registry("absent")) == ["absent"]
    assert registry("absent").summary("absent") == "What absent does."
    code = (
        "import sys; from unlearnable.methods import METHODS; from unlearnable.datasets.formats import FORMATS; "
        "from unlearnable.benchmarks import SUITES; from unlearnable.verify.attackers import ATTACKERS; "
        "[rows.summary(name) for rows in (METHODS, FORMATS, SUITES, ATTACKERS) for name in rows]; "
        "print([m for m in ('torch', 'unlearnable.methods.mem', 'unlearnable.datasets.formats.coco', "
        "'unlearnable.benchmarks.coco') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_row_of_our_own_that_cannot_be_imported_is_a_bug():
    with pytest.raises(ModuleNotFoundError, match="no"):
        registry("absent")["absent"]


def test_a_member_of_the_wrong_kind_is_refused_when_it_is_used():
    rows = registry("good", "nameless")
    assert rows["good"] is GOOD
    with pytest.raises(ConfigError, match=rf"the thing 'nameless' \(json:dumps\) is not an object with all .*{BASE}"):
        rows["nameless"]
    with pytest.raises(ConfigError, match="is not an object"):
        dict(rows.loadable())


def test_a_class_is_no_object_and_an_object_no_class():
    with pytest.raises(ConfigError, match="is not a class with all"):
        registry("good", classes=True)["good"]
    rows = {"mem": Row("unlearnable.methods.mem:MEM", "")}
    assert Registry("method", rows, "unlearnable.methods.base:Method", classes=True)["mem"] is MEM
    with pytest.raises(ConfigError, match="is not an object with all"):
        Registry("method", rows, "unlearnable.methods.base:Method")["mem"]


def test_installed_packages_add_rows_and_replace_none(install):
    install(extra=TARGETS["good"], good="json:loads")
    rows = registry("good")
    assert list(rows) == ["extra", "good"]
    assert rows["extra"] is rows["good"] is GOOD
    assert rows.summary("extra") == "Added by plugin-pack 1.2."
    assert rows.summary("good") == "What good does."


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no.such.module:X", "cannot be loaded: ModuleNotFoundError: No module named 'no'"),
        ("json:nothing", "cannot be loaded: AttributeError"),
        ("not a reference", "cannot be loaded: "),
        ("raises_at_import:X", "cannot be loaded: RuntimeError: I am broken"),
        ("exits_at_import:X", "cannot be loaded: SystemExit: 0"),
        pytest.param("nameless_thing:X", "cannot be loaded: RuntimeError: no name", marks=ASKED),
        ("math:pi", "is not an object with all that"),
    ],
)
def test_a_broken_package_is_named_when_its_row_is_used_and_only_then(install, target, reason):
    folder = install(bad=target)
    (folder / "raises_at_import.py").write_text("raise RuntimeError('I am broken')\n")
    (folder / "exits_at_import.py").write_text("raise SystemExit(0)\n")
    nameless = "class Thing:\n @property\n def name(self):\n  raise RuntimeError('no name')\nX = Thing()\n"
    (folder / "nameless_thing.py").write_text(nameless)
    rows = registry("good")
    assert list(rows) == ["bad", "good"]
    assert "bad" in rows
    assert rows.summary("bad") == "Added by plugin-pack 1.2."
    assert rows["good"] is GOOD
    for use in (rows.get, rows.__getitem__):
        with pytest.raises(ConfigError) as caught:
            use("bad")
        assert caught.value.message.startswith(f"the thing 'bad' ({target} of plugin-pack 1.2) {reason}")
        assert caught.value.hint == "update or remove plugin-pack 1.2"
        assert not isinstance(caught.value, KeyError)
    with pytest.warns(RuntimeWarning, match=r"the thing 'bad' .* \(update or remove plugin-pack 1\.2\)"):
        assert dict(rows.loadable()) == {"good": GOOD}


def test_a_kind_of_two_words_has_a_group_without_a_blank(install):
    install(kind="data_set", mine=TARGETS["good"])
    assert Registry("data set", {}, BASE)["mine"] is GOOD


@pytest.mark.parametrize("module", ["a_pack/part.py", "a_pack/inner/helper.py", "a_module.py"])
def test_what_results_depend_on_holds_the_code_of_an_installed_package(install, module):
    folder = install(of_pack="a_pack.part:X", of_module="a_module:X", of_python="math:pi", away="no.such:X")
    for path in ("a_pack/__init__.py", "a_pack/part.py", "a_pack/inner/helper.py", "a_module.py"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("X = 1\n")

    def said():
        _code_of.cache_clear()
        return {name: registry("good").versioned(name) for name in registry("good")}

    before = said()
    assert before["good"] == "good"
    assert before["of_pack"].startswith("of_pack of plugin-pack 1.2 (")
    assert said() == before
    (folder / module).write_text("X = 2\n")
    after = said()
    changed = "of_module" if module == "a_module.py" else "of_pack"
    assert {name for name in after if after[name] != before[name]} == {changed}


def with_packages(folder, *arguments):
    paths = os.pathsep.join([str(folder), *sys.path])
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": paths})


def test_a_broken_format_of_another_package_leaves_the_others_to_read(install, posts):
    folder = install(kind="format", bad="no.such.module:X")
    code = "import sys, pathlib; from unlearnable.datasets import open_dataset; "
    code += "print(open_dataset(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).format)"
    result = with_packages(folder, "-c", code, posts, posts / "posts.jsonl")
    assert result.stdout == "jsonl\n"
    assert "the format 'bad' (no.such.module:X of plugin-pack 1.2) cannot be loaded" in result.stderr


def test_a_format_of_another_package_that_fails_is_named_in_a_line_and_passed_over(install, posts):
    folder = install(kind="format", bad="failing_format:X")
    body = "\n".join(
        f"    def {one}(self, *_):\n        raise RuntimeError('boom')" for one in ("sniff", "read", "write")
    )
    (folder / "failing_format.py").write_text(f"class Failing:\n    name = 'bad'\n{body}\nX = Failing()\n")
    arguments = ("-m", "unlearnable", "protect", posts, "--dry-run", "--json", "--method", "random")
    result = with_packages(folder, *arguments)
    assert json.loads(result.stdout)["caption_format"] == "jsonl"
    named = [line for line in result.stderr.splitlines() if "plugin-pack" in line]
    assert named == [
        "warning: the format 'bad' (failing_format:X of plugin-pack 1.2) failed: RuntimeError: boom "
        "(update or remove plugin-pack 1.2)"
    ]


@pytest.mark.parametrize("broken", ["[unlearnable.thing]\njust words\n", "[unlearnable.thing]\n\udcff = a:b\n"])
def test_a_list_of_entry_points_that_cannot_be_read_leaves_the_others(install, broken):
    folder = install(package="plugin-pack", mine=TARGETS["good"])
    install(package="other-pack")
    (folder / "other_pack-1.2.dist-info" / "entry_points.txt").write_bytes(broken.encode("utf-8", "surrogateescape"))
    with pytest.warns(RuntimeWarning, match="entry points of other-pack cannot be read"):
        assert list(registry("good")) == ["mine", "good"]


def test_attacks_of_another_package_are_listed_beside_ours(install):
    ours = catalogue()  # before the package is there
    folder = install(kind="attack", bad="no.such.module:X", invert="inverting:INVERT")
    (folder / "inverting.py").write_text(
        "from unlearnable.verify.attacks.base import AttackFamily, on_photos\n"
        "INVERT = AttackFamily(on_photos(lambda pixels, _: 255 - pixels), default=0)\n"
    )
    result = with_packages(folder, "-m", "unlearnable", "attacks", "--json")
    rows = {row["name"]: row["summary"] for row in json.loads(result.stdout)["attacks"]}
    assert rows.keys() == {"invert", *ours}
    assert rows["invert"] == "Added by plugin-pack 1.2."
    assert "the attack 'bad' (no.such.module:X of plugin-pack 1.2) cannot be loaded" in result.stderr
    code = "import numpy; from unlearnable.verify.attacks import parse_attack; "
    code += "print(parse_attack('invert+bits-1').image(numpy.zeros((1, 1, 3), numpy.uint8)).tolist())"
    assert with_packages(folder, "-c", code).stdout == "[[[192, 192, 192]]]\n"
