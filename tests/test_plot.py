"""Pictures: what is in their lines, bars and colours is what NumPy says it should be."""

import io
import sys
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim, plot
from surefoot.optim import lr_scheduler as ls

pytest.importorskip("matplotlib")

RANDOM = np.random.RandomState(0)


def lines(axes: Any) -> dict[str, list[float]]:
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


def histories() -> dict[str, dict[str, list[Any]]]:
    return {
        "a": {"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "val_loss": [3.0, None, 2.0]},
        "b": {"epoch": [1, 2], "loss": [4.0, 1.0], "val_loss": [2.0, 2.5], "lr": [0.1, 0.1]},
    }


CALLS = {
    "learning_curves": lambda: plot.learning_curves({"loss": [1.0, 0.5]}),
    "schedule": lambda: plot.schedule(lambda opt: ls.StepLR(opt, 2), 5),
    "loss_surface": lambda: plot.loss_surface(lambda x, y: x * y, (0, 1), (0, 1), resolution=5),
    "optimizer_paths": lambda: plot.optimizer_paths(lambda x, y: x * x + y * y, (1, 1), steps=3),
    "activation_functions": lambda: plot.activation_functions(sf.tanh),
    "activation_histograms": lambda: plot.activation_histograms(nn.Linear(2, 2), np.ones((3, 2))),
    "gradient_histograms": lambda: plot.gradient_histograms(
        nn.Linear(2, 1), np.ones((3, 2)), np.ones((3, 1), np.float32), nn.MSELoss()
    ),
    "weight_histograms": lambda: plot.weight_histograms(nn.Linear(2, 2)),
    "decision_regions": lambda: plot.decision_regions(nn.Linear(2, 2), np.eye(2), [0, 1]),
    "confusion_matrix": lambda: plot.confusion_matrix([[1, 0], [0, 1]]),
    "weight_images": lambda: plot.weight_images(nn.Linear(4, 2), (2, 2)),
}


def test_every_picture_is_called_here() -> None:
    assert sorted(CALLS) == sorted(plot.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_without_matplotlib_one_line_names_the_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=rf"\[{name}\].*pip install 'surefoot\[plot\]'") as error:
        CALLS[name]()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", CALLS)
def test_a_figure_that_can_be_written(name: str) -> None:
    from matplotlib.figure import Figure

    figure = CALLS[name]()
    assert isinstance(figure, Figure)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=40)
    assert written.getvalue().startswith(b"\x89PNG")


# ---- learning curves ----------------------------------------------------------------------------


def test_curves_of_one_history() -> None:
    figure = plot.learning_curves(histories()["a"], best="val_loss", logy=True)
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_array_equal(lines(axes)["val_loss"], [3.0, np.nan, 2.0])
    assert axes.lines[2].get_xdata()[0] == 3  # the epoch of the lowest value
    assert axes.get_yscale() == "log"


def test_curves_of_several_histories_have_a_colour_each() -> None:
    figure = plot.learning_curves(histories())
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "lr"]
    drawn = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(drawn) == ["a, loss", "a, val_loss", "b, loss", "b, val_loss"]
    assert drawn["a, loss"].get_color() == drawn["a, val_loss"].get_color()
    assert drawn["a, loss"].get_color() != drawn["b, loss"].get_color()
    assert drawn["a, val_loss"].get_linestyle() == "--"
    assert lines(figure.axes[1]) == {"b, lr": [0.1, 0.1]}


def test_curves_of_arrays() -> None:
    figure = plot.learning_curves({"epoch": np.array([5, 6]), "loss": np.array([2.0, 1.0])})
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xydata(), [[5, 2], [6, 1]])


