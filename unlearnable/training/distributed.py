"""Work in several processes: each embeds its share of a batch, and the loss is over the whole batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unlearnable.errors import ConfigError, UnlearnableError
from unlearnable.storage.pool import process


@dataclass(eq=False)
class World:
    """The processes that work together; here, this process alone."""

    rank: int = 0  # number of this process, from 0
    size: int = 1

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return a module that averages its gradients over the processes."""
        return module

    def gather(self, rows: Tensor) -> Tensor:
        """Return the rows of all processes, in order of rank, with their gradients."""
        return rows

    def average(self, module: nn.Module) -> None:
        """Average a module's gradients and statistics over the processes, in place."""

    def exchange(self, value: Any) -> list[Any]:
        """Return what all processes give, in order of rank."""
        return [value]

    def share(self, count: int) -> list[int]:
        """Return the rows of a batch of `count` that this process embeds.

        Every process embeds equally many, since they are gathered: if `count` does not divide evenly, the
        first rows are repeated after the last one, and the first `count` gathered rows are the batch.
        """
        part = -(-count // self.size)
        return [row % count for row in range(self.rank * part, (self.rank + 1) * part)]


ALONE = World()


def lead(world: World, work: str) -> None:
    """Tell the other processes, which wait for it, what work they are needed for; none if `work`, a hash, is empty.

    It is a `ConfigError` if one of them cannot take part, or would compute something else.
    """
    for rank, (ready_for, problem) in enumerate(world.exchange((work, ""))[1:], 1):
        if work and ready_for != work:
            problem = problem or "it would protect other photos, or by other settings"
            raise ConfigError(
                f"process {rank} cannot take part: {problem}", hint="all processes must see the same photos"
            )


def follow(world: World, work: str, problem: str = "") -> bool:
    """Wait for the first process, and return whether it needs this one for `work`, a hash.

    It is empty where this process cannot take part; `problem` then says why.
    """
    needed, _ = world.exchange((work, problem))[0]
    return bool(needed) and needed == work


def join(device: str) -> World:
    """Join the processes that `accelerate launch` or `torchrun` started: by gloo on the CPU, by nccl on CUDA."""
    if process()[1] == 1:
        return ALONE
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise ConfigError(
            "work in several processes needs accelerate", hint="pip install 'unlearnable[distributed]'"
        ) from error
    accelerator = Accelerator(cpu=device == "cpu")
    return _Several(accelerator.process_index, accelerator.num_processes, accelerator, device)


@dataclass(eq=False)
class _Several(World):
    accelerator: Any = None
    device: str = "cpu"

    def wrap(self, module: nn.Module) -> nn.Module:
        if self.device == "cuda":
            from timm.layers import convert_sync_batchnorm  # torch's own drops the activation of timm's normalisations

            module = convert_sync_batchnorm(module)
        else:
            share_statistics(module, self.gather, self.rank, self.size)
        wrapped: nn.Module = self.accelerator.prepare_model(module)
        return wrapped

    def gather(self, rows: Tensor) -> Tensor:
        gathered: Tensor = _Gathered.apply(rows.contiguous())  # type: ignore[no-untyped-call]
        return gathered

    @torch.no_grad()
    def average(self, module: nn.Module) -> None:
        gradients = [weights.grad for weights in module.parameters() if weights.grad is not None]
        tensors = [*gradients, *(buffer for buffer in module.buffers() if buffer.is_floating_point())]
        means = torch.cat([one.flatten() for one in tensors])
        with _reaching():
            torch.distributed.all_reduce(means)
        sizes = [one.numel() for one in tensors]
        for one, mean in zip(tensors, means.div(self.size).split(sizes), strict=True):
            one.copy_(mean.view_as(one))

    def exchange(self, value: Any) -> list[Any]:
        values: list[Any] = [None] * self.size
        with _reaching():
            torch.distributed.all_gather_object(values, value)
        return values


def share_statistics(module: nn.Module, gather: Callable[[Tensor], Tensor], rank: int, size: int) -> None:
    """Make a module's batch normalisations use the rows of all processes, as `SyncBatchNorm` does on GPUs only."""

    def all_rows(norm: nn.Module, rows: tuple[Tensor]) -> tuple[Tensor] | None:
        return (gather(rows[0]),) if norm.training else None

    def own_rows(norm: nn.Module, rows: tuple[Tensor], out: Tensor) -> Tensor | None:
        return out.chunk(size)[rank].clone() if norm.training else None  # the next layer may change it in place

    for norm in module.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            norm.register_forward_pre_hook(all_rows)
            norm.register_forward_hook(own_rows)


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


@contextmanager
def _reaching() -> Iterator[None]:
    """Exchange something with the other processes; if one of them has ended, say so."""
    try:
        yield
    except RuntimeError as error:  # of gloo or nccl
        raise UnlearnableError(
            "another process has stopped, and this one with it",
            hint="if it said why, mend that; then use `resume=True`",
        ) from error
