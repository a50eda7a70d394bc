"""Files: tensors to safetensors and back. No pickle; loading a file never runs code."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from surefoot import _core
from surefoot._core import Tensor
from surefoot._disk import replace_file

__all__ = ["load", "read_tensors", "save", "write_tensors"]

StrPath = str | os.PathLike[str]

_TREE = "surefoot.tree"
_SHARED = "surefoot.shared"  # [names in order, name -> the earlier name of its tensor]
_DIGESTS = "surefoot.sha256"  # name -> SHA-256 of the tensor's bytes
_SEAL = "surefoot.seal"  # SHA-256 of all bytes before the tensors, with zeros in its own place
_NO_SEAL = "0" * 64
_DTYPES = {"BOOL", "U8", "I32", "I64", "F32", "F64"}
_HEADER_LIMIT = 100_000_000


def save(obj: Any, path: StrPath, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors to one safetensors file, whole or not at all.

    ``obj`` is a dict of tensors such as ``model.state_dict()``, or nested dicts, lists and tuples
    of tensors, numbers, strings and None. The file holds a SHA-256 digest of every tensor and of
    its header, which ``load`` checks. An old file is replaced when the new one is on disk and has
    been read back.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(2, 1)
        >>> sf.save(model.state_dict(), "model.safetensors")
        >>> sf.save({"model": model.state_dict(), "epoch": 3}, "checkpoint.safetensors")
    """
    notes = dict(metadata or {})
    if isinstance(obj, Mapping) and all(
        isinstance(name, str) and _is_array(value) for name, value in obj.items()
    ):
        tensors = dict(obj)
    elif isinstance(obj, (Mapping, list, tuple)):
        tensors = {}
        notes[_TREE] = json.dumps(_pack(obj, "", tensors))
    else:
        hint = "; pass model.state_dict()" if hasattr(obj, "state_dict") else ""
        raise TypeError(f"[save] expected a dict of tensors, not {type(obj).__name__}{hint}")
    write_tensors(path, tensors, notes)


def load(path: StrPath, *, sealed: bool = False) -> Any:
    """Read what ``save`` wrote, or any safetensors file as a dict of tensors.

    A file that is truncated, edited or of another format is a ValueError; in a file that ``save``
    wrote a single changed bit is found. ``sealed=True`` refuses a file without digests, too.

    Example:
        >>> import surefoot as sf
        >>> sf.save({"w": sf.ones(2)}, "w.safetensors")
        >>> sf.load("w.safetensors")["w"].tolist()
        [1.0, 1.0]
    """
    tensors, metadata = read_tensors(path, sealed)
    if _TREE not in metadata:
        return tensors
    try:
        return _unpack(json.loads(metadata[_TREE]), tensors)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _bad_file(path, f"its structure does not fit its tensors ({error})") from None


def write_tensors(path: StrPath, tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write named tensors and text metadata to a safetensors file, atomically.

    A tensor under several names (tied weights) is written once; other programs that read the file
    find it under its first name.
    """
    from safetensors import numpy as safetensors_numpy

    odd = [part for part in (*tensors, *metadata, *metadata.values()) if type(part) is not str]
    if odd:
        raise TypeError(f"[save] names and metadata are strings, not {odd[0]!r}")
    if "__metadata__" in tensors:
        raise ValueError("[save] the name '__metadata__' belongs to the file format")
    same = _aliases(tensors)
    arrays = {name: _as_array(name, value) for name, value in tensors.items() if name not in same}
    notes = dict(metadata)
    if same:
        notes[_SHARED] = json.dumps([list(tensors), same])
    data = safetensors_numpy.save(arrays)
    replace_file(Path(path), _with_header(data, list(arrays), notes))


def read_tensors(path: StrPath, sealed: bool = False) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a safetensors file, in the order they were saved, and its metadata.

    Names that shared a tensor when they were saved share one again. Digests are checked where the
    file has them; with ``sealed`` it must.
    """
    from safetensors import SafetensorError
    from safetensors import numpy as safetensors_numpy

    data = Path(path).read_bytes()
    header = _read_header(path, data)
    metadata = header.pop("__metadata__", {})
    for name, entry in header.items():
        dtype = entry.get("dtype") if isinstance(entry, dict) else None
        if dtype not in _DTYPES:
            known = ", ".join(sorted(_DTYPES))
            raise _bad_file(path, f"tensor {name!r} has dtype {dtype}; surefoot reads {known}")
    try:
        arrays = safetensors_numpy.load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _bad_file(path, str(error)) from None
    _check_digests(path, data, header, metadata, sealed)
    tensors = {name: _core.tensor(arrays[name]) for name in header}
    return _with_aliases(path, tensors, metadata.pop(_SHARED, None)), metadata


def _aliases(tensors: Mapping[str, Any]) -> dict[str, str]:
    """Name -> an earlier name of the very same elements in memory."""
    first: dict[tuple[Any, ...], str] = {}
    same = {}
    for name, value in tensors.items():
        if not _is_array(value) or 0 in value.shape:
            continue
        array = value.detach().numpy() if isinstance(value, Tensor) else value
        place = (array.ctypes.data, array.shape, array.strides, array.dtype.str)
        if first.setdefault(place, name) != name:
            same[name] = first[place]
    return same


def _with_aliases(path: StrPath, tensors: dict[str, Tensor], note: Any) -> dict[str, Tensor]:
    if note is None:
        return tensors
    try:
        names, same = json.loads(note)
        complete = {name: tensors[same.get(name, name)] for name in names}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _bad_file(path, f"its shared tensors do not fit ({error})") from None
    if not set(tensors) <= set(complete):
        raise _bad_file(path, "its shared tensors do not fit (some are left out)")
    return complete


def _with_header(
    data: bytes, order: list[str], metadata: dict[str, str]
) -> list[bytes | memoryview]:
    """The file in two parts, its header in the given order: equal content is equal bytes."""
    size = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + size])
    body = memoryview(data)[8 + size :]
    digests = {name: _digest(body, entries[name]) for name in order}
    notes = {**metadata, _DIGESTS: json.dumps(digests), _SEAL: _NO_SEAL}
    header = {"__metadata__": notes, **{name: entries[name] for name in order}}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8 bytes
    head = len(text).to_bytes(8, "little") + text
    seal = hashlib.sha256(head).hexdigest()
    mark = f'"{_SEAL}":"'.encode()
    return [head.replace(mark + _NO_SEAL.encode(), mark + seal.encode(), 1), body]


