"""What `import unlearnable` offers, and what it costs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from types import ModuleType

import pytest

import unlearnable
from unlearnable import report, settings as config

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
        *(name for name in report.schemas() if name.endswith(("Report", "Plan"))),
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


@pytest.mark.parametrize("name", CALLS)
def test_a_call_takes_named_settings_and_says_what_it_returns(name: str):
    call = getattr(unlearnable, name)
    signature = inspect.signature(call)
    assert signature.return_annotation.removesuffix(" | None") == f"report.{name.capitalize()}Report"
    further = [parameter for parameter in signature.parameters.values() if parameter.kind is parameter.VAR_KEYWORD]
    wanted = [] if name == "preview" else ["Any"]
    assert [parameter.annotation for parameter in further] == wanted
    said = inspect.cleandoc(call.__doc__ or "")
    for section in ("Args:", "Returns:", "Raises:"):
        assert section in said
    for parameter in signature.parameters.values():
        assert re.search(rf"^    (\*\*)?{parameter.name}: ", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import unlearnable; dir(unlearnable)", ("torch", "open_clip", "transformers", "numpy", "pydantic", "PIL")),
        ("from unlearnable import *", ("torch", "open_clip", "transformers")),
    ],
)
def test_the_import_is_light(code: str, heavy: tuple[str, ...]):
    code += f"\nimport sys; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
