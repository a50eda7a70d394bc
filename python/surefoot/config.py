"""What runs: version, instruction set, threads."""

from __future__ import annotations

from surefoot import _core

__all__ = ["show_config"]


def show_config() -> None:
    """Print the version, the instruction set and the number of threads in use.

    Example:
        >>> import surefoot as sf
        >>> sf.show_config()  # doctest: +ELLIPSIS
        surefoot ...
    """
    import numpy as np

    isas = ", ".join(_core._available_isas())
    print(f"surefoot {_core.__version__}")
    print(f"numpy    {np.__version__}")
    print(f"isa      {_core._isa()} (this machine can run: {isas}; SUREFOOT_ISA forces one)")
    print(f"threads  {_core.get_num_threads()}")
