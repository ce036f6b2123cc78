"""A long document, computed beside reading: the same answers and the same faults, in order."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.documents import Matrix
from serving.errors import InvalidInputError, MalformedError, UnavailableError
from serving.model import Model, in_batches, open_model, predict_all
from serving.streaming import predict_stream, threads_for
from tests.support.documents import matrices


class Engine:
    """Slower for the first batch, so that others overtake it; fails on a seven."""

    def __init__(self) -> None:
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def run(self, batch: Any) -> Any:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.05 if batch[0, 0] == 0 else 0.001)
        with self._lock:
            self.at_once -= 1
        if (batch == 7).any():
            raise RuntimeError("seven")
        return batch * 2


@pytest.fixture
def doubling(model: Model) -> Model:
    tensor = model.passport.input.model_copy(update={"shape": (1,)})
    return Model(model.passport.model_copy(update={"input": tensor}), Engine(), {})


def numbered(count: int, read: list[int] | None = None) -> Iterator[Matrix]:
    for i in range(count):
        if read is not None:
            read.append(i)
        yield Matrix(str(i), np.array([float(100 * i)]))


def test_stream_answers_in_order(doubling: Model) -> None:
    predictions = list(predict_stream(numbered(103), doubling, 4))
    assert [p.id for p in predictions] == [str(i) for i in range(103)]
    assert [p.output.tolist() for p in predictions] == [[200.0 * i] for i in range(103)]


def test_stream_gives_the_numbers_of_a_single_request(bundle: Path, model: Model) -> None:
    given = matrices(40)
    stream = predict_stream(iter(given), open_model(bundle, threads=1), model.passport.batch_size)
    expected = predict_all(given, model, model.passport.batch_size)
    assert [p.output.tolist() for p in stream] == [p.output.tolist() for p in expected]


def test_stream_reads_no_further_ahead_than_there_are_cores(
    doubling: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    read: list[int] = []
    stream: Any = predict_stream(numbered(1_000, read), doubling, 10)
    next(stream)
    assert len(read) <= 10 * (3 + 1)
    stream.close()
    assert len(read) <= 10 * (3 + 1)


def test_stream_computes_on_several_cores(doubling: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    list(predict_stream(numbered(100), doubling, 4))
    engine: Any = doubling._engine
    assert 1 < engine.most_at_once <= 3


@pytest.mark.parametrize(("batch_size", "most"), [(4, 3), (8, 3), (16, 2), (32, 1), (64, 1)])
def test_stream_computes_no_more_than_32_matrices_at_once(
    doubling: Model, batch_size: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function's memory is chosen for so many; a batch may be as many by itself."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    list(predict_stream(numbered(20 * batch_size), doubling, batch_size))
    engine: Any = doubling._engine
    assert engine.most_at_once <= most
    assert (threads_for(batch_size) is None) is (most == 1)


def test_a_batch_ends_where_its_values_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.model._MOST_VALUES", 10)
    sizes = [1, 1, 1, 9, 20, 1, 4, 5, 3]
    given = [Matrix(str(i), np.zeros(size)) for i, size in enumerate(sizes)]
    batches = [[m.values.size for m in batch] for batch in in_batches(given, 3)]
    assert batches == [[1, 1, 1], [9, 20], [1, 4, 5], [3]]


def test_stream_ends_at_once_with_a_fault_that_is_not_the_documents(doubling: Model) -> None:
    """What is still in computing is not waited for, and no batch is given out in part."""

    def given() -> Iterator[Matrix]:
        yield from numbered(14)
        raise UnavailableError("the end is near")

    seen: list[str] = []
    stream = predict_stream(given(), doubling, 4)
    with pytest.raises(UnavailableError, match="the end is near"):
        seen.extend(prediction.id for prediction in stream)
    assert seen == [str(i) for i in range(len(seen))]
    assert len(seen) in (8, 12)


def test_stream_names_the_matrix_that_cannot_be_computed(doubling: Model) -> None:
    def given() -> Iterator[Matrix]:
        yield from numbered(9)
        yield Matrix("seven", np.array([7.0]))
        yield from (Matrix(f"x{m.id}", m.values) for m in numbered(9))
        raise MalformedError("later")

    with pytest.raises(InvalidInputError, match='matrix "seven": the model cannot compute'):
        list(predict_stream(given(), doubling, 4))


def test_stream_ends_with_the_fault_of_the_reader(doubling: Model) -> None:
    def given() -> Iterator[Matrix]:
        yield from numbered(9)
        raise MalformedError("cut short", line=3)

    with pytest.raises(MalformedError, match="line 3: cut short"):
        list(predict_stream(given(), doubling, 4))
