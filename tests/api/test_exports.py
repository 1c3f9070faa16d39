"""What `import unlearnable` offers, and what it costs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib.metadata import version
from types import ModuleType

import pytest

import unlearnable
from unlearnable import errors, report
from unlearnable import settings as config

CALLS = ["benchmark", "explain", "preview", "protect", "train", "verify"]


def test_all_lists_what_the_module_holds():
    """As in httpx, whose tests compare `__all__` with the members of the module."""
    held = {
        name
        for name, member in vars(unlearnable).items()
        if not name.startswith("_")
        and name not in ("annotations", "TYPE_CHECKING")
        and not isinstance(member, ModuleType)
    }
    later = {name for name in unlearnable.__all__ if name not in held}
    assert held <= set(unlearnable.__all__)
    assert later == {
        "__version__",
        "ProtectionSettings",
        *(name for name in config.__all__ if name.removesuffix("Settings").lower() in CALLS),
        *(name for name in report.__all__ if name.endswith(("Report", "Plan"))),
    }
    assert unlearnable.__all__ == sorted(unlearnable.__all__)


@pytest.mark.parametrize("name", unlearnable.__all__)
def test_every_name_leads_somewhere_and_is_shown(name: str):
    assert getattr(unlearnable, name) is not None
    assert name in dir(unlearnable)


def test_the_package_of_a_call_does_not_hide_it():
    code = "import unlearnable as u, unlearnable.verify.run, unlearnable.explain.run; print(u.verify, u.explain)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.count("<function") == 2


def test_a_name_that_is_not_exported_is_an_attribute_error():
    for name in ("Report", "NothingLikeItReport", "SurrogateLoss", "nothing"):
        with pytest.raises(AttributeError, match=f"'unlearnable' has no attribute '{name}'"):
            getattr(unlearnable, name)


def test_all_kinds_of_errors_are_exported():
    kinds = {kind.__name__ for kind in errors.UnlearnableError.__subclasses__() if kind.__module__ == errors.__name__}
    assert {"UnlearnableError", *kinds} <= set(unlearnable.__all__)


def test_the_version_is_that_of_the_installed_package():
    assert unlearnable.__version__ == version("unlearnable")


@pytest.mark.parametrize("name", CALLS)
def test_a_call_takes_named_settings_and_says_what_it_returns(name: str):
    call = getattr(unlearnable, name)
    signature = inspect.signature(call)
    assert signature.return_annotation.removesuffix(" | None") == f"{name.capitalize()}Report"
    further = [parameter for parameter in signature.parameters.values() if parameter.kind is parameter.VAR_KEYWORD]
    wanted = [] if name == "preview" else ["Any"]
    assert [parameter.annotation for parameter in further] == wanted
    said = inspect.cleandoc(call.__doc__ or "")
    for section in ("Args:", "Returns:", "Raises:"):
        assert section in said
    for parameter in signature.parameters.values():
        assert re.search(rf"^    (\*\*)?{parameter.name}: ", said, re.MULTILINE)


def test_the_import_is_light():
    heavy = ("torch", "open_clip", "transformers", "numpy", "pydantic", "PIL")
    code = f"import sys, unlearnable; dir(unlearnable); print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_reports_settings_and_options_bring_no_torch():
    code = (
        "import sys\nfrom unlearnable import *\n"
        "print([m for m in ('torch', 'open_clip', 'transformers') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
