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

    def share(self, count: int) -> list[int]:
        """The rows of a batch of `count` that this process embeds.

        As many in each process, since they are gathered: where `count` does not divide, rows come a
        second time behind the last one, and the first `count` of what is gathered are the batch.
        """
        part = -(-count // self.size)
        return [row % count for row in range(self.rank * part, (self.rank + 1) * part)]


def whole_statistics(module: nn.Module, gather: Callable[[Tensor], Tensor], rank: int, size: int) -> None:
    """Let the batch normalisations of a module see the rows of all processes, as `SyncBatchNorm` does on GPUs alone.

    Args:
        module: changed in place.
        gather: the rows of all processes, in order of rank, with their gradients.
        rank: of this process.
        size: how many there are.
    """

    def see_all(norm: nn.Module, rows: tuple[Tensor]) -> tuple[Tensor] | None:
        return (gather(rows[0]),) if norm.training else None

    def give_mine(norm: nn.Module, rows: tuple[Tensor], out: Tensor) -> Tensor | None:
        return out.chunk(size)[rank].clone() if norm.training else None  # what follows may change it in place

    for norm in module.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            norm.register_forward_pre_hook(see_all)
            norm.register_forward_hook(give_mine)


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
