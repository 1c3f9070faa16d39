"""What the program makes of wrong usage, of failures and of bugs: one line, one hint, one exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.cli.program import POSIX, call, run
from tests.forked import Forked
from unlearnable.cli import doctor
from unlearnable.cli.app import failure_of
from unlearnable.wording import pasted

MANY = "9" * 5000

HELP = """
import sys
from unlearnable.cli.app import main
sys.argv = ["unlearnable", "--help"]
try:
    main()
finally:
    heavy = {"torch", "open_clip", "transformers", "timm", "numpy", "PIL", "matplotlib"} & set(sys.modules)
    heavy |= {"unlearnable.report"} & set(sys.modules)
    print(len(sys.modules), *heavy, file=sys.stderr)
"""
WAITING = """
import os, sys
from unlearnable.cli.app import main
sys.argv = ["unlearnable", "--version"]
try:
    main()
finally:
    print(os.environ.get("GOMP_SPINCOUNT"), "torch" in sys.modules)
"""


def test_a_path_of_libraries_that_the_locale_has_no_letters_for_is_no_bug(monkeypatch):
    place = "/home/j\udcc3\udcb6rg/lib/python3.11/site-packages"  # as Python has it under LC_ALL=C without UTF-8 mode
    monkeypatch.setattr(sys, "path", [*sys.path, place])
    failure = failure_of(UnicodeEncodeError("utf-8", f"{place}/torch/bin/manager", 7, 9, "surrogates not allowed"))
    assert failure.message == f"this locale has no letters for the path of libraries, {place}"
    assert "PYTHONUTF8=1" in failure.hint
    assert failure.exit_code == 2
    other = failure_of(UnicodeEncodeError("utf-8", "/photos/j\udcc3\udcb6rg.jpg", 9, 11, "surrogates not allowed"))
    assert other.hint.startswith("this is a bug")


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


EARLY = """
import os, signal, sys
from unlearnable.cli import app
from typer import main
signal.signal(signal.SIGINT, signal.default_int_handler)
moments = {"the commands are made": (main, "get_command"), "options are read": (app.Command, "parse_args")}
place, name = moments[sys.argv[1]]
usual = getattr(place, name)
def stopped(*given):
    setattr(place, name, usual)
    os.kill(os.getpid(), signal.SIGINT)
    return usual(*given)
setattr(place, name, stopped)
sys.argv = ["unlearnable", "protect", "photos", "--json"]
app.main()
"""


@POSIX
@pytest.mark.parametrize("moment", ["the commands are made", "options are read"])
def test_an_interruption_is_told_as_json_before_the_options_are_read(moment):
    result = subprocess.run([sys.executable, "-c", EARLY, moment], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "error: interrupted\n")
    assert json.loads(result.stdout)["stopped"] == "interrupted"


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interruption_is_said_and_told_as_json_also_of_a_short_command(name):
    result = subprocess.run([sys.executable, "-c", STOPPED, name], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "error: interrupted\n")
    assert json.loads(result.stdout) == {
        "schema_version": 1,
        "error": "interrupted",
        "hint": None,
        "exit_code": 130,
        "stopped": "interrupted",
    }


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


UNREAD = """
import sys
import typer
from unlearnable.cli import app
def unread(*given, **options):
    raise KeyboardInterrupt