def _digest(body: memoryview, entry: Mapping[str, Any]) -> str:
    begin, end = entry["data_offsets"]
    return hashlib.sha256(body[begin:end]).hexdigest()


def _check_digests(
    path: StrPath, data: bytes, header: dict[str, Any], metadata: dict[str, str], sealed: bool
) -> None:
    """Take the digests out of the metadata and compare them with what the file holds."""
    seal, digests = metadata.pop(_SEAL, None), metadata.pop(_DIGESTS, None)
    if seal is None and digests is None and not sealed:
        return
    end = 8 + int.from_bytes(data[:8], "little")
    mark = f'"{_SEAL}":"'.encode()
    blank = data[:end].replace(mark + str(seal).encode(), mark + _NO_SEAL.encode(), 1)
    if seal is None or digests is None or hashlib.sha256(blank).hexdigest() != seal:
        raise _bad_file(path, "its header is damaged (its digest does not fit)")
    body = memoryview(data)[end:]
    try:
        expected = dict(json.loads(digests))
    except (ValueError, TypeError, RecursionError) as error:
        raise _bad_file(path, f"its digests are no table ({error})") from None
    for name, entry in header.items():
        if _digest(body, entry) != expected.get(name):
            raise _bad_file(path, f"tensor {name!r} is damaged (its digest does not fit)")


def _read_header(path: StrPath, data: bytes) -> dict[str, Any]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > _HEADER_LIMIT or not data[8:].startswith(b"{"):
        raise _bad_file(path, "it does not begin like one")
    if size + 8 > len(data):
        raise _bad_file(
            path, f"it is truncated: {len(data)} bytes, its header alone needs {size + 8}"
        )
    try:
        header = json.loads(data[8 : 8 + size].decode("utf-8"), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise _bad_file(path, f"its header is damaged ({error})") from None
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        raise _bad_file(path, "its header is damaged (not a table of tensors)")
    return header


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


def _bad_file(path: StrPath, reason: str) -> ValueError:
    return ValueError(f"[load] {os.fspath(path)} is not a usable safetensors file: {reason}")


def _is_array(value: Any) -> bool:
    return isinstance(value, (Tensor, np.ndarray))


def _as_array(name: str, value: Any) -> npt.NDArray[Any]:
    if not _is_array(value):
        raise TypeError(f"[save] {name!r} is a {type(value).__name__}, not a tensor")
    array = value.detach().numpy() if isinstance(value, Tensor) else value
    if array.dtype.kind not in "fiub":
        raise TypeError(f"[save] {name!r} has dtype {array.dtype}; only numbers and bool are saved")
    return np.asarray(array, order="C", dtype=array.dtype.newbyteorder("="))


def _pack(value: Any, name: str, tensors: dict[str, Any]) -> Any:
    """Return ``value`` as JSON, with its tensors moved into ``tensors`` under dotted names."""
    if _is_array(value):
        while name in tensors:
            name += "_"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        parts = [(key, _pack(item, _join(name, key), tensors)) for key, item in value.items()]
        for key, _ in parts:
            if not isinstance(key, (str, int)):
                raise TypeError(f"[save] dict keys are strings or integers, not {key!r}")
        return {"dict": [[key, part] for key, part in parts]}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_pack(item, _join(name, i), tensors) for i, item in enumerate(value)]}
    if isinstance(value, np.generic) and value.dtype.kind in "fiub":
        value = value.item()  # an option such as lr=np.float32(0.1)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"[save] {name!r} is a {type(value).__name__}; it cannot be saved")


def _join(name: str, key: Any) -> str:
    return f"{name}.{key}" if name else str(key)


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _unpack(item, tensors) for key, item in content}
    if kind in ("list", "tuple"):
        items = [_unpack(item, tensors) for item in content]
        return tuple(items) if kind == "tuple" else items
    raise ValueError(f"unknown part {kind!r}")
