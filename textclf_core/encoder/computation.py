"""Fingerprints of a model's computation, apart from its weights: classes, settings, hooks, and their code."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils import output_capturing

from textclf_core.encoder.families import Parts
from textclf_core.encoder.last_block_cls import is_first_token_forward
from textclf_core.errors import RunError
from textclf_core.system.code import code_of

# The versions of these packages are part of every cache key.
_FOLDERS = {package.__name__: Path(str(package.__file__)).parent for package in (torch, transformers)}

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
# The attributes of every module: its mode, its submodules and parameters (hashed separately), and its hooks.
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
# Attributes about a model's origin, saving, loading and state, which don't affect what it computes.
_BOOKKEEPING = frozenset(
    {"train", "name_or_path", "warnings_issued", "_is_hf_initialized", "_output_capturing_hooks_installed"}
)


class UnknownComputationError(RunError):
    """What a model computes can't be fingerprinted, so its outputs must not be cached."""


def config_facts(config: PreTrainedConfig) -> dict[str, Any]:
    """Return the model's configuration as JSON values, without label names and paths."""
    aside = {"id2label", "label2id", "problem_type", "architectures", "_name_or_path", "transformers_version"}
    facts = {name: value for name, value in config.to_dict().items() if name not in aside}
    plain: dict[str, Any] = json.loads(json.dumps(facts, default=str))
    return plain


def computation_digests(model: PreTrainedModel, parts: Parts, upto: int | None, *, whole: bool) -> list[str]:
    """Return SHA-256 digests of the computation apart from the weights: around the blocks, per block, and of the rest.

    The head isn't included, since it comes after the body, and the model classes of transformers pass their inputs on
    to the body unchanged.

    Args:
        model: the model.
        parts: the model's parts.
        upto: the number of blocks to include; ``None`` for all.
        whole: whether to add a digest of the rest of the body, after the blocks.

    Raises:
        UnknownComputationError: the model has a hook, a patched method, a class made at run time, or a setting of an
            unsupported type.
    """
    walk = _Walk()
    walk.refuse_global_hooks()
    base = model.base_model
    behind = (*parts.pooler, *parts.final_norm)
    apart = [*behind, *(module for block in parts.blocks for module in block)]
    inside = {id(one) for module in apart for one in module.modules()}
    around = [(name, module) for name, module in base.named_modules() if id(module) not in inside]
    surrounding: list[object] = [walk.module(name, module, buffers=True) for name, module in around]
    surrounding.append(walk.attention(str(model.config._attn_implementation)))
    if model is not base:
        surrounding += walk.top(model)
    blocks = [
        [walk.module(f"block {number} {name}".strip(), one) for module in block for name, one in module.named_modules()]
        for number, block in enumerate(parts.blocks[:upto])
    ]
    rest = [walk.module(name, one) for module in behind for name, one in module.named_modules()] if whole else []
    return [_sha256(facts) for facts in (surrounding, *blocks, *([rest] if whole else []))]