def test_history_plot_is_this_picture() -> None:
    history = sf.train.History({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": [2.0, 3.0]})
    assert [lines(a) for a in history.plot().axes] == [
        lines(a) for a in plot.learning_curves(history).axes
    ]


def test_curves_refuse() -> None:
    with pytest.raises(KeyError, match="no column f1; there is epoch, loss, val_loss, lr"):
        plot.learning_curves(histories(), "f1")
    with pytest.raises(KeyError, match="no epoch was finished"):
        plot.learning_curves({})
    with pytest.raises(ValueError, match="different lengths"):
        plot.learning_curves({"loss": [1.0], "acc": [1.0, 2.0]})
    with pytest.raises(TypeError, match=r"\[learning_curves\] history="):
        plot.learning_curves([1.0, 2.0])


# ---- schedules ----------------------------------------------------------------------------------


def test_schedule_shows_the_rate_in_each_epoch() -> None:
    figure = plot.schedule(
        {"cosine": ls.CosineAnnealingLR, "1/t": lambda opt: ls.InverseTimeLR(opt, k=0.5)},
        epochs=20,
        lr=0.4,
    )
    t = np.arange(20)
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), t + 1)
    np.testing.assert_allclose(lines(axes)["cosine"], 0.2 * (1 + np.cos(np.pi * t / 20)))
    np.testing.assert_allclose(lines(axes)["1/t"], 0.4 / (1 + 0.5 * t))


