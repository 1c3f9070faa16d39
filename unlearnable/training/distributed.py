"""Train one model in several processes: each embeds its share of the batch, the loss is over the whole batch."""

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
        rank: number of this process, from 0.
        size: number of processes.
        wrap: function that makes a module average its gradients over the processes.
        gather: function that returns the rows of all processes, in order of rank, with their gradients.
    """

    rank: int = 0
    size: int = 1
    wrap: Callable[[nn.Module], nn.Module] = _same
    gather: Callable[[Tensor], Tensor] = _same

    def share(self, count: int) -> list[int]:
        """Return the rows of a batch of `count` that this process embeds.

        Every process embeds equally many, since they are gathered: if `count` does not divide evenly, the
        first rows are repeated after the last one, and the first `count` gathered rows are the batch.
        """
        part = -(-count // self.size)
        return [row % count for row in range(self.rank * part, (self.rank + 1) * part)]


def whole_statistics(module: nn.Module, gather: Callable[[Tensor], Tensor], rank: int, size: int) -> None:
    """Make a module's batch normalisations use the rows of all processes, as `SyncBatchNorm` does on GPUs only.

    Args:
        module: module to change in place.
        gather: function that returns the rows of all processes, in order of rank, with their gradients.
        rank: number of this process, from 0.
        size: number of processes.
    """

    def all_rows(norm: nn.Module, rows: tuple[Tensor]) -> tuple[Tensor] | None:
        return (gather(rows[0]),) if norm.training else None

    def own_rows(norm: nn.Module, rows: tuple[Tensor], out: Tensor) -> Tensor | None:
        return out.chunk(size)[rank].clone() if norm.training else None  # the next layer may change it in place

    for norm in module.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            norm.register_forward_pre_hook(all_rows)
            norm.register_forward_hook(own_rows)


def join(device: str) -> World:
    """Join the processes that `accelerate launch` or `torchrun` started; without them the world is this process.

    Args:
        device: "cpu" connects through gloo, "cuda" through nccl.

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
    from timm.layers import convert_sync_batchnorm  # torch's own drops the activation of timm's normalisations
    from torch.distributed.nn.functional import all_gather

    accelerator = Accelerator(cpu=device == "cpu")

    rank, size = accelerator.process_index, accelerator.num_processes

    def gather(rows: Tensor) -> Tensor:
        return torch.cat(all_gather(rows.contiguous()), dim=0)

    def wrap(module: nn.Module) -> nn.Module:
        if device == "cuda":
            module = convert_sync_batchnorm(module)
        else:
            whole_statistics(module, gather, rank, size)
        wrapped: nn.Module = accelerator.prepare_model(module)
        return wrapped

    return World(rank, size, wrap, gather)
