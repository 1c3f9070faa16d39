"""What every method is: a way to make noise and triggers, as rounds of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from unlearnable.config import MEMSettings, MethodSettings
from unlearnable.methods.problem import Problem
from unlearnable.methods.state import State

SettingsT = TypeVar("SettingsT", bound=MethodSettings, covariant=True)
StateT = TypeVar("StateT", bound=State, covariant=True)


@dataclass(frozen=True)
class Session(Generic[SettingsT, StateT]):
    """One run of a method.

    Attributes:
        problem: the posts and the surrogates.
        settings: the method's own.
        state: changed in place by every step.
    """

    problem: Problem
    settings: SettingsT
    state: StateT


AnySession = Session[MethodSettings, State]
MEMSession = Session[MEMSettings, State]


@dataclass(frozen=True)
class Round:
    """One round done.

    Attributes:
        number: counted from 1.
        loss: the mean loss over all posts after it.
        metrics: further figures by name.
    """

    number: int
    loss: float
    metrics: dict[str, float]


@runtime_checkable
class Method(Protocol):
    """A way to make noise and triggers. It never prints, saves or stops by itself.

    Attributes:
        name: its name in the registry.
        has_trigger: whether captions get words.
        lowers_loss: whether the posts it makes have a clearly lower loss than the clean ones; a run whose
            posts have not is refused.
        Settings: the settings that it takes.
    """

    name: ClassVar[str]
    has_trigger: ClassVar[bool]
    lowers_loss: ClassVar[bool]
    Settings: ClassVar[type[MethodSettings]]

    def start(self, problem: Problem, settings: Any) -> AnySession:
        """Return the session before the first round; `settings` are of the class `Settings`."""

    def rounds(self, session: Any) -> Iterator[Round | None]:
        """Improve the state of a session from `start`, in place, until `settings.max_rounds`; yield every round.

        None is yielded wherever in a round the state may be exported and resumed from.
        """


def settings_for(method: type[Method] | Method, given: MethodSettings) -> MethodSettings:
    """Return the settings of a method, as far as the given ones have them."""
    if type(given) is method.Settings:
        return given
    shared = {name: getattr(given, name) for name in method.Settings.model_fields if name in type(given).model_fields}
    return method.Settings(**shared)