def test_schedule_of_momentum_and_of_both() -> None:
    (axes,) = plot.schedule(lambda opt: ls.SutskeverMomentum(opt, 0.99), 600).axes
    assert axes.get_ylabel() == "momentum"
    t = np.arange(600)
    np.testing.assert_allclose(lines(axes)["momentum"], 1 - 0.5 / (t // 250 + 1))
    both = plot.schedule(lambda opt: ls.OneCycleLR(opt, 0.1, total_steps=21), 20)
    assert [axes.get_ylabel() for axes in both.axes] == ["lr", "momentum"]


def test_schedule_of_a_batch_size_leaves_the_loader_alone() -> None:
    loader = sf.data.DataLoader(sf.arange(100), batch_size=8)
    (axes,) = plot.schedule(lambda _: ls.BatchSizeGrowth(loader, 2), 6).axes
    assert lines(axes)["batch_size"] == [8, 8, 16, 16, 32, 32]
    assert loader.batch_size == 8


def test_schedule_that_watches() -> None:
    values = [1.0, 2.0, 1.0, 3.0]
    (axes,) = plot.schedule(ls.HalveOnWorse, 4, lr=1.0, metric=values).axes
    assert lines(axes)["lr"] == [1.0, 1.0, 0.5, 0.5]
    by_function = plot.schedule(ls.HalveOnWorse, 4, lr=1.0, metric=lambda e: values[e - 1])
    assert lines(by_function.axes[0]) == lines(axes)
    for metric in (None, values[:2]):
        with pytest.raises(ValueError, match="HalveOnWorse watches a value"):
            plot.schedule(ls.HalveOnWorse, 4, metric=metric)


def test_schedule_refuses() -> None:
    with pytest.raises(TypeError, match="made int"):
        plot.schedule(lambda opt: 3, 4)
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        plot.schedule(ls.CosineAnnealingLR, 0)
    with pytest.raises(TypeError, match="factory=5"):
        plot.schedule(5, 4)


# ---- paths --------------------------------------------------------------------------------------


def bowl(x: Any, y: Any) -> Any:
    return x * x + 3 * y * y


def slope(p: np.ndarray) -> np.ndarray:
    return np.array([2 * p[0], 6 * p[1]])


def reference(rule: str, steps: int, lr: float) -> np.ndarray:
    """The six rules in their plainest form."""
    p, v, s = np.array([-2.0, 1.0]), np.zeros(2), np.zeros(2)
    path = [p]
    for t in range(1, steps + 1):
        g = slope(p)
        if rule == "GD":
            step = lr * g
        elif rule in ("momentum", "Nesterov"):
            v = 0.9 * v + g
            step = lr * (g + 0.9 * v) if rule == "Nesterov" else lr * v
        elif rule == "AdaGrad":
            s = s + g * g
            step = lr * g / (np.sqrt(s) + 1e-10)
        elif rule == "RMSProp":
            s = 0.9 * s + 0.1 * g * g
            step = lr * g / (np.sqrt(s) + 1e-8)
        else:
            v, s = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g * g
            step = lr * (v / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
        p = p - step
        path.append(p)
    return np.array(path)


def test_paths_are_those_of_the_rules() -> None:
    figure = plot.optimizer_paths(bowl, (-2.0, 1.0), steps=12, lr=0.05, resolution=7)
    assert len(figure.axes) == 6
    for axes in figure.axes:
        rule = axes.lines[0].get_label()
        np.testing.assert_allclose(
            axes.lines[0].get_xydata(), reference(rule, 12, 0.05), rtol=1e-12, atol=1e-12
        )
        end = bowl(*axes.lines[0].get_xydata()[-1])
        assert axes.get_title() == f"{rule}: loss {end:.3g} after 12 steps"


def test_contours_share_the_map_equally() -> None:
    figure = plot.optimizer_paths(
        bowl, (1.0, 1.0), optim.SGD, xlim=(-2, 2), ylim=(-1, 1), levels=3, resolution=9, steps=2
    )
    (axes,) = figure.axes
    x, y = np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-1, 1, 9))
    np.testing.assert_allclose(
        axes.collections[0].levels, np.quantile(bowl(x, y), [0.25, 0.5, 0.75])
    )
    assert axes.get_xlim() == (-2, 2) and axes.get_ylim() == (-1, 1)
    given = plot.optimizer_paths(bowl, (1, -1), optim.SGD, levels=[4.0, 99.0], steps=2)
    assert list(given.axes[0].collections[0].levels) == [4.0]  # there is no 99 on the map


def test_a_path_that_blows_up_ends_there_and_does_not_stretch_the_map() -> None:
    rules = {"far": lambda p: optim.SGD(p, lr=1e80), "near": lambda p: optim.SGD(p, lr=0.1)}
    figure = plot.optimizer_paths(bowl, (1.0, 1.0), rules, steps=30, side_by_side=False)
    (axes,) = figure.axes
    assert len(axes.lines[0].get_xdata()) < 10
    assert np.isfinite(axes.lines[0].get_xydata()).all()
    assert -2 < axes.get_xlim()[0] < axes.get_xlim()[1] < 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["far", "near"]


def test_paths_with_closures_and_samples() -> None:
    targets = np.array([0.0, 2.0, 1.0])

    def mean(x: Any, y: Any) -> Any:
        return sum((x - float(c)) ** 2 for c in targets) / 3 + y * 0

    figure = plot.optimizer_paths(
        mean,
        (5.0, 0.0),
        {
            "rows": lambda p: optim.SGD(p, lr=0.25),
            "ahead": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov="lookahead"),
            "search": optim.LineSearchGD,
        },
        sample_loss={"rows": lambda x, y, t: (x - float(targets[t])) ** 2 + y * 0},
        steps=3,
        resolution=5,
    )
    x, path = 5.0, [5.0]
    for c in targets:
        x -= 0.25 * 2 * (x - c)
        path.append(x)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), path)
    x, v, path = 5.0, 0.0, [5.0]
    for _ in range(3):
        v = 0.9 * v + 0.1 * 2 * (x - 0.9 * v - 1)
        x -= v
        path.append(x)
    np.testing.assert_allclose(figure.axes[1].lines[0].get_xdata(), path)
    np.testing.assert_allclose(figure.axes[2].lines[0].get_xdata()[1], 1.0)  # rate 0.5 of the list


def test_a_flat_loss_has_no_contours() -> None:
    figure = plot.optimizer_paths(lambda x, y: 0 * x + 0 * y + 1, (0, 0), steps=2, resolution=4)
    assert not figure.axes[0].collections


def test_loss_surface_heights() -> None:
    figure = plot.loss_surface(bowl, (-1, 1), (0, 2), resolution=6, levels=[1.0])
    space, flat = figure.axes
    assert space.name == "3d"
    assert list(flat.collections[0].levels) == [1.0]
    np.testing.assert_allclose(space.get_zlim(), (0, 13), atol=1.0)
    with pytest.raises(ValueError, match="xlim must be a pair low < high"):
        plot.loss_surface(bowl, (1, -1), (0, 2))


