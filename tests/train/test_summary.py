"""summary: names, shapes and parameters of a model's layers."""

import io
from typing import Any

import pytest

import surefoot as sf
from surefoot import nn
from surefoot.train import summary


def test_rows_and_totals() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    table = summary(model, (8, 8))
    assert [(row.name, row.kind, row.output_shape) for row in table.rows] == [
        ("0", "Flatten", (64,)),
        ("1", "Linear", (32,)),
        ("2", "ReLU", (32,)),
        ("3", "Linear", (10,)),
    ]
    assert [row.num_parameters for row in table.rows] == [0, 64 * 32 + 32, 0, 32 * 10 + 10]
    assert table.num_parameters == table.num_trainable == 64 * 32 + 32 + 32 * 10 + 10


def test_text() -> None:
    assert str(summary(nn.Sequential(nn.Linear(64, 10)), (64,))) == (
        "layer  type    output shape  parameters  FLOPs\n"
        "----------------------------------------------\n"
        "0      Linear  (N, 10)              650  1,280\n"
        "----------------------------------------------\n"
        "parameters: 650, trainable: 650; 2.6 KB; 1,280 FLOPs"
    )


def test_nested_names_frozen_and_shared_parameters() -> None:
    shared = nn.Linear(4, 4)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(shared, nn.Tanh(), shared)
            self.head = nn.Linear(4, 2)
            self.unused = nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.body(x))

    model = Net()
    for p in model.head.parameters():
        p.requires_grad_(False)
    table = summary(model, (4,))
    rows = {row.name: row for row in table.rows}
    assert set(rows) == {"body.0", "body.1", "head", "unused"}
    assert rows["unused"].output_shape is None
    assert table.num_parameters == 20 + 10 + 15
    assert table.num_trainable == 20 + 15


class Attend(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.attention(x, x, x)[0]


@pytest.mark.parametrize(
    ("model", "shape", "multiplications"),
    [
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), (4,), 4 * 3 + 3 * 2),
        (nn.Linear(4, 3), (5, 4), 5 * 4 * 3),
        (nn.Conv2d(2, 3, 3, padding=1), (2, 6, 7), 3 * 6 * 7 * 2 * 9),
        (nn.Conv2d(4, 6, 3, stride=2, groups=2), (4, 7, 7), 6 * 3 * 3 * 2 * 9),
        (nn.ConvTranspose2d(2, 3, 2, stride=2), (2, 4, 4), 2 * 4 * 4 * 3 * 4),
        (nn.LSTM(4, 5, batch_first=True), (7, 4), 7 * 4 * (4 * 5 + 5 * 5)),
        (Attend(), (6, 8), 4 * 6 * 8 * 8 + 2 * 6 * 6 * 8),
        (nn.Sequential(nn.Flatten(), nn.BatchNorm1d(6)), (2, 3), 0),
    ],
)
def test_operations_of_a_row(model: Any, shape: tuple[int, ...], multiplications: int) -> None:
    found = summary(model, shape)
    assert found.flops == 2 * multiplications
    weights = model.state_dict().values()
    assert found.num_bytes == sum(w.numpy().nbytes for w in weights)


def test_a_layer_that_is_called_twice_costs_twice() -> None:
    shared = nn.Linear(4, 4)
    assert summary(nn.Sequential(shared, nn.Tanh(), shared), (4,)).flops == 2 * 2 * 16


def test_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    model[1].training = False
    calls = []
    summary(model, (4,))
    assert [m.training for m in model] == [True, False]
    model[0].register_forward_hook(lambda *parts: calls.append(len(parts)))
    model(sf.zeros((1, 4)))
    assert calls == [3]


def test_a_wrong_width_is_the_models_own_error_and_hooks_are_gone() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(Exception, match=r"(?i)linear|shape|size"):
        summary(model, (5,))
    assert model.training
    assert tuple(model(sf.zeros((2, 4))).shape) == (2, 4)


def test_rich_table_has_the_same_cells() -> None:
    from rich.console import Console

    table = summary(nn.Sequential(nn.Linear(64, 10)), (64,))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table)
    text = console.export_text()
    for cell in ("Linear", "(N, 10)", "650", "parameters: 650, trainable: 650"):
        assert cell in text