typer.Typer.__call__ = unread
sys.argv = ["unlearnable", "doctor"]
app.main()
"""


def test_ctrl_c_is_said_too_before_the_command_line_is_read():
    result = subprocess.run([sys.executable, "-c", UNREAD], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "error: interrupted\n")


@pytest.mark.parametrize("words", [("--json", "doctor"), ("--json",), ("nothing", "--json")])
def test_json_where_it_is_no_option_still_gets_json(words):
    result = call(*words)
    assert result.returncode == 2
    assert json.loads(result.stdout)["error"] in result.stderr


def test_help_brings_few_modules_and_no_torch():
    result = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert "protect" in result.stdout
    modules, *heavy = result.stderr.split()
    assert heavy == []
    assert int(modules) < 600, "more than Typer, Rich and pydantic bring"


@pytest.mark.parametrize(
    ("wished", "found"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_threads_soon_wait_asleep_unless_the_user_wishes_otherwise(wished, found):
    """It is said before torch is there, which reads it once."""
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in names} | wished
    result = subprocess.run(
        [sys.executable, "-c", WAITING], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.split()[-2:] == [found, "False"]


def test_stdout_holds_one_object_and_stderr_a_line_and_a_hint(posts):
    result = run("protect", "nowhere", "--json", cwd=posts)
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 3
    assert "nowhere" in error["error"]
    assert result.stderr.splitlines() == [f"error: {error['error']}", f"hint: {error['hint']}"]


@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (("protect", ".", "--no-such", "3"), "--no-such", "protect"),
        (("protect", ".", "--epsilom", "3"), "--epsilon", "protect"),
        (("app", "--port", "x"), "invalid value for '--port': needs a whole number from 0 to 65535", "app"),
        (("protect", ".", "--preset", "slow"), "'slow' is not one of 'fast', 'balanced', 'strong'", "protect"),
        (("preview", "a"), "protected", "preview"),
        (("list", "methods", "one"), "one", "list"),
        (("protekt", "."), "protekt", ""),
    ],
)
def test_wrong_usage_with_json_is_an_object_too(arguments, words, hint):
    result = call(*arguments, "--json")
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 2
    assert words in error["error"]
    assert error["hint"] == " ".join(f"see unlearnable {hint} --help".split())
    assert len(result.stderr.splitlines()) == 2
    without = call(*arguments)
    assert (without.returncode, without.stdout, without.stderr) == (2, "", result.stderr)


def test_a_missing_value_with_json_is_an_object_too():
    result = call("protect", ".", "--json", "--epsilon")
    assert json.loads(result.stdout)["exit_code"] == result.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("protect", ".", "--captions", "--json"), 3),
        (("protect", ".", "--captions", "--json", "--no-such"), 2),
        (("protect", ".", "--captions", "--json", "--epsilon"), 2),
        (("protect", ".", "--", "--json"), 2),
    ],
)
def test_a_value_that_reads_as_an_option_is_none(posts, arguments, code):
    result = call(*arguments, cwd=posts)
    assert (result.returncode, result.stdout) == (code, "")
    assert "Traceback" not in call(*[word.replace("--json", "--debug") for word in arguments], cwd=posts).stderr


def test_without_a_command_the_help_is_shown():
    result = call()
    assert result.returncode == 2
    assert "protect" in result.stdout + result.stderr
    assert "error:" not in result.stderr


def test_debug_shows_the_traceback_and_changes_neither_exit_code_nor_json(posts):
    result = call("protect", "nowhere", "--debug", "--json", cwd=posts)
    assert "Traceback" in result.stderr
    assert json.loads(result.stdout)["exit_code"] == result.returncode == 3
    assert "Traceback" in call("protect", "--debug", "--no-such").stderr


@pytest.mark.parametrize("arguments", [("--json",), ("--json", "--debug")])
def test_a_bug_asks_for_a_report_that_every_command_can_give(monkeypatch, arguments):
    monkeypatch.setattr(doctor, "examine", lambda _: 1 / 0)
    result = call("doctor", *arguments)
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 1
    assert error["error"].startswith("ZeroDivisionError")
    assert "--debug" in error["hint"]
    assert ("Traceback" in result.stderr) == ("--debug" in arguments)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 100_000, "nested too deeply"),
        (f"seed = {MANY}", "not TOML"),
        ("seed = 0x" + "f" * 9000, "seed: the number is too large"),
        ("seeds = 0x" + "f" * 9000, "no setting 'seeds'"),
        (f'"{MANY}" = 1', "no setting"),
        (f'epsilon = "{MANY}"', "epsilon"),
        ("\udcff", "not TOML"),
    ],
)
def test_a_file_that_is_no_file_of_settings_is_one_line(tmp_path, text, words):
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
    assert f"error: {pipe} is no regular file" in result.stderr.splitlines()


def test_a_user_without_a_home_folder_gets_one_line(posts, monkeypatch):
    pytest.importorskip("pwd")
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "UNLEARNABLE_STATE", "UNLEARNABLE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # as in a container whose user has no name
    for arguments in (("protect", posts), ("verify",), ("list", "datasets")):
        result = call(*arguments)
        assert (result.returncode, result.stdout) == (2, "")
        error, hint = result.stderr.splitlines()[-2:]
        assert error == "error: this user has no home folder"
        assert "HOME" in hint


def test_a_library_that_asks_for_the_home_folder_of_a_user_without_one_is_no_bug(monkeypatch):
    pytest.importorskip("pwd")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(RuntimeError) as raised:
        Path.home()
    assert failure_of(raised.value) == ("this user has no home folder", "set HOME to a folder", 2)


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
    assert result.stderr.splitlines() == [
        "error: no such command 'my photos'",
        f"hint: to protect it: unlearnable protect {pasted('my photos')}",
    ]


def test_a_variable_that_is_not_set_is_not_the_current_folder(tmp_path):
    result = call("protect", "", "--method", "random", cwd=tmp_path)
    assert result.returncode == 2
    assert "an empty path" in result.stderr


@pytest.mark.parametrize("option", [("--output", ""), ("--captions=",), ("--config", ""), ("--words", "")])
def test_an_option_without_a_path_is_not_the_current_folder(posts, tmp_path, option):
    here = tmp_path / "here"
    here.mkdir()
    result = call("protect", posts, "--method", "random", *option, cwd=here)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        f"error: invalid value for '{option[0].rstrip('=')}': an empty path",
        "hint: see unlearnable protect --help",
    ]
    assert list(here.iterdir()) == []
    assert call("doctor", "--check", "", cwd=here).returncode == 2


def test_photos_come_from_a_variable_or_a_stored_run_too(posts, monkeypatch):
    stored = call("protect", str(posts), "--print-config").stdout
    (posts.parent / "run.toml").write_text(stored)
    assert call("protect", "--config", str(posts.parent / "run.toml"), "--print-config").stdout == stored
    monkeypatch.setenv("UNLEARNABLE_PHOTOS", str(posts))
    assert call("protect", "--print-config").stdout == stored
    monkeypatch.delenv("UNLEARNABLE_PHOTOS")
    result = call("protect")
    assert (result.returncode, "PHOTOS is not given" in result.stderr) == (2, True)


def test_the_whole_file_system_is_no_folder_of_photos():
    result = call("protect", "/", "--method", "random", "--json")
    assert json.loads(result.stdout)["exit_code"] == 2
    assert "cannot be protected" in result.stderr


@POSIX
@pytest.mark.parametrize(
    ("closed", "wrong", "code"),
    [
        (">&-", "protect nowhere --json", 3),
        ("2>&-", "protect . --surrogate no.pt --json", 4),  # says on stderr that it starts
        (">&- 2>&-", "protect nowhere --json", 3),
    ],
)
def test_a_stream_that_the_caller_has_closed_is_no_failure(posts, closed, wrong, code):
    """An error is still told by the exit code."""
    command = f'"{sys.executable}" -m unlearnable {{}} {closed}'
    fine = command.format("list methods --json")
    listed = subprocess.run(fine, shell=True, capture_output=True, text=True, check=False)
    assert (listed.returncode, listed.stderr) == (0, "")
    ended = subprocess.run(command.format(wrong), shell=True, capture_output=True, cwd=posts, check=False)
    assert ended.returncode == code


@POSIX
@pytest.mark.parametrize(
    ("python", "command", "code"),
    [
        ("", "list attacks", 0),
        ("-u", "list attacks", 0),
        ("", "list attacks --json", 0),
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
    assert "File name too long" in result.stderr
    assert "bug" not in result.stderr


def test_a_folder_that_cannot_be_written_ends_a_run_before_its_work(posts, monkeypatch):
    """Root may write anywhere: the refusal of the system is imitated."""
    output, temporary = posts.parent / "out", tempfile.TemporaryFile

    def refusing(*arguments, **options):
        if options.get("dir") == output:
            raise PermissionError(13, "Permission denied")
        return temporary(*arguments, **options)

    output.mkdir()
    monkeypatch.setattr(tempfile, "TemporaryFile", refusing)
    result = call("protect", str(posts), "--method", "random", "--output", str(output))
    assert result.returncode == 5
    assert f"cannot write {output}: Permission denied" in result.stderr
    assert "writing photos" not in result.stderr


@pytest.mark.parametrize("content", [b"", b"no photo"])
def test_a_folder_whose_photos_all_are_damaged_is_no_bug(tmp_path, content):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "zero.jpg").write_bytes(content)
    result = call("protect", tmp_path / "photos", "--method", "random")
    assert (result.returncode, "zero.jpg: " in result.stderr, "bug" in result.stderr) == (3, True, False)
