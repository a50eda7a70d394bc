"""Every chore by name; the steps of .ci/run carry the same names.

The sessions run in the environment you are in. To set it up: pip install nox && nox -s dev
"""

import os
import subprocess
from pathlib import Path

import nox

ROOT = Path(__file__).parent

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "typing", "stubs", "tests"]


def tracked(*patterns: str) -> list[str]:
    """Files git knows, and new ones it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def build(session: nox.Session, preset: str, *targets: str) -> None:
    session.run("cmake", "--preset", preset, external=True)
    wanted = ["--target", *targets] if targets else []
    session.run("cmake", "--build", "--preset", preset, *wanted, external=True)


def isas() -> list[str]:
    """The instruction sets this CPU can run, narrow to wide."""
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    has_avx2 = {"avx2", "fma", "bmi2", "f16c"} <= set(flags)
    has_avx512 = has_avx2 and {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= set(flags)
    return ["baseline"] + ["avx2"] * has_avx2 + ["avx512"] * has_avx512


@nox.session
def tools(session: nox.Session) -> None:
    """Install the tools the other sessions call (the extra [dev])."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    wanted = project["optional-dependencies"]["dev"] + project["optional-dependencies"]["test"]
    external = [name for name in wanted if not name.startswith("surefoot")]
    session.run("python", "-m", "pip", "install", *external, *project["dependencies"])


@nox.session
def dev(session: nox.Session) -> None:
    """Editable install that rebuilds the C++ core when its sources changed."""
    tools(session)
    session.run(
        *("python", "-m", "pip", "install", "--no-build-isolation", "--no-deps", "-e", "."),
        *("-Ceditable.rebuild=true", "-Ceditable.verbose=false", "-Cbuild-dir=build/editable"),
    )


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite against the installed package."""
    session.run("pytest", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """The tests marked slow."""
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def cpp(session: nox.Session) -> None:
    """The core's own tests and the symbol check of the ISA objects; `-- DIR` takes a built tree."""
    if session.posargs:
        session.run("ctest", "--output-on-failure", "--test-dir", *session.posargs, external=True)
        return
    build(session, "release")
    session.run("ctest", "--preset", "release", external=True)


@nox.session
def isa(session: nox.Session) -> None:
    """What the session `tests` leaves out: the narrower ISAs of this CPU, and one thread."""
    *narrower, widest = isas()
    for name, threads in [*((name, "2") for name in narrower), (widest, "1")]:
        args = session.posargs or ["tests", "--ignore=tests/repo"]
        session.run("pytest", f"--threads={threads}", *args, env={"SUREFOOT_ISA": name})


@nox.session
def asan(session: nox.Session) -> None:
    """C++ tests and suite under AddressSanitizer and UndefinedBehaviorSanitizer."""
    build(session, "asan")
    session.run("ctest", "--preset", "asan", external=True)
    site = str(ROOT / "build" / "asan" / "site")
    session.run("cmake", "--install", "build/asan", "--prefix", site, external=True)
    compiler = os.environ.get("CXX", "c++")
    runtimes = [
        subprocess.run(
            [compiler, f"-print-file-name={name}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for name in ("libasan.so", "libstdc++.so")
    ]
    session.run(
        *(
            "python",
            "-m",
            "pytest",
            "--capture=sys",
            *(session.posargs or ["tests", "--ignore=tests/repo"]),
        ),
        env={
            "PYTHONPATH": site,
            "LD_PRELOAD": " ".join(runtimes),
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        },
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff and clang-format, changing nothing."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("clang-format", "--dry-run", "--Werror", *tracked("*.cpp", "*.h"))


@nox.session(name="format")
def format_(session: nox.Session) -> None:
    """Ruff and clang-format, in place."""
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")
    session.run("clang-format", "-i", *tracked("*.cpp", "*.h"))


@nox.session
def typing(session: nox.Session) -> None:
    """Strict mypy on the package."""
    session.run("mypy")


@nox.session
def stubs(session: nox.Session) -> None:
    """Fail if _core.pyi is not what the built module says; `-- --write` renews it."""
    session.run("python", "tools/stubs.py", *(session.posargs or ["--check"]))


@nox.session
def bench(session: nox.Session) -> None:
    """C++ kernels against the machine's peak, then what surefoot asks for before it computes."""
    build(session, "release")
    session.run("build/release/sf_bench", *session.posargs, external=True)
    session.run("python", "bench/python/footprint.py")
