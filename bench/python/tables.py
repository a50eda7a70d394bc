"""surefoot on scikit-learn's tables through the command line, against its MLP with its defaults.

Both get the same training rows and are judged on the same test rows, a quarter of the table, which
neither sees before; of the digits that `surefoot train` has built in, it judges on 15 %.
scikit-learn's inputs are standardised on the training rows; surefoot does that itself, and takes
its validation rows out of the training rows.

    python bench/python/tables.py [--seeds 10] [--first-seed 100]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from surefoot.cli import main as surefoot
from surefoot.data import digits, split

BUILT_IN = "digits, built in"
TABLES = ("breast_cancer", "wine", "diabetes", "digits", BUILT_IN)


def split_table(name: str, seed: int) -> tuple[Any, Any]:
    """Training and test rows of a table, stratified by class."""
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    if name == BUILT_IN:
        images, labels = digits()
        frame = pandas.DataFrame(images.reshape(len(images), -1)).add_prefix("pixel_")
        frame["target"] = labels
        *seen, test = split(labels, (0.7, 0.15, 0.15), stratify=labels, seed=seed)
        return frame.iloc[np.concatenate([part.indices for part in seen])], frame.iloc[test.indices]
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    classes = None if name == "diabetes" else frame["target"]
    training, test = train_test_split(frame, test_size=0.25, random_state=seed, stratify=classes)
    return training, test


def run_sklearn(name: str, training: Any, test: Any, seed: int) -> float:
    """Accuracy or R2 of MLPClassifier or MLPRegressor with its defaults on scaled inputs."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind = MLPRegressor if name == "diabetes" else MLPClassifier
    model = make_pipeline(StandardScaler(), kind(random_state=seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(training.drop(columns="target"), training["target"])
    return float(model.score(test.drop(columns="target"), test["target"]))


def run_surefoot(name: str, training: Any, test: Any, seed: int) -> float:
    """The same from `surefoot train` with its defaults, then `surefoot evaluate`."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        training.to_csv(folder / "training.csv", index=False)
        test.to_csv(folder / "test.csv", index=False)
        command = ["train", "--quiet", "--seed", str(seed), "--run", str(folder / "run")]
        table = [str(folder / "training.csv"), "--target", "target", "--test-share", "0"]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert surefoot(command if name == BUILT_IN else [*command, *table]) == 0
            if name != BUILT_IN:
                out.truncate(0)
                assert surefoot(["evaluate", str(folder / "run"), str(folder / "test.csv")]) == 0
    prefix = "test R2: " if name == "diabetes" else "test accuracy: "
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith(prefix)]
    return float(line.removeprefix(prefix))


def main() -> None:
    """Print a row per table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    args = parser.parse_args()
    print("| table | score | surefoot | scikit-learn | difference | wins/draws/losses | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name in args.tables:
        scores: dict[Any, list[float]] = {run_surefoot: [], run_sklearn: []}
        seconds = dict.fromkeys(scores, 0.0)
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            training, test = split_table(name, seed)
            for run, found in scores.items():
                began = time.perf_counter()
                found.append(run(name, training, test, seed))
                seconds[run] += (time.perf_counter() - began) / args.seeds
        ours, theirs = (np.round(found, 3) for found in scores.values())
        gain = ours - theirs
        error = gain.std(ddof=1) / np.sqrt(args.seeds) if args.seeds > 1 else float("nan")
        wins = f"{(gain > 0).sum()}/{(gain == 0).sum()}/{(gain < 0).sum()}"
        pace = " / ".join(f"{value:.1f}" for value in seconds.values())
        what = "R2" if name == "diabetes" else "accuracy"
        print(
            f"| {name} | {what} | {ours.mean():.3f} | {theirs.mean():.3f} | {gain.mean():+.4f} "
            f"± {error:.4f} | {wins} | {pace} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
