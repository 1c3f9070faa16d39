"""A device for tests that computes on the CPU and is called another one: what mixes the two fails as it would on a GPU.

No machine that runs the tests need have a GPU. A tensor on the device wraps one of the CPU; an operation that is given
tensors of both, a generator of the CPU, or a tensor for NumPy is an error, as with CUDA, and so are 64-bit numbers, as
with MPS. It is for a new process: PyTorch takes one such device, for good, and before it has computed any gradient.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

from unlearnable.models import device

NAME = "elsewhere"
_aten = torch.ops.aten
_TRANSFERS = {_aten._to_copy.default, _aten.copy_.default}
_INDEXED = {  # indices may be on the CPU
    _aten.index.Tensor,
    _aten.index_put.default,
    _aten.index_put_.default,
    _aten._index_put_impl_.default,
    _aten._unsafe_index.Tensor,
}


class Elsewhere(Tensor):
    """A tensor on the device, which wraps one of the CPU."""

    on_cpu: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Elsewhere:
        """Return a tensor of the shape and memory of `inner`."""
        if inner.dtype is torch.float64:
            raise _refused(f"64-bit numbers on {NAME}, of which Apple's GPUs have none")
        made: Elsewhere = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=torch.device(NAME, 0),
        )
        made.on_cpu = inner
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Return what a file that is read with `map_location="cpu"` holds."""
        return self.on_cpu.detach().__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """Run an operation on what is wrapped."""
        return _run(func, args, kwargs or {})


class _Operations(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Literals(TorchFunctionMode):
    """`torch.tensor` and its like, which reach the device by no operation."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor) and _is_there(kwargs.get("device")):
            return func(*args, **{**kwargs, "device": "cpu"}).to(NAME)
        return func(*args, **kwargs)


class _Module(backend_registration._DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]

    def get_rng_state(self, device: Any = None) -> Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: Tensor, device: Any = None) -> None:
        torch.set_rng_state(state)


@contextmanager
def chosen() -> Iterator[None]:
    """Have the program choose the device within the block."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
    for name in ("storage_ptr", "storage_size"):
        setattr(safetensors.torch, name, _of_inner(getattr(safetensors.torch, name)))
    device.choose_device = lambda wanted: NAME  # before other modules take it
    with _Literals(), _Operations():
        yield


def _of_inner(function: Callable[[Tensor], int]) -> Callable[[Tensor], int]:
    return lambda tensor: function(_unwrapped(tensor))


def _unwrapped(value: Any) -> Any:
    return value.on_cpu if isinstance(value, Elsewhere) else value


def _is_there(device: Any) -> bool:
    return device is not None and torch.device(device).type == NAME


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    there = _check(func, args, kwargs)
    on_cpu = {key: value for key, value in kwargs.items() if key != "pin_memory"}
    if "device" in on_cpu:
        on_cpu["device"] = torch.device("cpu")
    wrappers = {id(one.on_cpu): one for one in tree_leaves((args, kwargs)) if isinstance(one, Elsewhere)}
    found = func(*tree_map(_unwrapped, args), **tree_map(_unwrapped, on_cpu))
    if not there:
        return tree_map(lambda one: one.clone() if id(one) in wrappers else one, found)

    def wrapped(one: Any) -> Any:
        if not isinstance(one, Tensor) or isinstance(one, Elsewhere):
            return one
        return wrappers[id(one)] if id(one) in wrappers else Elsewhere(one)

    found = tree_map(wrapped, found)
    return return_and_correct_aliasing(func, args, kwargs, found) if wrappers else found


def _check(func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    """Return whether the result of an operation is on the device; refuse what a GPU refuses."""
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    theirs = [one for one in tensors if isinstance(one, Elsewhere)]
    near = [one for one in tensors if not isinstance(one, Elsewhere) and one.ndim]
    if func in _INDEXED and isinstance(args[0], Elsewhere):
        near = [one for one in near if not any(one is index for index in args[1])]
    if func not in _TRANSFERS and theirs and near:
        raise _refused(f"{func}: tensors on {NAME} and on the CPU, {[tuple(one.shape) for one in tensors]}")
    if func is _aten.copy_.default:
        return isinstance(args[0], Elsewhere)
    there = bool(theirs) if kwargs.get("device") is None else _is_there(kwargs["device"])
    if there and kwargs.get("generator") is not None:
        raise _refused(f"{func}: a generator of the CPU on {NAME}")
    return there


def _refused(message: str) -> RuntimeError:
    print(message, file=sys.stderr, flush=True)  # in a backward pass PyTorch ends the process, and says nothing of it
    return RuntimeError(message)
