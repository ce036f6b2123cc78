"""Parts of the work as subsegments of AWS X-Ray; imported only where tracing is on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Tracer

from predict.telemetry.facts import Facts
from serving.errors import InvalidInputError


class XRay:
    """Sends subsegments with counts; neither answers nor messages of errors."""

    def __init__(self, service: str) -> None:
        # Nothing is patched, and none of its decorators is used, which capture both.
        self._recorder: Any = Tracer(service=service, auto_patch=False).provider

    @contextmanager
    def span(self, name: str, facts: Facts) -> Iterator[None]:
        """A subsegment. Not the library's own context manager: it sends what an error says."""
        segment = self._recorder.begin_subsegment(name)
        if segment is None:  # nobody asked for a trace of this request
            yield
            return
        try:
            yield
        except InvalidInputError:  # the caller's
            segment.add_error_flag()
            raise
        except BaseException:
            segment.add_fault_flag()
            raise
        finally:
            segment.put_annotation("matrices", facts.matrices)
            if facts.document_bytes is not None:
                segment.put_annotation("document_bytes", facts.document_bytes)
            self._recorder.end_subsegment()
