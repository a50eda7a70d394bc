"""What `import surefoot` costs on top of `import numpy`: median over fresh interpreters."""

import statistics
import subprocess
import sys

RUNS = 15
PROBE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def import_time_s(module: str) -> float:
    """Seconds from before to after the import, measured inside a fresh interpreter."""
    command = [sys.executable, "-c", PROBE.format(module)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    import_time_s("surefoot")  # warms the file cache and writes byte code
    # Alternating, so that a change of the machine's pace meets both alike.
    pairs = [(import_time_s("numpy"), import_time_s("numpy, surefoot")) for _ in range(RUNS)]
    numpy_ms, both_ms = (1e3 * statistics.median(column) for column in zip(*pairs, strict=True))
    added_ms = 1e3 * statistics.median(both - alone for alone, both in pairs)
    print(f"import numpy            {numpy_ms:7.1f} ms")
    print(f"import numpy, surefoot  {both_ms:7.1f} ms")
    print(f"surefoot adds           {added_ms:7.1f} ms   (median of {RUNS} pairs)")


if __name__ == "__main__":
    main()
