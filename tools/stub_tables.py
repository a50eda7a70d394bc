"""What the built module does not say of itself, for tools/stubs.py."""

# Types in the signature lines of ops -> Python. A Number is a bool, an int or a float.
TYPES = {
    "Any": "_Any",
    "Generator": "Generator",
    "Number": "builtins.float",
    "Tensor": "Tensor",
    "Tensor[]": "_Sequence[Tensor]",
    "bool": "builtins.bool",
    "dtype": "_DType",
    "float": "builtins.float",
    "int": "builtins.int",
    "int...": "builtins.int | _Sequence[builtins.int]",
    "int[]": "builtins.int | _Sequence[builtins.int]",
    "float[]": "builtins.float | _Sequence[builtins.float]",
    "str": "builtins.str",
}

RETURNS = {
    "Any": "_Any",
    "Number": "builtins.float",
    "bool": "builtins.bool",
    "float": "builtins.float",
    "int": "builtins.int",
    "list": "_Any",
    "ndarray": "_Array",
    "tuple": "builtins.tuple",
}

# Ops whose result depends on what they are given.
OVERLOADS = (
    {
        name: [
            f"{name}(Tensor input) -> Tensor",
            f"{name}(Tensor input, int dim, bool keepdim=False) -> ValuesIndices",
            f"{name}(Tensor input, Tensor dim) -> Tensor",
        ]
        for name in ("max", "min")
    }
    | {
        name: [f"{name}(Tensor input) -> tuple[int, ...]", f"{name}(Tensor input, int dim) -> int"]
        for name in ("size", "stride")
    }
    | {
        "nonzero": [
            "nonzero(Tensor input) -> Tensor",
            "nonzero(Tensor input, *, bool as_tuple) -> Any",
        ],
        "where": [
            "where(Tensor condition) -> tuple[Tensor, ...]",
            "where(Tensor condition, Tensor|Number input, Tensor|Number other) -> Tensor",
        ],
    }
)

# In the signatures that pybind11 writes: pattern -> replacement, in this order.
PYBIND_TYPES = [
    (r"surefoot\._core\.", ""),
    (r"typing\.SupportsInt \| typing\.SupportsIndex", "builtins.int"),
    (r"typing\.SupportsFloat \| typing\.SupportsIndex", "builtins.float"),
    (r"collections\.abc\.Sequence", "_Sequence"),
    (r"\b(typing\.)?(Any|object|handle)\b", "_Any"),
    (r"(?<![\w.])(bool|int|float|str|list|tuple|dict)\b", r"builtins.\1"),
    (r"builtins\.(list|tuple|dict)(?!\[)", r"builtins.\1[_Any, _Any]"),
    (r"builtins\.list\[_Any, _Any\]", "builtins.list[_Any]"),
    (r"builtins\.tuple\[_Any, _Any\]", "builtins.tuple[_Any, ...]"),
]

# Functions whose registration says too little.
FUNCTIONS = {
    "_make_subclass": "(type: type[_T], data: Tensor, requires_grad: builtins.bool) -> _T",
    "_op_signatures": "() -> builtins.list[builtins.tuple[_Str, _Str, _Str]]",
    "from_dlpack": "(ext_tensor: _Any) -> Tensor",
    "from_numpy": "(array: _Array) -> Tensor",
    "memory_stats": "() -> builtins.dict[builtins.str, builtins.int]",
    "tensor": "(data: _Any, *, dtype: dtype | _Any = None, requires_grad: builtins.bool = False)"
    " -> Tensor",
}

PROPERTIES = {
    ("dtype", "dtype"): "_np.dtype[_Any]",
    ("dtype", "is_floating_point"): "builtins.bool",
    ("dtype", "itemsize"): "builtins.int",
}

PREAMBLE = '''\
_Array = _np.ndarray[_Any, _Any]
_T = _TypeVar("_T", bound="Tensor")
_DType = dtype
_Str = builtins.str

class ValuesIndices(_NamedTuple):
    """What max and min over a dimension, sort and topk return."""

    values: Tensor
    indices: Tensor
'''

# Attributes of Tensor that are no ops: declarations and names, filled in for {}.
TENSOR = [
    ("{}: Tensor", "data"),
    ("{}: Tensor | None", "grad"),
    ("{}: builtins.bool", "requires_grad"),
    ("@property\ndef {}(self) -> Tensor: ...", "T mT"),
    ("@property\ndef {}(self) -> _DType: ...", "dtype"),
    ("@property\ndef {}(self) -> builtins.str | None: ...", "grad_fn"),
    ("@property\ndef {}(self) -> builtins.bool: ...", "is_leaf"),
    ("@property\ndef {}(self) -> builtins.int: ...", "itemsize nbytes ndim _version"),
    ("@property\ndef {}(self) -> builtins.tuple[builtins.int, ...]: ...", "shape"),
    ("{}: builtins.int", "__array_priority__"),
    ("def {}(self) -> Tensor: ...", "__neg__ __pos__ __abs__ __invert__"),
    (
        "def {}(self, other: Tensor | builtins.float) -> Tensor: ...",
        "__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ "
        "__floordiv__ __rfloordiv__ __mod__ __rmod__ __and__ __rand__ __or__ __ror__ "
        "__xor__ __rxor__ __lt__ __le__ __gt__ __ge__",
    ),
    ("def {}(self, other: Tensor) -> Tensor: ...", "__matmul__ __rmatmul__"),
    (
        "def {}(self, other: Tensor | builtins.float, modulo: None = None, /) -> Tensor: ...",
        "__pow__ __rpow__",
    ),
    (
        "def {}(self, other: Tensor | builtins.float) -> Tensor: ...",
        "__iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __imod__",
    ),
    (
        "def {}(self, other: Tensor | builtins.float) -> Tensor: ...  # type: ignore[misc]",
        "__ipow__",
    ),
    ("def {}(self, other: object) -> Tensor: ...  # type: ignore[override]", "__eq__ __ne__"),
    ("def {}(self) -> builtins.int: ...", "__hash__ __int__ __index__ __len__"),
    ("def {}(self) -> builtins.float: ...", "__float__"),
    ("def {}(self) -> builtins.bool: ...", "__bool__"),
    ("def {}(self, index: _Any) -> Tensor: ...", "__getitem__"),
    ("def {}(self, index: _Any, value: Tensor | _Any) -> None: ...", "__setitem__"),
    ("def {}(self, index: _Any) -> None: ...", "__delitem__"),
    ("def {}(self) -> _Iterator[Tensor]: ...", "__iter__"),
    ("def {}(self, value: object) -> builtins.bool: ...", "__contains__"),
    ("def {}(self, **kwargs: _Any) -> _Any: ...", "__dlpack__"),
    ("def {}(self) -> builtins.tuple[builtins.int, builtins.int]: ...", "__dlpack_device__"),
    ("def {}(self, memo: builtins.dict[builtins.int, _Any]) -> Tensor: ...", "__deepcopy__"),
]

# What object declares already, and bookkeeping of Python.
UNDECLARED = {
    *("__new__", "__repr__", "__format__", "__reduce__", "__module__", "__doc__", "__dict__"),
    *("__weakref__", "__weaklistoffset__"),
}
