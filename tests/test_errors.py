"""The classes of errors and their exit codes."""

from __future__ import annotations

from unlearnable import errors


def test_every_kind_of_error_has_an_exit_code_of_its_own():
    kinds = errors.UnlearnableError.__subclasses__()
    codes = [kind.exit_code for kind in kinds if kind.__module__ == "unlearnable.errors"]
    assert sorted(codes) == [2, 3, 4, 5, 6, 130]