def _sha256(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass
class _Walk:
    """Collect facts of modules; classes and configurations that several modules share are read once."""

    _classes: dict[type, list[str]] = field(default_factory=dict)
    _configs: dict[int, object] = field(default_factory=dict)

    def module(self, name: str, module: nn.Module, *, buffers: bool = False) -> list[object]:
        """Return the facts of a module, without its submodules."""
        where = f"{name or 'the model'} ({type(module).__name__})"
        self._refuse_hooks(where, module)
        settings = {}
        for key, value in vars(module).items():
            if key in _OF_EVERY_MODULE or key in _BOOKKEEPING:
                continue
            if callable(getattr(type(module), key, None)):
                if is_first_token_forward(value):
                    continue
                raise UnknownComputationError(f"The method {key!r} of {where} isn't that of its class.")
            settings[key] = self._value(value, f"{key!r} of {where}")
        own = {key: _tensor(value) for key, value in module._buffers.items() if value is not None} if buffers else {}
        return [name, self._class(type(module), where), settings, own]

    def top(self, model: nn.Module) -> list[object]:
        """Return the facts of the model class with the head."""
        where = f"the model ({type(model).__name__})"
        self._refuse_hooks(where, model)
        if "forward" in vars(model):
            raise UnknownComputationError(f"The method 'forward' of {where} isn't that of its class.")
        # The classes of transformers pass their inputs on to the body, whatever their head.
        return [fact for fact in self._class(type(model), where) if fact.partition(".")[0] != "transformers"]

    def attention(self, name: str) -> list[object]:
        """Return the facts of the functions registered under an attention implementation's name."""
        known = [(ALL_ATTENTION_FUNCTIONS, "attention"), (ALL_MASK_ATTENTION_FUNCTIONS, "mask")]
        return [self._value(table[name], f"the {what} {name!r}") for table, what in known if name in table]

    def refuse_global_hooks(self) -> None:
        if torch_module._global_forward_hooks or torch_module._global_forward_pre_hooks:
            raise UnknownComputationError("There is a forward hook on all modules.")

    def _refuse_hooks(self, where: str, module: nn.Module) -> None:
        for hook in (hook for kind in _HOOKS for hook in getattr(module, kind).values()):
            code = getattr(hook, "__code__", None)
            if code is not None and code.co_filename == output_capturing.__file__:
                continue  # transformers' hook that records hidden states, and changes nothing
            at = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
            raise UnknownComputationError(f"There is a forward hook on {where}{at}.")

    def _class(self, cls: type, where: str) -> list[str]:
        """Return the names of a class and its bases, and the code that they are defined in."""
        if cls not in self._classes:
            bases = cls.__mro__[: cls.__mro__.index(nn.Module)] if issubclass(cls, nn.Module) else cls.__mro__[:-1]
            self._classes[cls] = [self._one_class(base, where) for base in bases]
        return self._classes[cls]

    def _one_class(self, cls: type, where: str) -> str:
        if _found(cls.__module__, cls.__qualname__) is not cls:
            raise UnknownComputationError(f"{cls.__qualname__}, a class of {where}, was made at run time.")
        code = _code(cls.__module__, f"{cls.__qualname__}, a class of {where}")
        forward = vars(cls).get("forward")
        if isinstance(forward, FunctionType):
            code += f" {self._function(forward, f'{cls.__qualname__}.forward')}"
        return f"{cls.__module__}.{cls.__qualname__} {code}"

    def _value(self, value: object, where: str) -> object:
        """Return a setting as a JSON value that differs for different settings."""
        if value is None or isinstance(value, bool | int | float | str):
            return repr(value)
        if isinstance(value, torch.dtype | torch.device):
            return str(value)
        if isinstance(value, Tensor):
            return _tensor(value)
        if isinstance(value, PreTrainedConfig):
            return self._configs.setdefault(id(value), config_facts(value))
        if isinstance(value, Enum):
            return [*self._class(type(value), where), value.name]
        if isinstance(value, list | tuple):
            return [type(value).__name__, *(self._value(one, where) for one in value)]
        if isinstance(value, set | frozenset):
            return ["set", *sorted(json.dumps(self._value(one, where)) for one in value)]
        if isinstance(value, dict):
            return ["dict", *([self._value(key, where), self._value(one, where)] for key, one in value.items())]
        if isinstance(value, type):
            return self._class(value, where)
        if isinstance(value, partial):
            return ["partial", *(self._value(one, where) for one in (value.func, value.args, value.keywords))]
        if isinstance(value, FunctionType | BuiltinFunctionType):
            return self._function(value, where)
        raise UnknownComputationError(f"What {where} computes is unknown: it is a {type(value).__name__}.")

    def _function(self, function: Any, where: str) -> str:
        """Return a function's name and the code that it is defined in."""
        module = function.__module__ or type(function.__self__).__module__
        name = f"{module}.{function.__qualname__}"
        if isinstance(function, FunctionType):
            file = Path(function.__code__.co_filename)
            for known, folder in _FOLDERS.items():
                if file.is_relative_to(folder):
                    return f"{known}: {name}"
            if _found(module, function.__qualname__) is not function:
                raise UnknownComputationError(f"The function {name}, {where}, was made at run time.")
        return f"{name} {_code(module, where)}"


def _code(module: str, where: str) -> str:
    """Return the name and version, or hash, of a module's code."""
    top = module.partition(".")[0]
    code = top if top in _FOLDERS else code_of(module)
    if code is None:
        raise UnknownComputationError(f"There is no file with the source of {module}: {where}.")
    return code


def _found(module: str, qualname: str) -> object:
    """Return the object with a module and a qualified name; ``None`` if there is none."""
    found: object = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def _tensor(values: Tensor) -> list[object]:
    return [str(values.dtype), list(values.shape), tensor_sha256([values])]


def tensor_sha256(tensors: Iterable[Tensor]) -> str:
    """Return the SHA-256 of the bytes of tensors."""
    digest = hashlib.sha256()
    for values in tensors:
        # As bytes, because NumPy has no bfloat16.
        digest.update(values.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