def test_paths_refuse() -> None:
    with pytest.raises(TypeError, match="take the mean"):
        plot.optimizer_paths(lambda x, y: x * sf.ones(3), (1, 1))
    with pytest.raises(TypeError, match="made int, not an optimizer"):
        plot.optimizer_paths(bowl, (1, 1), {"a": lambda p: 1})
    with pytest.raises(TypeError, match="does not depend on x and y"):
        plot.optimizer_paths(lambda x, y: float(x) + float(y), (1, 1))
    with pytest.raises(TypeError, match="start must be a tuple of 2 numbers, got 5"):
        plot.optimizer_paths(bowl, 5)
    with pytest.raises(ValueError, match="must be finite"):
        plot.optimizer_paths(bowl, (1, np.inf))
    with pytest.raises(ValueError, match="empty dict"):
        plot.optimizer_paths(bowl, (1, 1), {})
    with pytest.raises(ValueError, match=r"sample_loss for \['b'\]"):
        plot.optimizer_paths(bowl, (1, 1), {"a": optim.SGD}, sample_loss={"b": bowl})


# ---- layers -------------------------------------------------------------------------------------


def small_net() -> tuple[nn.Module, np.ndarray, list[np.ndarray]]:
    """A net, inputs, and the outputs of its two activations in float64."""
    sf.manual_seed(3)
    net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 1))
    x = RANDOM.randn(40, 5).astype(np.float32)
    w = [p.detach().numpy().astype(np.float64) for p in net.parameters()]
    first = np.tanh(x @ w[0].T + w[1])
    return net, x, [first, np.maximum(first @ w[2].T + w[3], 0)]


def bars(axes: Any) -> tuple[np.ndarray, np.ndarray]:
    data = axes.patches[0].get_data()
    return data.values, data.edges


def test_activations_are_counted() -> None:
    net, x, expected = small_net()
    figure = plot.activation_histograms(net, x, bins=10)
    edges = np.linspace(min(map(np.min, expected)), max(map(np.max, expected)), 11)
    for axes, name, values in zip(figure.axes, ("1", "3"), expected, strict=True):
        counts, drawn = bars(axes)
        np.testing.assert_allclose(drawn, edges, rtol=1e-5, atol=1e-6)
        assert counts.sum() == values.size
        assert np.abs(counts - np.histogram(values, edges)[0]).sum() <= 4  # rounding at an edge
        title, numbers = axes.get_title().split("\n")
        assert title == name and numbers.startswith(f"std {values.std():.2g}")
    assert "% zero" in figure.axes[1].get_title() and "zero" not in figure.axes[0].get_title()


def test_layers_that_work_in_place_do_not_change_what_is_shown() -> None:
    sf.manual_seed(0)
    x, y = sf.randn(20, 4), sf.zeros(20, 3)
    layers = nn.Linear(4, 3)
    titles = []
    for inplace in (False, True):
        net = nn.Sequential(layers, nn.ReLU(inplace=inplace))
        forward = plot.activation_histograms(net, x, layers=nn.Linear)
        back = plot.gradient_histograms(net, x, y, nn.MSELoss(), layers=nn.Linear)
        titles.append([forward.axes[0].get_title(), back.axes[0].get_title()])
    assert titles[0] == titles[1]
    assert "zero" not in titles[0][0]


def test_layers_with_several_outputs() -> None:
    lstm = nn.LSTM(3, 4, batch_first=True)
    (axes,) = plot.activation_histograms(lstm, np.ones((2, 5, 3))).axes
    assert axes.get_title().startswith("LSTM\n")
    assert bars(axes)[0].sum() == 2 * 5 * 4


