"""Import optional libraries by name, with the pip command in the error if one is missing."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from unlearnable.errors import ConfigError


def installed(module: str) -> bool:
    """Return whether a module is installed."""
    return find_spec(module) is not None


def require(module: str, extra: str) -> ModuleType:
    """Return the module of that name, which the optional dependencies `extra` install.

    Raises:
        ConfigError: the module is not installed; the hint is the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the library is installed, but one that it needs is not
        raise ConfigError(f"{package} is not installed", hint=f"pip install 'unlearnable[{extra}]'") from error
