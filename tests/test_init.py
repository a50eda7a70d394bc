"""Initialisation: every law against its distribution function, gains, fans, init='auto'."""

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest

import surefoot as sf
from surefoot import initializers, nn
from surefoot.nn import init

SHAPE = (120, 80)  # fan_in 80, fan_out 120
CONV = (12, 5, 3, 3)  # fan_in 45, fan_out 108
IN, OUT, AVG = 80, 120, 100
CUT = 0.87962566103423978


def phi(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def uniform(r: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.clip((x + r) / (2 * r), 0, 1)


def normal(std: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: phi(x / std)


def cut_normal(std: float, width: float = 2.0) -> Callable[[np.ndarray], np.ndarray]:
    """N(0, std^2) restricted to +- width * std."""
    low, high = phi(np.array([-width, width]))
    return lambda x: np.clip((phi(np.clip(x / std, -width, width)) - low) / (high - low), 0, 1)


def ks_p_value(x: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray]) -> float:
    """Two-sided Kolmogorov-Smirnov test, asymptotic distribution."""
    x = np.sort(x.reshape(-1).astype(np.float64))
    n = x.size
    f = cdf(x)
    d = max((np.arange(1, n + 1) / n - f).max(), (f - np.arange(n) / n).max())
    t = (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)) * d
    k = np.arange(1, 101)
    return float(np.clip(2 * (np.where(k % 2, 1, -1) * np.exp(-2 * (k * t) ** 2)).sum(), 0, 1))


K = initializers
LAWS = [
    ("uniform_", lambda w: init.uniform_(w, -0.3, 0.3), uniform(0.3)),
    ("normal_", lambda w: init.normal_(w, 0.0, 0.2), normal(0.2)),
    ("trunc_normal_", init.trunc_normal_, cut_normal(1.0)),
    ("trunc_normal_ narrow", lambda w: init.trunc_normal_(w, 0, 2, -1, 1), cut_normal(2.0, 0.5)),
    ("xavier_uniform_", init.xavier_uniform_, uniform(math.sqrt(6 / 200))),
    ("xavier_normal_", init.xavier_normal_, normal(math.sqrt(2 / 200))),
    ("xavier gain", lambda w: init.xavier_normal_(w, 5 / 3), normal(5 / 3 * math.sqrt(2 / 200))),
    (
        "kaiming_uniform_",
        lambda w: init.kaiming_uniform_(w, mode="fan_in", nonlinearity="relu"),
        uniform(math.sqrt(6 / IN)),
    ),
    ("kaiming_normal_", init.kaiming_normal_, normal(math.sqrt(2 / IN))),
    (
        "kaiming fan_out slope",
        lambda w: init.kaiming_normal_(w, 0.5, mode="fan_out"),
        normal(math.sqrt(2 / 1.25 / OUT)),
    ),
    ("lecun_uniform_", init.lecun_uniform_, uniform(math.sqrt(3 / IN))),
    ("lecun_normal_", init.lecun_normal_, normal(math.sqrt(1 / IN))),
    ("GlorotUniform", K.GlorotUniform(), uniform(math.sqrt(3 / AVG))),
    ("GlorotNormal", K.GlorotNormal(), cut_normal(math.sqrt(1 / AVG) / CUT)),
    ("he_uniform", K.he_uniform(), uniform(math.sqrt(6 / IN))),
    ("he_normal", K.he_normal(), cut_normal(math.sqrt(2 / IN) / CUT)),
    ("lecun_uniform", K.lecun_uniform(), uniform(math.sqrt(3 / IN))),
    ("lecun_normal", K.lecun_normal(), cut_normal(math.sqrt(1 / IN) / CUT)),
    ("RandomNormal", K.RandomNormal(), normal(0.05)),
    ("RandomUniform", K.RandomUniform(), uniform(0.05)),
    ("TruncatedNormal", K.TruncatedNormal(), cut_normal(0.05)),
    (
        "VarianceScaling",
        K.VarianceScaling(3.0, "fan_out", "untruncated_normal"),
        normal(math.sqrt(3 / OUT)),
    ),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("fill", "cdf"), [law[1:] for law in LAWS], ids=[law[0] for law in LAWS])
def test_law(fill, cdf, dtype: str) -> None:
    sf.manual_seed(11)
    w = sf.empty(*SHAPE, dtype=getattr(sf, dtype))
    assert fill(w) is w
    assert w.dtype == getattr(sf, dtype)
    assert not w.requires_grad
    x = w.numpy()
    assert np.isfinite(x).all()
    assert ks_p_value(x, cdf) > 1e-6
    assert ks_p_value(x * 1.15, cdf) < 1e-6  # the test can tell a law that is 15 % too wide


def test_keras_normal_laws_have_the_wanted_variance_and_bounds() -> None:
    w = K.HeNormal(seed=0)(sf.empty(600, 50)).numpy()
    std = math.sqrt(2 / 50)
    assert abs(w).max() <= 2 * std / CUT + 1e-6
    assert w.std() == pytest.approx(std, rel=0.02)


def test_fans_of_convolutions() -> None:
    w = sf.empty(*CONV)
    bound = math.sqrt(6 / (45 + 108))
    x = abs(init.xavier_uniform_(w).numpy())
    assert bound * 0.97 < x.max() <= bound
    x = abs(init.kaiming_uniform_(w, nonlinearity="relu", mode="fan_out").numpy())
    assert math.sqrt(6 / 108) * 0.97 < x.max() <= math.sqrt(6 / 108)


def test_calculate_gain() -> None:
    gains = {"linear": 1, "conv2d": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": 2**0.5, "selu": 0.75}
    for name, gain in gains.items():
        assert init.calculate_gain(name) == pytest.approx(gain)
    assert init.calculate_gain("leaky_relu") == pytest.approx(math.sqrt(2 / 1.0001))
    assert init.calculate_gain("leaky_relu", 1.0) == 1.0
    with pytest.raises(ValueError, match="'relu'"):
        init.calculate_gain("rleu")
    with pytest.raises(TypeError, match=r"param must be a number, got '0.1'"):
        init.calculate_gain("leaky_relu", "0.1")


@pytest.mark.parametrize("shape", [(20, 20), (30, 10), (10, 30), (6, 4, 3, 3)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    w = init.orthogonal_(sf.empty(*shape, dtype=sf.float64), gain=1.5).numpy()
    m = w.reshape(shape[0], -1)
    m = m if m.shape[0] <= m.shape[1] else m.T
    np.testing.assert_allclose(m @ m.T, 2.25 * np.eye(m.shape[0]), atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 5), (64, 31), (31, 64), (200, 150)])
def test_orthogonal_is_the_factor_of_a_normal_matrix(shape: tuple[int, ...]) -> None:
    """Q of QR with a positive diagonal of R, for the numbers that the seed gives."""
    sf.manual_seed(7)
    q, r = np.linalg.qr(sf.randn(max(shape), min(shape), dtype=sf.float64).numpy())
    q *= np.sign(np.diagonal(r))
    sf.manual_seed(7)
    w = init.orthogonal_(sf.empty(*shape, dtype=sf.float64)).numpy()
    np.testing.assert_allclose(w, q.T if shape[0] < shape[1] else q, atol=1e-9)


def test_orthogonal_rows_of_a_nearly_singular_matrix() -> None:
    x = np.random.default_rng(0).normal(size=(40, 60))
    x[1:20] = x[0] + 1e-9 * x[1:20]
    q = sf._core._orthonormal_rows(sf.tensor(x)).numpy()
    np.testing.assert_allclose(q @ q.T, np.eye(40), atol=1e-13)


def test_orthogonal_has_the_same_bits_for_any_number_of_threads() -> None:
    bits, before = set(), sf.get_num_threads()
    for threads in (1, 2, 3):
        sf.set_num_threads(threads)
        sf.manual_seed(1)
        bits.add(init.orthogonal_(sf.empty(257, 300)).numpy().tobytes())
    sf.set_num_threads(before)
    assert len(bits) == 1


def test_orthogonal_signs_are_random() -> None:
    signs = [init.orthogonal_(sf.empty(1, 1)).item() for _ in range(40)]
    assert set(signs) == {-1.0, 1.0}


def test_constant_laws() -> None:
    w = sf.empty(2, 3)
    assert init.zeros_(w).tolist() == [[0.0] * 3] * 2
    assert init.ones_(w).tolist() == [[1.0] * 3] * 2
    assert init.constant_(w, 0.3).numpy() == pytest.approx(0.3)
    assert init.eye_(w).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert K.Identity(2.0)(w).tolist() == [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    assert K.constant(4.0)(w).tolist() == [[4.0] * 3] * 2
    assert K.ones()(w).tolist() == [[1.0] * 3] * 2


def test_sparse_has_zeros_in_every_column() -> None:
    w = init.sparse_(sf.empty(10, 30), 0.25).numpy()
    assert ((w == 0).sum(0) == 3).all()
    assert len({tuple(np.flatnonzero(column == 0)) for column in w.T}) > 1


def test_dirac_copies_channels() -> None:
    w = init.dirac_(sf.empty(4, 2, 3, 3), groups=2).numpy()
    assert w.sum() == 4
    assert w[0, 0, 1, 1] == w[1, 1, 1, 1] == w[2, 0, 1, 1] == w[3, 1, 1, 1] == 1


BAD = [
    (lambda: init.xavier_normal_(sf.empty(3)), r"\(3,\).*2 dimensions"),
    (lambda: init.kaiming_normal_(sf.empty(3, 3), mode="fan_avg"), "'fan_in', 'fan_out'"),
    (lambda: init.trunc_normal_(sf.empty(3), a=1, b=1), "a must be less than b"),
    (lambda: init.trunc_normal_(sf.empty(3), std=0), "std must be positive, got 0"),
    (lambda: init.eye_(sf.empty(3)), r"\(3,\).*2 dimensions"),
    (lambda: init.orthogonal_(sf.empty(3)), r"\(3,\).*2 dimensions"),
    (lambda: init.sparse_(sf.empty(3, 3), 1.5), "sparsity must be in .*1.5"),
    (lambda: init.dirac_(sf.empty(3, 3, 3), groups=2), "groups=2"),
    (lambda: K.VarianceScaling(0.0), "scale must be positive, got 0.0"),
    (lambda: K.VarianceScaling(mode="fan"), "'fan_in', 'fan_out', 'fan_avg'"),
    (lambda: K.get("xavier"), "glorot_uniform"),
]


@pytest.mark.parametrize(("make", "words"), BAD)
def test_bad_arguments(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_generator_and_seed_choose_the_numbers() -> None:
    a = init.normal_(sf.empty(50), generator=sf.Generator().manual_seed(5))
    b = init.normal_(sf.empty(50), generator=sf.Generator().manual_seed(5))
    assert bool((a == b).all())
    law = K.HeNormal(seed=5)
    assert bool((law(sf.empty(5, 5)) == law(sf.empty(5, 5))).all())
    law = K.HeNormal()
    assert not bool((law(sf.empty(5, 5)) == law(sf.empty(5, 5))).any())
    with pytest.raises(TypeError, match=r"seed must be an int, .*got '5'"):
        K.HeNormal(seed="5")


def test_names_reach_the_laws() -> None:
    for name in K.__all__:
        if name.islower() and name not in ("get", "constant", "variance_scaling"):
            assert type(K.get(name)) is getattr(K, name)
    assert isinstance(K.get("HeNormal"), K.HeNormal)
    assert isinstance(K.get(K.HeNormal), K.HeNormal)
    assert K.get(init.ones_) is init.ones_
    assert set(initializers.__all__) == set(nn.initializer.__all__)


# ---- layers --------------------------------------------------------------------------------------


def weights(layer: nn.Linear) -> np.ndarray:
    return layer.weight.detach().numpy()


def test_linear_init_by_name_callable_and_torch() -> None:
    sf.manual_seed(1)
    torch_like = nn.Linear(IN, OUT, init="torch")
    bound = 1 / math.sqrt(IN)
    assert ks_p_value(weights(torch_like), uniform(bound)) > 1e-6
    assert ks_p_value(torch_like.bias.detach().numpy(), uniform(bound)) > 1e-6
    assert (
        ks_p_value(weights(nn.Linear(IN, OUT, init="he_uniform")), uniform((6 / IN) ** 0.5)) > 1e-6
    )
    by_object = nn.Linear(IN, OUT, init=K.GlorotUniform(seed=3))
    assert bool((by_object.weight == K.GlorotUniform(seed=3)(sf.empty(OUT, IN))).all())
    by_function = nn.Linear(IN, OUT, init=init.ones_)
    assert bool((by_function.weight == 1).all())
    assert not by_function.bias.any()


AFTER = [
    (lambda: nn.ReLU(), 2 / IN),
    (lambda: nn.LeakyReLU(0.5), 2 / 1.25 / IN),
    (lambda: nn.GELU(), 2 / IN),
    (lambda: nn.ELU(), 2 / IN),
    (lambda: nn.SELU(), 1 / IN),
    (lambda: nn.Tanh(), 2 / (IN + OUT)),
    (lambda: nn.Sigmoid(), 2 / (IN + OUT)),
    (lambda: nn.Softmax(1), 2 / (IN + OUT)),
    (lambda: nn.Linear(OUT, 3), 2 / (IN + OUT)),
    (lambda: nn.Sequential(nn.Dropout(0.1), nn.Flatten(), nn.ReLU()), 2 / IN),
]


@pytest.mark.parametrize(("after", "variance"), AFTER)
def test_auto_fits_the_activation_that_follows(after, variance: float) -> None:
    sf.manual_seed(2)
    layer = nn.Linear(IN, OUT)
    nn.Sequential(layer, after())
    assert ks_p_value(weights(layer), normal(math.sqrt(variance))) > 1e-6
    assert not layer.bias.any()


def test_auto_draws_what_the_plain_function_would_draw() -> None:
    sf.manual_seed(4)
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    sf.manual_seed(4)
    first = init.kaiming_normal_(sf.empty(5, 6))
    second = init.xavier_normal_(sf.empty(4, 5))
    assert bool((net[0].weight == first).all())
    assert bool((net[2].weight == second).all())


def test_auto_does_not_depend_on_when_the_container_is_built() -> None:
    sf.manual_seed(4)
    at_once = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU())
    sf.manual_seed(4)
    grown = nn.Sequential()
    for layer in (nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU()):
        grown.append(layer)
    sf.manual_seed(4)
    nested = nn.Sequential(
        nn.Sequential(nn.Linear(6, 5)), nn.ReLU(), nn.Sequential(nn.Linear(5, 4), nn.ReLU())
    )
    for a, b, c in zip(at_once.parameters(), grown.parameters(), nested.parameters(), strict=True):
        assert bool((a == b).all())
        assert bool((a == c).all())


def touch_by_hand(layer: nn.Linear) -> None:
    init.xavier_normal_(layer.weight)


def touch_by_load(layer: nn.Linear) -> None:
    layer.load_state_dict(nn.Linear(6, 5).state_dict())


def touch_by_replacement(layer: nn.Linear) -> None:
    layer.weight = nn.Parameter(sf.ones(5, 6))


def touch_by_backward(layer: nn.Linear) -> None:
    layer(sf.ones(1, 6)).sum().backward()


def touch_by_tying(layer: nn.Linear) -> None:
    layer.weight = nn.Linear(6, 5).weight


TOUCHES = [touch_by_hand, touch_by_load, touch_by_replacement, touch_by_backward, touch_by_tying]


@pytest.mark.parametrize("touch", TOUCHES)
def test_auto_never_redraws_weights_that_were_written_to(touch) -> None:
    layer = nn.Linear(6, 5)
    touch(layer)
    before = layer.weight.detach().clone()
    nn.Sequential(layer, nn.ReLU())
    assert bool((layer.weight == before).all())


def test_auto_redraws_once_and_leaves_other_inits_alone() -> None:
    layer, fixed = nn.Linear(6, 5), nn.Linear(6, 5, init="glorot_normal")
    glorot = layer.weight.detach().clone()
    kept = fixed.weight.detach().clone()
    nn.Sequential(layer, nn.ReLU())
    he = layer.weight.detach().clone()
    nn.Sequential(fixed, nn.ReLU())
    nn.Sequential(layer, nn.LeakyReLU(0.9))
    assert bool((layer.weight == he).all())
    np.testing.assert_allclose(he.numpy() / glorot.numpy(), math.sqrt(11 / 6), rtol=1e-5)
    assert bool((fixed.weight == kept).all())


def test_auto_leaves_the_stream_of_random_numbers_alone() -> None:
    sf.manual_seed(9)
    nn.Sequential(nn.Linear(6, 5), nn.ReLU())
    after_auto = sf.rand(3)
    sf.manual_seed(9)
    nn.Linear(6, 5)
    assert bool((sf.rand(3) == after_auto).all())


def test_copied_layers_keep_their_numbers() -> None:
    layer = copy.deepcopy(nn.Linear(6, 5))
    with sf.no_grad():
        layer.weight.mul_(3.0)
    before = layer.weight.detach().clone()
    nn.Sequential(layer, nn.ReLU())
    assert bool((layer.weight == before).all())


def test_deep_selu_net_keeps_mean_and_variance() -> None:
    sf.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(20):
        layers += [nn.Linear(256, 256), nn.SELU()]
    y = nn.Sequential(*layers)(sf.randn(64, 256)).detach().numpy()
    assert abs(y.mean()) < 0.1
    assert 0.8 < y.std() < 1.2


def test_deep_relu_net_keeps_the_size_of_signals() -> None:
    sf.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(20):
        layers += [nn.Linear(256, 256), nn.ReLU()]
    x = sf.randn(64, 256)
    rms = float((nn.Sequential(*layers)(x) ** 2).mean().detach().item()) ** 0.5
    assert 0.3 < rms < 2.0