def test_layers_are_chosen_by_name_or_class() -> None:
    net, x, _ = small_net()
    titles = lambda f: [axes.get_title().split("\n")[0] for axes in f.axes]  # noqa: E731
    assert titles(plot.activation_histograms(net, x, layers=nn.Linear)) == ["0", "2", "4"]
    assert titles(plot.activation_histograms(net, x, layers=["4", "1"])) == ["1", "4"]
    plain = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 2))
    assert titles(plot.activation_histograms(plain, x)) == ["0", "1"]
    act = nn.Tanh()
    shared = nn.Sequential(nn.Linear(5, 5), act, nn.Linear(5, 5), act)
    assert titles(plot.activation_histograms(shared, x)) == ["1", "1 (2)"]
    with pytest.raises(KeyError, match=r"no layer \['9'\]; there is 0, 1, 2"):
        plot.activation_histograms(net, x, layers=["9"])
    with pytest.raises(ValueError, match="no such layers"):
        plot.activation_histograms(net, x, layers=nn.Conv2d)
    with pytest.raises(TypeError, match="layers='1'"):
        plot.activation_histograms(net, x, layers="1")


def test_gradients_are_counted() -> None:
    net, x, (_, second) = small_net()
    y = np.zeros((40, 1), np.float32)
    w = [p.detach().numpy().astype(np.float64) for p in net.parameters()]
    upper = 2 * (second @ w[4].T + w[5]) / 40  # of the mean square
    to_second = upper @ w[4]
    to_first = (to_second * (second > 0)) @ w[2]
    figure = plot.gradient_histograms(net, x, y, nn.MSELoss(), log=False, bins=8)
    for axes, values in zip(figure.axes, (to_first, to_second), strict=True):
        counts, edges = bars(axes)
        assert counts.sum() == values.size
        assert np.abs(counts - np.histogram(values, edges)[0]).sum() <= 4
        assert f"std {values.std():.2g}" in axes.get_title()
    logged = plot.gradient_histograms(net, x, y, nn.MSELoss(), bins=8)
    counts, edges = bars(logged.axes[1])
    magnitudes = np.log10(np.abs(to_second[to_second != 0]))
    expected, _ = np.histogram(np.clip(magnitudes, edges[0] + 1e-9, edges[-1] - 1e-9), edges)
    assert np.abs(counts - expected).sum() <= 4
    weights = plot.gradient_histograms(net, x, y, nn.MSELoss(), of="weights", layers=["4.weight"])
    assert f"std {(upper.T @ second).std():.2g}" in weights.axes[0].get_title()


def test_vanishing_gradients_are_seen_per_initialisation() -> None:
    def deep(law: Any) -> nn.Module:
        layers = [m for _ in range(5) for m in (nn.Linear(30, 30, init=law), nn.Sigmoid())]
        return nn.Sequential(*layers, nn.Linear(30, 2))

    sf.manual_seed(0)
    models = {"small": deep(sf.initializers.RandomNormal(0.0, 0.01)), "zeros": deep("zeros")}
    x, y = sf.randn(20, 30), sf.zeros(20, dtype=sf.int64)
    figure = plot.gradient_histograms(models, x, y, nn.CrossEntropyLoss())
    assert [a.get_ylabel() for a in figure.axes if a.get_ylabel()] == ["small", "zeros"]
    means = []
    for axes in figure.axes[:5]:
        counts, edges = bars(axes)
        means.append(np.average((edges[1:] + edges[:-1]) / 2, weights=counts))
    assert np.all(np.diff(means) > 1)  # each layer nearer to the input loses a power of ten
    assert "100% zero" in figure.axes[5].get_title()
    assert bars(figure.axes[5])[0].sum() == 0


def test_the_model_is_as_before() -> None:
    sf.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5))
    x, y = sf.randn(8, 5), sf.zeros(8, 5)
    kept = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    plane = nn.Sequential(nn.Linear(2, 5), net)
    random = sf.get_rng_state().tolist()
    plot.activation_histograms(net, x)
    plot.gradient_histograms(net, x, y, nn.MSELoss())
    plot.decision_regions(plane, np.eye(2), [0, 1], resolution=5)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), kept[name])
    assert all(p.grad is None for p in net.parameters())
    assert all(module.training for module in net.modules())
    assert all(module._hooks is None for module in net.modules())
    assert sf.get_rng_state().tolist() == random


