"""Several processes that train one model: each embeds its share of the batch, the loss is over the whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from unlearnable.errors import ConfigError


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class World:
    """The processes that train together.

    Attributes:
        rank: this process, from 0.
        size: how many there are.
        wrap: makes a module average its gradients over the processes.
        gather: the rows of all processes, in order of rank, with their gradients.
    """

    rank: int = 0
    size: int = 1
    wrap: Callable[[nn.Module], nn.Module] = _same
    gather: Callable[[Tensor], Tensor] = _same

    def share(self, count: int) -> slice:
        """The rows of a batch of `count` that are this process's."""
        part = count // self.size
        return slice(self.rank * part, (self.rank + 1) * part)


def join(device: str) -> World:
    """The world `accelerate launch` or `torchrun` started this process in; one process where nobody did.

    Args:
        device: "cpu" joins by gloo, "cuda" by nccl.

    Raises:
        ConfigError: there are several processes and accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return World()
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise ConfigError(
            "training in several processes needs accelerate", hint="pip install 'unlearnable[distributed]'"
        ) from error
    import torch
    from torch.distributed.nn.functional import all_gather

    accelerator = Accelerator(cpu=device == "cpu")

    def wrap(module: nn.Module) -> nn.Module:
        if device == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        wrapped: nn.Module = accelerator.prepare_model(module)
        return wrapped

    return World(
        accelerator.process_index, accelerator.num_processes, wrap, lambda rows: torch.cat(all_gather(rows), dim=0)
    )
