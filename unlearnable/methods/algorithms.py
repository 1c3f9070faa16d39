"""MEM, Multi-step Error Minimization, and the methods that it is compared with: EM, UAP and random noise."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from unlearnable.methods import steps
from unlearnable.methods.base import AnySession, Problem, Round, Session, State, restore_training
from unlearnable.methods.proxies import feature_shifts, make_proxies, tune
from unlearnable.methods.steps import measuring
from unlearnable.methods.triggers import draw_triggers, improve_triggers
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.settings import Hyperparameters


@dataclass
class MEMState(State):
    """The state of MEM."""

    settled: bool = False  # the triggers have stopped changing
    proxies: list[DualEncoder] = field(default_factory=list)  # copies of the models, which learn the clean posts
    proxy_optimisers: list[torch.optim.Optimizer] = field(default_factory=list)  # one a proxy while they learn
    learnt: int = 0  # training steps of the proxies that are done

    def export(self) -> dict[str, Any]:
        """Return the state as plain tensors and numbers."""
        return {
            **super().export(),
            **(self._weights() if self.proxy_optimisers else {}),
            "settled": self.settled,
            "proxy_optimisers": [each.state_dict() for each in self.proxy_optimisers],
            "learnt": self.learnt,
        }

    def fixed(self) -> dict[str, Any]:
        """Return the proxies, which change no more once they have learnt."""
        return {} if self.proxy_optimisers else self._weights()

    def restore(self, exported: dict[str, Any]) -> None:
        """Become the state that was exported last, with what is fixed."""
        super().restore(exported)
        moments = exported["proxy_optimisers"]
        if not moments:
            self.proxy_optimisers.clear()
        restore_training(self.proxies, self.proxy_optimisers, exported.get("proxies", []), moments)
        self.settled, self.learnt = exported["settled"], exported["learnt"]

    def _weights(self) -> dict[str, Any]:
        return {"proxies": [model.module.state_dict() for model in self.proxies]} if self.proxies else {}


class MEM:
    """Noise and a few words a photo, which become a shortcut for each other (Algorithm 1)."""

    name: ClassVar[str] = "mem"
    has_trigger: ClassVar[bool] = True
    lowers_loss: ClassVar[bool] = True

    def start(self, problem: Problem, settings: Hyperparameters) -> Session[MEMState]:
        """Return a session with noise zero and random trigger words."""
        state = MEMState(**steps.first_state(problem, settings))
        state.triggers = draw_triggers(problem, settings, state.generator)
        state.proxies, state.proxy_optimisers = make_proxies(problem, settings)
        return Session(problem, settings, state)

    def rounds(self, session: Session[MEMState]) -> Iterator[Round | None]:
        """Each round: surrogate steps, then for every batch the trigger step and the noise steps.

        Before the first, where `proxy_weight` is not 0, proxies learn the clean posts; the noise then is to
        shift their features, and no post rests: a low loss does not say that they have shifted.
        """
        settings, state = session.settings, session.state
        share = settings.proxy_weight / (1 + settings.proxy_weight)
        for done in tune(session, state.proxies, state.proxy_optimisers, state.learnt):
            state.learnt = done
            yield None
        state.proxy_optimisers.clear()
        shifts = feature_shifts(session, state.proxies)
        while state.round < settings.max_rounds:
            yield from steps.train_surrogates(session, settings.surrogate_steps)
            search = state.round < settings.trigger_rounds and not state.settled
            for photos in steps.remaining(session):
                if search:
                    state.place.changed += improve_triggers(session, photos)
                steps.move_noise(session, photos, shuffle=True, auxiliary=shifts, auxiliary_share=share)
                yield None
            trained, changed = state.place.loss, state.place.changed
            state.settled = state.settled or (search and changed == 0)
            losses = yield from measuring(session)
            if shifts:
                state.losses = losses
            else:
                steps.rest(session, losses)
            resting = float(state.resting.sum())
            yield steps.end_round(session, surrogate_loss=trained, resting=resting, new_triggers=float(changed))


class EM:
    """Noise that minimises the loss with the photo's own captions; the captions stay as they are."""

    name: ClassVar[str] = "em"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = True

    def start(self, problem: Problem, settings: Hyperparameters) -> AnySession:
        """Return a session with noise zero and no trigger."""
        return Session(problem, settings, State(**steps.first_state(problem, settings)))

    def rounds(self, session: AnySession) -> Iterator[Round | None]:
        """Each round: surrogate steps, then noise steps; as many as MEM takes."""
        state = session.state
        while state.round < session.settings.max_rounds:
            yield from steps.train_surrogates(session, session.settings.surrogate_steps)
            for photos in steps.remaining(session):
                steps.move_noise(session, photos, shuffle=False)
                yield None
            steps.rest(session, (yield from measuring(session)))
            resting = float(state.resting.sum())
            yield steps.end_round(session, surrogate_loss=state.place.loss, resting=resting)


class UAP:
    """Noise that raises the loss of a surrogate which has learned the clean posts; captions untouched."""

    name: ClassVar[str] = "uap"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: Hyperparameters) -> AnySession:
        """Return a session with noise zero."""
        return Session(problem, settings, State(**steps.first_state(problem, settings)))

    def rounds(self, session: AnySession) -> Iterator[Round | None]:
        """Before the first the surrogate is trained on the clean posts, for as many steps as MEM's gets in all.

        Each round: noise steps upwards, as many as MEM takes; the surrogate stays.
        """
        settings, state = session.settings, session.state
        training = settings.surrogate_steps * settings.max_rounds if state.round == 0 else 0
        yield from steps.train_surrogates(session, training)
        while state.round < settings.max_rounds:
            for photos in steps.remaining(session):
                steps.move_noise(session, photos, shuffle=False, ascend=True)
                yield None
            state.losses = yield from measuring(session)
            yield steps.end_round(session)


class RandomNoise:
    """Each noise value is -epsilon or epsilon, each trigger random words; nothing is optimised."""

    name: ClassVar[str] = "random"
    has_trigger: ClassVar[bool] = True
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: Hyperparameters) -> AnySession:
        """Return a session with random words; the noise is drawn in the one round."""
        state = State(**steps.first_state(problem, settings))
        state.triggers = draw_triggers(problem, settings, state.generator)
        return Session(problem, settings, state)

    def rounds(self, session: AnySession) -> Iterator[Round | None]:
        """One round that draws the noise."""
        state = session.state
        if state.round > 0:
            return
        if state.place.batches is None:  # not drawn yet
            for photo in range(len(state.noise)):
                shape = state.noise.grid(photo).shape
                signs = torch.randint(0, 2, shape, generator=state.generator) * 2 - 1
                state.noise.write(photo, signs.float() * session.settings.epsilon)
            state.place.batches = []
        state.losses = yield from measuring(session)
        yield steps.end_round(session)