def test_weights_are_counted_and_what_is_not_finite_is_said() -> None:
    layer = nn.Linear(4, 3)
    values = RANDOM.randn(3, 4).astype(np.float32)
    values[0, :2] = 0.0, np.nan
    with sf.no_grad():
        layer.weight.copy_(sf.tensor(values))
    (axes,) = plot.weight_histograms(layer, bins=5).axes
    finite = values[np.isfinite(values)]
    counts, edges = bars(axes)
    np.testing.assert_array_equal(counts, np.histogram(finite, 5)[0])
    np.testing.assert_allclose(edges, np.histogram(finite, 5)[1], rtol=1e-6)
    assert axes.get_title().endswith("8.33% zero, 1 not finite")


def test_histograms_refuse() -> None:
    net, x, _ = small_net()
    with pytest.raises(TypeError, match="models=5"):
        plot.weight_histograms(5)
    with pytest.raises(ValueError, match="of must be one of 'outputs', 'weights', got 'biases'"):
        plot.gradient_histograms(net, x, x, nn.MSELoss(), of="biases")
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        plot.activation_histograms(net, x, bins=0)
    frozen = nn.Linear(5, 1).requires_grad_(False)
    with pytest.raises((ValueError, RuntimeError), match="require"):
        plot.gradient_histograms(frozen, x, np.ones((40, 1), np.float32), nn.MSELoss())


# ---- the others ---------------------------------------------------------------------------------


def test_activation_functions_and_slopes() -> None:
    figure = plot.activation_functions({"tanh": nn.Tanh(), "relu": sf.relu}, (-2, 2), resolution=5)
    x = np.array([-2.0, -1, 0, 1, 2])
    values, slopes = map(lines, figure.axes)
    np.testing.assert_allclose(values["tanh"], np.tanh(x), rtol=1e-12)
    np.testing.assert_allclose(slopes["tanh"], 1 - np.tanh(x) ** 2, rtol=1e-12)
    assert values["relu"] == [0, 0, 0, 1, 2] and slopes["relu"] == [0, 0, 0, 1, 1]
    with pytest.raises(ValueError, match="only elementwise"):
        plot.activation_functions(lambda x: x.sum())


def linear(weight: Any, bias: float = 0.0) -> nn.Linear:
    layer = nn.Linear(2, len(weight))
    with sf.no_grad():
        layer.weight.copy_(sf.tensor(np.array(weight, np.float32)))
        layer.bias.fill_(bias)
    return layer


POINTS = np.array([[0.5, 0.5], [2.0, 1.0], [-1.0, 0.0], [1.0, -3.0]])


@pytest.mark.parametrize(
    ("model", "threshold"),
    [
        (linear([[1, 1]]), 0.0),
        (nn.Sequential(linear([[1, 1]]), nn.Sigmoid()), 0.5),
        (linear([[0, 0], [1, 1]]), 0.0),
        (lambda places: (places.sum(axis=1) > 0).astype(int), 0.0),
    ],
    ids=["logit", "probability", "classes", "function"],
)
def test_decision_regions(model: Any, threshold: float) -> None:
    classes = np.array([1, 1, 0, 1])
    figure = plot.decision_regions(
        model, POINTS, classes, resolution=11, threshold=threshold, class_names=["low", "high"]
    )
    (axes,) = figure.axes
    mesh, *dots = axes.collections
    x = np.linspace(-1.3, 2.3, 11)
    y = np.linspace(-3.4, 1.4, 11)
    total = np.add.outer(y, x)
    drawn = np.asarray(mesh.get_array()).reshape(11, 11)
    sure = np.abs(total) > 1e-5
    np.testing.assert_array_equal(drawn[sure], (total > 0)[sure])
    np.testing.assert_array_equal(dots[1].get_offsets(), POINTS[classes == 1])
    assert axes.get_title() == "accuracy 0.75"
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["low", "high"]
    np.testing.assert_allclose(axes.get_xlim(), (-1.3, 2.3))


