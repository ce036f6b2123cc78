"""From predictions to the JSON of the answer; the same bytes whatever edge asked."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from serving.errors import RequestTooLargeError
from serving.model import Model, Prediction

CLOSING = "]}"


def identity(model: Model) -> dict[str, str]:
    """Which model answered."""
    passport = model.passport
    return {
        "name": passport.name,
        "version": passport.version,
        "sha256": passport.source.sha256,
        "engine": passport.engine,
    }


def to_json(model: Model, predictions: Iterable[Prediction], limit_bytes: int) -> bytes:
    """The answer, in document order; numbers read back as the same float64.

    Args:
        limit_bytes: for the answer as Lambda sends it, a text inside of JSON, where a quote takes
            two bytes and a letter that is not ASCII takes six or twelve.

    Raises:
        RequestTooLargeError: the answer is longer; found as soon as it is.
    """
    pieces = [opening(model)]
    size_bytes = len(json.dumps(pieces[0]))
    for position, piece in enumerate(rows(predictions)):
        pieces.append(piece)
        size_bytes += len(json.dumps(piece)) - len('""')
        if size_bytes > limit_bytes:
            raise too_long(limit_bytes, position + 1)
    return "".join([*pieces, CLOSING]).encode()


def too_long(limit_bytes: int, matrices: int) -> RequestTooLargeError:
    """The refusal of what has a longer answer than Lambda sends, found after some matrices."""
    return RequestTooLargeError(
        f"the answer has more than {limit_bytes:,} bytes after {matrices} matrices: "
        "send fewer at once"
    )


def opening(model: Model) -> str:
    """How the answer starts."""
    return f'{{"model":{_dump(identity(model))},"predictions":['


def rows(predictions: Iterable[Prediction], position: int = 0) -> Iterator[str]:
    """The piece of the answer for each prediction, `position` predictions after the first."""
    for prediction in predictions:
        piece = _dump({"id": prediction.id, "output": prediction.output.tolist()})
        yield f",{piece}" if position else piece
        position += 1


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
