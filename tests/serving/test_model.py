"""From matrices to predictions, with engines of ten lines."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from serving.documents import Matrix
from serving.errors import InvalidInputError, ModelRefusedError, ServingError
from serving.model import Model, open_model, predict_all
from serving.passport import Passport, Tensor

Batch = NDArray[Any]


class FakeEngine:
    """Computes anything, and remembers the batches."""

    def __init__(self, compute: Callable[[Batch], Batch]) -> None:
        self.compute = compute
        self.sizes: list[int] = []

    def run(self, batch: Batch) -> Batch:
        self.sizes.append(len(batch))
        return self.compute(batch)


def doubling(batch: Batch) -> Batch:
    return batch * 2


def make(
    model: Model, engine: FakeEngine, shape: tuple[int | None, ...] = (2,), dtype: str = "float32"
) -> Model:
    passport: Passport = model.passport.model_copy(
        update={"input": Tensor(shape=shape, dtype=dtype)}
    )
    return Model(passport, engine, {})


def matrix(id: str, *values: float) -> Matrix:
    return Matrix(id, np.array(values))


def test_predict_answers_in_order_and_in_batches(model: Model) -> None:
    engine = FakeEngine(doubling)
    stream: Iterator[Matrix] = (matrix(str(i), i, 0) for i in range(7))
    predictions = list(predict_all(stream, make(model, engine), 3))
    assert [p.id for p in predictions] == [str(i) for i in range(7)]
    assert [p.output.tolist() for p in predictions] == [[2 * i, 0] for i in range(7)]
    assert predictions[0].output.dtype == np.float64
    assert engine.sizes == [3, 3, 1]


def test_predict_groups_lengths_that_differ(model: Model) -> None:
    engine = FakeEngine(doubling)
    given = [matrix("a", 1), matrix("b", 1, 2), matrix("c", 3, 4), matrix("d", 5)]
    predictions = make(model, engine, (None,)).predict(given)
    assert [p.output.tolist() for p in predictions] == [[2], [2, 4], [6, 8], [10]]
    assert engine.sizes == [1, 2, 1]


@pytest.mark.parametrize(
    ("value", "dtype", "reason"),
    [
        (1e300, "float32", r'matrix "b": value 1 \(1e\+300\) does not fit float32'),
        (0.5, "int32", "does not fit int32"),
        (3e9, "int32", "does not fit int32"),
        (-1, "uint8", "does not fit uint8"),
    ],
)
def test_predict_refuses_what_its_type_cannot_hold(
    model: Model, value: float, dtype: str, reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        make(model, FakeEngine(doubling), dtype=dtype).predict(
            [matrix("a", 1, 2), matrix("b", 1, value)]
        )


def test_predict_names_the_matrix_without_a_finite_answer(model: Model) -> None:
    engine = FakeEngine(lambda batch: np.where(batch == 7, np.nan, batch))
    with pytest.raises(InvalidInputError, match='matrix "b": the model gives no finite number'):
        make(model, engine).predict([matrix("a", 1, 2), matrix("b", 1, 7)])


def test_predict_names_the_matrix_that_the_engine_fails_on(model: Model) -> None:
    def compute(batch: Batch) -> Batch:
        if (batch == 7).any():
            raise RuntimeError("index out of range")
        return batch

    with pytest.raises(InvalidInputError, match='matrix "b": the model cannot compute'):
        make(model, FakeEngine(compute)).predict([matrix("a", 1, 2), matrix("b", 1, 7)])


def test_predict_does_not_blame_a_matrix_for_a_failing_engine(model: Model) -> None:
    def compute(batch: Batch) -> Batch:
        if len(batch) > 1:
            raise RuntimeError("out of luck")
        return batch

    with pytest.raises(ServingError) as failure:
        make(model, FakeEngine(compute)).predict([matrix("a", 1, 2), matrix("b", 1, 7)])
    assert not isinstance(failure.value, InvalidInputError)


def test_model_says_what_its_start_cost(model: Model) -> None:
    assert set(model.start_ms) == {"passport", "engine", "golden"}


def test_open_model_refuses_a_file(tmp_path: Any) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"")
    with pytest.raises(ModelRefusedError, match="make model MODEL="):
        open_model(path)