def test_decision_regions_refuse() -> None:
    for points, classes, words in [
        (np.ones((3, 3)), [0, 1, 1], r"must be \(N, 2\)"),
        (np.ones((0, 2)), [], "N above 0"),
        (POINTS, [0, 1], "must be class numbers"),
        (POINTS, [0.5, 1, 0, 1], "must be class numbers"),
        (np.full((2, 2), np.nan), [0, 1], "not finite"),
    ]:
        with pytest.raises(ValueError, match=words):
            plot.decision_regions(linear([[1, 1]]), points, classes)
    with pytest.raises(ValueError, match="1 class_names for classes 0 to 1"):
        plot.decision_regions(linear([[1, 1]]), POINTS, [0, 1, 0, 1], class_names=["a"])
    with pytest.raises(TypeError, match="has no predict"):
        plot.decision_regions(5, POINTS, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="the model gave"):
        plot.decision_regions(lambda places: places[:3, 0], POINTS, [0, 1, 0, 1])


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_confusion_matrix(normalize: Any) -> None:
    counts = np.array([[5, 1, 0], [2, 6, 0], [0, 0, 0]])
    figure = plot.confusion_matrix(counts, normalize=normalize, display_labels=["a", "b", "c"])
    expected = {
        None: counts,
        "true": [[5 / 6, 1 / 6, 0], [0.25, 0.75, 0], [0, 0, 0]],
        "pred": [[5 / 7, 1 / 7, 0], [2 / 7, 6 / 7, 0], [0, 0, 0]],
        "all": counts / 14,
    }[normalize]
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), expected)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "actual")


def test_confusion_matrix_of_the_metric_and_bad_ones() -> None:
    metric = sf.train.ConfusionMatrix()
    metric.update(sf.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), sf.tensor([1, 1, 0]))
    figure = plot.confusion_matrix(metric)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[0, 1], [1, 1]])
    for counts, words in [
        ([[1, 2]], "must be square"),
        (sf.train.ConfusionMatrix(), "must be square"),
        ([[1, -1], [0, 1]], "0 or more"),
    ]:
        with pytest.raises(ValueError, match=words):
            plot.confusion_matrix(counts)
    with pytest.raises(ValueError, match=r"normalize must be one of 'true', .*got 'rows'"):
        plot.confusion_matrix([[1]], normalize="rows")
    with pytest.raises(ValueError, match="2 labels for 1"):
        plot.confusion_matrix([[1]], display_labels=["a", "b"])


def test_confusion_of_many_classes_has_no_numbers() -> None:
    axes = plot.confusion_matrix(np.eye(40)).axes[0]
    assert not axes.texts and axes.images[0].get_array().shape == (40, 40)


def test_weight_images() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 10))
    figure = plot.weight_images(net, (2, 3), max_images=9)
    images = [axes.images[0] for axes in figure.axes if axes.images]
    weight = net[1].weight.detach().numpy()
    assert len(images) == 9
    np.testing.assert_allclose(images[4].get_array(), weight[4].reshape(2, 3))
    bound = np.abs(weight[:9]).max()
    assert images[0].get_clim() == pytest.approx((-bound, bound))


def test_weight_images_of_convolutions() -> None:
    rgb, many = RANDOM.randn(2, 3, 4, 4), RANDOM.randn(2, 5, 4, 4)
    image = plot.weight_images(rgb).axes[1].images[0].get_array()
    expected = 0.5 + 0.5 * rgb[1].transpose(1, 2, 0) / np.abs(rgb).max()
    np.testing.assert_allclose(np.asarray(image), expected, atol=1 / 254)
    image = plot.weight_images(many).axes[1].images[0].get_array()
    np.testing.assert_allclose(image, many[1].mean(axis=0))


def test_weight_images_refuse() -> None:
    with pytest.raises(ValueError, match="has 6 numbers, a unit has 4 weights"):
        plot.weight_images(nn.Linear(4, 2), (2, 3))
    with pytest.raises(ValueError, match="image_shape=None: must be"):
        plot.weight_images(nn.Linear(4, 2))
    with pytest.raises(ValueError, match="has no weights"):
        plot.weight_images(nn.ReLU())
    with pytest.raises(ValueError, match="not all finite"):
        plot.weight_images(np.full((1, 4), np.nan), (2, 2))
