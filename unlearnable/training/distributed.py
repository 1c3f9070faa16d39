"""Work in several processes: each embeds its share of a batch, and the loss is over the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unlearnable.errors import ConfigError, UnlearnableError
from unlearnable.storage.pool import process

TABLE = 10_000  # rows from which on a matrix is a table of words; the captions of a batch hold few of them


def _same(value: Any) -> Any:
    return value


def _alone(value: Any) -> list[Any]:
    return [value]


def _nothing(module: nn.Module) -> None:
    return None


@dataclass(frozen=True)
class World:
    """The processes that work together.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.
        wrap: function that makes a module average its gradients over the processes.
        gather: function that returns the rows of all processes, in order of rank, with their gradients.
        average: function that averages a module's gradients and statistics over the processes, in place.
        exchange: function that returns what all processes give it, in order of rank.
    """

    rank: int = 0
    size: int = 1
    wrap: Callable[[nn.Module], nn.Module] = _same
    gather: Callable[[Tensor], Tensor] = _same
    average: Callable[[nn.Module], None] = _nothing
    exchange: Callable[[Any], list[Any]] = _alone

    def share(self, count: int) -> list[int]:
        """Return the rows of a batch of `count` that this process embeds.

        Every process embeds equally many, since they are gathered: if `count` does not divide evenly, the
        first rows are repeated after the last one, and the first `count` gathered rows are the batch.
        """
        part = -(-count // self.size)
        return [row % count for row in range(self.rank * part, (self.rank + 1) * part)]


ALONE = World()


def lead(world: World, work: str) -> None:
    """Tell the other processes, which wait for it, what work they are needed for.

    Args:
        world: the processes; this is the first.
        work: hash of what is to be computed; empty where they are not needed.

    Raises:
        ConfigError: one of them cannot take part, or would compute something else.
    """
    for rank, (ready_for, problem) in enumerate(world.exchange((work, ""))[1:], 1):
        if work and ready_for != work:
            problem = problem or "it would protect other photos, or by other settings"
            raise ConfigError(
                f"process {rank} cannot take part: {problem}",
                hint="all processes must see the same photos",
            )


def follow(world: World, work: str, problem: str = "") -> bool:
    """Wait for the first process, and return whether this one is needed for the work that it is ready for.

    Args:
        world: the processes; this is another one.
        work: hash of what this process can compute; empty where it cannot take part.
        problem: why it cannot.
    """
    wanted, _ = world.exchange((work, problem))[0]
    return bool(wanted) and wanted == work


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


@contextmanager
def _reaching() -> Iterator[None]:
    """Exchange something with the other processes.

    Raises:
        UnlearnableError: one of them has ended.
    """
    try:
        yield
    except RuntimeError as error:  # of gloo or nccl
        raise UnlearnableError(
            "another process has stopped, and this one with it",
            hint="if it said why, mend that; then use `resume=True`",
        ) from error


class _Gathered(torch.autograd.Function):
    """The rows of all processes, in order of rank; each takes the sum of all gradients to its own.

    Written out, since PyTorch gives its own function of this kind another name every few versions.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(torch.distributed.get_world_size())]
        with _reaching():
            torch.distributed.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        sums = gradient.clone(memory_format=torch.contiguous_format)
        with _reaching():
            torch.distributed.all_reduce(sums)
        return sums.chunk(torch.distributed.get_world_size())[torch.distributed.get_rank()]


def join(device: str) -> World:
    """Join the processes that `accelerate launch` or `torchrun` started; without them the world is this process.

    Args:
        device: "cpu" connects through gloo, "cuda" through nccl.

    Raises:
        ConfigError: there are several processes and accelerate is not installed.
    """
    if process()[1] == 1:
        return ALONE
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise ConfigError(
            "work in several processes needs accelerate", hint="pip install 'unlearnable[distributed]'"
        ) from error
    from timm.layers import convert_sync_batchnorm  # torch's own drops the activation of timm's normalisations

    accelerator = Accelerator(cpu=device == "cpu")

    rank, size = accelerator.process_index, accelerator.num_processes

    def gather(rows: Tensor) -> Tensor:
        gathered: Tensor = _Gathered.apply(rows.contiguous())  # type: ignore[no-untyped-call]
        return gathered

    def wrap(module: nn.Module) -> nn.Module:
        if device == "cuda":
            module = convert_sync_batchnorm(module)
        else:
            whole_statistics(module, gather, rank, size)
        wrapped: nn.Module = accelerator.prepare_model(module)
        return wrapped

    def touched(table: Tensor) -> Tensor:
        rows = table.any(dim=1).to(torch.uint8)
        with _reaching():
            torch.distributed.all_reduce(rows, torch.distributed.ReduceOp.MAX)
        return rows.nonzero()[:, 0]

    def average(module: nn.Module) -> None:
        gradients = [one.grad for one in module.parameters() if one.grad is not None]
        tensors = [*gradients, *(one for one in module.buffers() if one.is_floating_point())]
        places = [touched(one) if one.ndim == 2 and len(one) >= TABLE else ... for one in tensors]
        parts = [one[place] for one, place in zip(tensors, places, strict=True)]
        means = torch.cat([part.flatten() for part in parts])
        with _reaching():
            torch.distributed.all_reduce(means)
        sizes = [part.numel() for part in parts]
        for one, place, mean in zip(tensors, places, means.div(size).split(sizes), strict=True):
            one[place] = mean.view_as(one[place])

    def exchange(value: Any) -> list[Any]:
        values: list[Any] = [None] * size
        with _reaching():
            torch.distributed.all_gather_object(values, value)
        return values

    return World(rank, size, wrap, gather, torch.no_grad()(average), exchange)
