"""What every test starts from: a fixed seed and a fixed number of threads."""

import os
import signal

import hypothesis
import pytest

import surefoot as sf

# A slow machine is no failure; in CI the same examples come every time.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

# A shell that starts the suite in the background ignores Ctrl-C; here and in our children it acts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--threads", type=int, help="run the suite on this many threads")


def pytest_report_header(config: pytest.Config) -> str:
    return f"surefoot {sf.__version__} from {os.path.dirname(sf.__file__)}"


@pytest.fixture(autouse=True)
def _fresh_state(request: pytest.FixtureRequest) -> None:
    """Seed and thread count as at the start, whatever the test before did."""
    threads = request.config.getoption("--threads") or _DEFAULT_THREADS
    sf.set_num_threads(threads)
    sf.manual_seed(0)


_DEFAULT_THREADS = sf.get_num_threads()
