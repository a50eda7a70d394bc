"""The op table: one row for each op, with its NumPy reference, samples and tolerances.

A new op gets one row in the file of its family; the tests in test_ops.py run it through everything
that every op must pass. An exported op without a row fails the suite by name.
"""

from op_table import (
    attention,
    conv,
    create,
    elementwise,
    embedding,
    index,
    linalg,
    losses,
    norm,
    pool,
    random,
    recurrent,
    reduce,
    resample,
    scatter,
    shape,
)
from op_table.random import RandomRow
from op_table.row import Bad, Row, Sample

ROWS: list[Row] = [
    *elementwise.ROWS,
    *reduce.ROWS,
    *linalg.ROWS,
    *shape.ROWS,
    *index.ROWS,
    *scatter.ROWS,
    *embedding.ROWS,
    *attention.ROWS,
    *losses.ROWS,
    *norm.ROWS,
    *recurrent.ROWS,
    *conv.ROWS,
    *pool.ROWS,
    *resample.ROWS,
    *create.ROWS,
]
RANDOM_ROWS: list[RandomRow] = random.ROWS

# Exported beside the ops: what a tensor is and says, its way in and out of Python. Each is tested
# in the file named.
TESTED_ELSEWHERE = {
    name: file
    for file, names in {
        "test_autograd.py": "detach requires_grad_ retain_grad register_hook backward",
        "test_tensor.py": "to float double long int bool clone contiguous copy_ item tolist numel "
        "dim size stride storage_offset is_contiguous is_floating_point element_size data_ptr "
        "fill_ zero_ equal allclose empty empty_like",
        "test_interop.py": "numpy __array__",
    }.items()
    for name in names.split()
}

__all__ = ["RANDOM_ROWS", "ROWS", "TESTED_ELSEWHERE", "Bad", "RandomRow", "Row", "Sample"]
