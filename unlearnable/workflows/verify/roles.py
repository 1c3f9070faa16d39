"""Which victims are the surrogates of the protection, as far as the private folder tells, and which were held out."""

from __future__ import annotations

from unlearnable.config import VerifySettings
from unlearnable.experiments.models import ModelPool, family
from unlearnable.models.weights import weights_sha256
from unlearnable.results import ProtectReport, Role, VictimRecord
from unlearnable.workflows.verify.made import report_of


def victims_of(settings: VerifySettings, pool: ModelPool) -> list[VictimRecord]:
    """Return each victim with its role: "surrogate" where it starts from the weights that protection was made on.

    Of the private folder only the names and checksums of the surrogates are read. A victim that starts from random
    weights is held out, whatever its architecture.
    """
    made = report_of(settings.protected)
    return [
        VictimRecord(name=name, role=_role(name, made, pool), family=family(pool.architecture(name)))
        for name in dict.fromkeys(settings.victims)
    ]


def _role(name: str, made: ProtectReport | None, pool: ModelPool) -> Role | None:
    if made is None:
        return None
    if pool.from_scratch:
        return "held-out"
    if made.surrogate_weights:
        same = weights_sha256(pool.pretrained(name).module.state_dict()) in made.surrogate_weights
    else:  # a report of an earlier version
        same = name in made.surrogates
    return "surrogate" if same else "held-out"
