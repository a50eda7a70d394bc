"""What runs: version, instruction set, threads."""

from __future__ import annotations

from surefoot import _core

__all__ = ["show_config"]


def show_config() -> str:
    """The version, instruction set and thread count in use, as text.

    Example:
        >>> import surefoot as sf
        >>> print(sf.show_config())  # doctest: +ELLIPSIS
        surefoot ...
    """
    import numpy as np

    isas = ", ".join(_core._available_isas())
    return "\n".join(
        [
            f"surefoot {_core.__version__}",
            f"numpy    {np.__version__}",
            f"isa      {_core._isa()} (this machine can run: {isas}; SUREFOOT_ISA forces one)",
            f"threads  {_core.get_num_threads()}",
        ]
    )
