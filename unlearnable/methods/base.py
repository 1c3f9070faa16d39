"""What every method is: a way to make noise and triggers, as rounds of a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import ValidationError

from unlearnable.config import MEMSettings, MethodSettings
from unlearnable.errors import ConfigError
from unlearnable.methods.problem import Problem
from unlearnable.methods.state import State
from unlearnable.registry import fitting

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


def started(method: Method, problem: Problem, settings: MethodSettings) -> AnySession:
    """Return a method's session before the first round.

    Raises:
        ConfigError: the method, of an installed package, gives none.
    """
    return fitting(method.start(problem, settings), Session, f"the session of the method {method.name}")


def improving(method: Method, session: AnySession) -> Iterator[Round | None]:
    """Run a method's rounds, and yield what they yield.

    Raises:
        ConfigError: the method, of an installed package, yields anything but rounds and None, or no round at all.
    """
    some = session.state.round > 0  # of an earlier run
    for done in method.rounds(session) or ():
        if done is not None:
            fitting(done, Round, f"a round of the method {method.name}")
            some = True
        yield done
    if not some:
        raise ConfigError(f"the method {method.name} ended without a round", hint="it has to yield each as a Round")


def settings_for(method: type[Method] | Method, given: MethodSettings, options: Mapping[str, Any]) -> MethodSettings:
    """Return the settings of a method: those that it shares with the given ones, and its own from `options`.

    Raises:
        ConfigError: the method has no such option, or a value does not fit.
    """
    if type(given) is method.Settings and not options:
        return given
    shared = {name: getattr(given, name) for name in method.Settings.model_fields if name in type(given).model_fields}
    try:
        return method.Settings(**{**shared, **options})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        known = sorted(set(method.Settings.model_fields) - set(MethodSettings.model_fields))
        hint = f"its own options are: {', '.join(known)}" if known else "it has no options of its own"
        raise ConfigError(f"method {method.name}: option {place}: {first['msg'].lower()}", hint=hint) from error
