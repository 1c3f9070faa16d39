"""What the program makes of wrong usage, of failures and of bugs: one line, one hint, one exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.cli.program import POSIX, call
from tests.forked import Forked
from unlearnable.cli import doctor
from unlearnable.wording import pasted

MANY = "9" * 5000

HELP = """
import os, sys
from unlearnable.cli.app import main
sys.argv = ["unlearnable", "--help"]
try:
    main()
finally:
    heavy = {"torch", "open_clip", "transformers", "timm", "numpy", "PIL", "matplotlib"} & set(sys.modules)
    heavy |= {"unlearnable.report"} & set(sys.modules)
    print(os.environ.get("GOMP_SPINCOUNT"), len(sys.modules), *heavy, file=sys.stderr)
"""
STOPPED = """
import os, signal, sys, time
from unlearnable.cli import app, doctor
number = getattr(signal, sys.argv[1])
signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
def examine(device):
    os.kill(os.getpid(), number)
    time.sleep(10)
doctor.examine = examine
sys.argv = ["unlearnable", "doctor", "--json"]
app.main()
"""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_is_said_and_told_as_json_also_of_a_short_command(name):
    result = subprocess.run([sys.executable, "-c", STOPPED, name], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "error: interrupted\n")
    wanted = {"error": "interrupted", "hint": None, "exit_code": 130, "stopped": "interrupted"}
    assert json.loads(result.stdout) == {"schema_version": 1, **wanted}


@POSIX
def test_of_several_processes_the_first_alone_prints_json_and_no_other_says_that_it_was_stopped():
    several = {"WORLD_SIZE": "2", "RANK": "1"}
    line = [sys.executable, "-c", STOPPED, "SIGTERM"]
    other = subprocess.run(line, capture_output=True, text=True, check=False, env=os.environ | several)
    assert (other.returncode, other.stdout, other.stderr) == (130, "", "")
    wrong = ("protect", "nowhere", "--epsilon", "no", "--json")
    outputs = [call(*wrong, env=several | {"RANK": rank}) for rank in "01"]
    assert [bool(one.stdout) for one in outputs] == [True, False]
    assert outputs[0].stderr == outputs[1].stderr != ""


@pytest.mark.parametrize(("wished", "found"), [({}, "1000"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")])
def test_help_brings_few_modules_and_no_torch_whose_threads_soon_wait_asleep(wished, found):
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in names} | wished
    line = [sys.executable, "-c", HELP]
    result = subprocess.run(line, capture_output=True, text=True, check=True, env=environment)
    assert "protect" in result.stdout
    spins, modules, *heavy = result.stderr.split()
    assert (spins, heavy) == (found, [])
    assert int(modules) < 600, "more than Typer, Rich and pydantic bring"


@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (("protect", ".", "--epsilom", "3"), "--epsilon", "protect"),
        (("app", "--port", "x"), "--port", "app"),
        (("app", "--port", "70000"), "65535", "app"),
        (("preview", "a"), "protected", "preview"),
        (("list", "methods", "one"), "one", "list"),
        (("doctor", "a.png", "--check", "b"), "exclude each other", "doctor"),
        (("protekt", "."), "protekt", ""),
    ],
)
def test_wrong_usage_is_a_line_and_a_hint_with_json_an_object_too(arguments, words, hint):
    result = call(*arguments, "--json")
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 2
    assert words in error["error"]
    assert error["hint"] == " ".join(f"see unlearnable {hint} --help".split())
    without = call(*arguments)
    assert (without.returncode, without.stdout, without.stderr) == (2, "", result.stderr)


def test_without_a_command_the_help_is_shown():
    result = call()
    assert result.returncode == 2
    assert "protect" in result.stdout + result.stderr
    assert "error:" not in result.stderr


@pytest.mark.parametrize("debug", [{}, {"UNLEARNABLE_DEBUG": "1"}])
def test_a_bug_asks_for_a_report_with_a_traceback(monkeypatch, debug):
    monkeypatch.setattr(doctor, "examine", lambda _: 1 / 0)
    result = call("doctor", "--json", env=debug)
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 1
    assert error["error"].startswith("ZeroDivisionError")
    assert "UNLEARNABLE_DEBUG=1" in error["hint"]
    assert ("Traceback" in result.stderr) == bool(debug)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 100_000, "not TOML"),
        (f"seed = {MANY}", "not TOML"),
        ("seed = 0x" + "f" * 9000, "seed: the number is too large"),
        ("seeds = 0x" + "f" * 9000, "no setting 'seeds'"),
        (f'"{MANY}" = 1', "no setting"),
        (f'epsilon = "{MANY}"', "epsilon"),
        ("\udcff", "not TOML"),
    ],
)
def test_a_wrong_file_of_settings_is_one_line(tmp_path, text, words):
    (tmp_path / "run.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    result = call("protect", ".", "--config", "run.toml", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    first, *hint = result.stderr.splitlines()
    assert words in first
    assert len(first) < 300
    assert len(hint) <= 1


@pytest.mark.parametrize(
    "arguments",
    [("--config", "/dev/zero"), ("--config", "."), ("--seed", MANY), ("--seed", "9" * 40)],
)
def test_what_has_no_end_or_no_bound_is_one_line(tmp_path, arguments):
    result = call("protect", ".", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr) < 400
    assert "Traceback" not in result.stderr


@POSIX
@pytest.mark.parametrize("option", ["--captions", "--words", "--config", "photo"])
@pytest.mark.parametrize("endless", [True, False])
def test_a_device_or_a_pipe_is_not_read(posts, option, endless):
    pipe = posts / "pipe.jpg"
    if endless:
        pipe.symlink_to("/dev/zero")
    else:
        os.mkfifo(pipe)
    arguments = (pipe,) if option == "photo" else (posts, option, pipe)
    result = call("protect", *arguments)
    assert (result.returncode, result.stdout) == (2 if option in ("--words", "--config") else 3, "")
    assert ("captions in" if option == "--captions" else "regular file") in result.stderr


@POSIX
def test_an_object_for_which_there_is_no_room_either_is_no_second_failure():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        line = [sys.executable, "-m", "unlearnable", "list", "attacks", "--json"]
        result = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 5
    assert "Traceback" not in result.stderr


def test_a_folder_in_place_of_a_command_is_told_the_command(tmp_path):
    (tmp_path / "my photos").mkdir()
    result = call("my photos", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.splitlines()[1] == f"hint: to protect it: unlearnable protect {pasted('my photos')}"


@pytest.mark.parametrize("option", [("--output", ""), ("--captions=",), ("--config", ""), ("--words", ""), ("",)])
def test_a_variable_that_is_not_set_is_not_the_current_folder(posts, tmp_path, option):
    here = tmp_path / "here"
    here.mkdir()
    result = call("protect", *([] if option == ("",) else [posts]), "--method", "random", *option, cwd=here)
    assert result.returncode == 2
    assert "an empty " in result.stderr
    assert list(here.iterdir()) == []
    assert call("doctor", "--check", "", cwd=here).returncode == 2


@POSIX
@pytest.mark.parametrize(
    ("closed", "command", "code"),
    [
        (">&- 2>&-", "list methods --json", 0),
        ("2>&-", "protect nowhere --json", 3),
    ],
)
def test_a_stream_that_the_caller_has_closed_is_no_failure(posts, closed, command, code):
    line = f'"{sys.executable}" -m unlearnable {command} {closed}'
    ended = subprocess.run(line, shell=True, capture_output=True, cwd=posts, check=False)
    assert ended.returncode == code


@POSIX
@pytest.mark.parametrize(
    ("python", "command", "code"),
    [
        ("-u", "list attacks --json", 0),
        ("", "protect nowhere --json", 3),
        ("", "protect . --method random --output {output}", 0),
    ],
)
def test_a_reader_that_is_gone_changes_neither_the_work_nor_the_exit_code(posts, python, command, code):
    """As `| head -1` is after the first line: a run goes on though nobody reads what it says."""
    read, write = os.pipe()
    os.close(read)
    output = posts.parent / "out"
    start = ["-c", "from unlearnable.__main__ import main; main()"] if "output" in command else ["-m", "unlearnable"]
    line = [sys.executable, *filter(None, [python]), *start, *command.format(output=output).split()]
    with Forked(line, stdout=write, stderr=write, cwd=posts, text=True) as process:
        os.close(write)
        assert process.wait(timeout=240) == code
    assert (output / "metadata.jsonl").is_file() == ("output" in command)


def test_a_folder_without_permission_is_named_and_is_no_bug(posts, monkeypatch):
    """Root may look anywhere: the refusal of the system is imitated."""
    hidden, stat = posts / "hidden.png", os.stat

    def refusing(path, *arguments, **options):
        if str(path) == str(hidden):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", refusing)
    result = call("protect", str(hidden), "--method", "random", "--json")
    assert result.returncode == 3
    assert f"cannot access {hidden}: Permission denied" in result.stderr
    assert "bug" not in result.stderr


@pytest.mark.parametrize("what", ["photos", "surrogate"])
def test_a_name_that_is_too_long_for_any_file_is_no_bug(posts, what):
    long = "x" * 300
    photos, surrogate = (str(posts / long), "small") if what == "photos" else (str(posts), long)
    result = call("protect", photos, "--surrogate", surrogate, "--method", "random")
    assert result.returncode == 3
    assert "bug" not in result.stderr


@pytest.mark.parametrize("content", [b"", b"no photo"])
def test_a_folder_whose_photos_all_are_damaged_is_no_bug(tmp_path, content):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "zero.jpg").write_bytes(content)
    result = call("protect", tmp_path / "photos", "--method", "random")
    assert (result.returncode, "zero.jpg: " in result.stderr, "bug" in result.stderr) == (3, True, False)


def test_errors_name_settings_as_their_reader_knows_them():
    from unlearnable import ConfigError, protect

    with pytest.raises(ConfigError, match="`add=True` and `resume=True` exclude each other"):
        protect("photos", add=True, resume=True)
    assert "error: --add and --resume exclude" in call("protect", "photos", "--add", "--resume").stderr
