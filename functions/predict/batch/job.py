"""One document: read, predict, publish; as often as it is asked for, with the same result.

What counts is the document that is there now, not the event that speaks of it: events come twice,
late and out of order. So each run looks whether the document of that name has its result, and
makes it if not.
"""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from time import monotonic
from typing import BinaryIO, cast

from predict.answer import CLOSING, opening, rows
from predict.batch.deadline import Deadline, OutOfTimeError
from predict.batch.notes import Progress, Work
from predict.keys import UNREADABLE, Note, Parts, Result, Source
from predict.objects import PART_BYTES, ObjectReader, ObjectWriter
from predict.problems import explain, to_bytes
from predict.store import Store
from predict.telemetry.facts import facts, span
from serving.documents import Document, read_document
from serving.errors import ChangedError, InvalidInputError, TooLargeError, UnavailableError
from serving.model import Model, Prediction
from serving.settings import Settings
from serving.streaming import predict_stream

_LOOKS = 3  # at a document that changes meanwhile
_NOTE_EVERY_S = 2.0


class Outcome(StrEnum):
    """What became of a document in one invocation."""

    PREDICTED = "predicted"
    REFUSED = "refused"  # its result is the problem
    CONTINUED = "continued"  # the work is kept; ask again
    REPEATED = "repeated"  # it has its result already
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for all documents."""

    store: Store
    model: Model
    document: Document
    batch_size: int

    def run(self, name: str, deadline: Deadline) -> Outcome:
        """See to it that the document of that name has its result.

        Raises:
            UnavailableError: it may have one later.
            ServingError: the service is at fault.
        """
        for _ in range(_LOOKS):
            with suppress(ChangedError):
                return self._look(name, deadline)
        raise UnavailableError("the document changes all the time")

    def _look(self, name: str, deadline: Deadline) -> Outcome:
        noted = facts()  # of a look that was thrown away, nothing is told
        noted.matrices, noted.reason = 0, None
        result, unreadable = self.store.result(name), None
        try:
            source = self.store.source(name)
        except InvalidInputError as fault:  # nobody can read it, whatever it is
            source, unreadable = Source(name, UNREADABLE, 0), fault
        if source is None:
            return self._gone(name, result)
        if result and result.source_etag == source.etag:
            self.store.tidy(name)
            return Outcome.REPEATED
        if result:  # of a document that was there before
            self.store.withdraw(name, result.etag)
        return self._refuse(source, unreadable) if unreadable else self._make(source, deadline)

    def _gone(self, name: str, result: Result | None) -> Outcome:
        """Documents expire before their results; what was erased has none."""
        if result and self.store.was_erased(name):
            self.store.withdraw(name, result.etag)
            result = None
        if result is None:
            self.store.tidy(name)
        return Outcome.REPEATED if result else Outcome.GONE

    def _make(self, source: Source, deadline: Deadline) -> Outcome:
        work = self._work(source)
        writer = self.store.writer(source, work.parts)
        before = work.matrices
        facts().document_bytes = source.size_bytes
        try:
            with span("predict"):
                self._write(source, work, writer, deadline)
            return self._publish(source, writer.pause())
        except InvalidInputError as fault:
            return self._refuse(source, fault)
        except OutOfTimeError as cause:
            if work.matrices == before:
                return self._stuck(source, deadline, cause)
            work.parts = writer.pause()
            self.store.put_note(source.name, work.to_json(), Note.WORK)
            self._note(Progress.running(source, work), source)
            return Outcome.CONTINUED
        except ChangedError:  # its parts may be lost: nothing to go on with
            self.store.abandon(source.name, writer.parts)
            if before:
                self.store.remove_note(source.name, Note.WORK)
            raise

    def _stuck(self, source: Source, deadline: Deadline, cause: OutOfTimeError) -> Outcome:
        """No batch was done. Where the reading took the time, no further invocation helps."""
        if deadline.was_spent_on_computing:
            fault = TooLargeError(
                "the document takes longer to read than an invocation lasts: split it, or write "
                "its numbers with less around them (as blank-separated text)"
            )
            return self._refuse(source, fault)
        raise UnavailableError("no batch was done before the invocation's end") from cause

    def _work(self, source: Source) -> Work:
        """What an invocation before this one did, if it can be gone on with."""
        fresh = Work.begin(source, self.model, self.batch_size)
        kept = Work.from_json(self.store.note(source.name, Note.WORK))
        return kept if kept is not None and kept.continues(fresh) else fresh

    def _write(self, source: Source, work: Work, writer: ObjectWriter, deadline: Deadline) -> None:
        """Predict what is left of a document; `work` says how far that came."""
        limit_bytes = self.document.limits.inflated_bytes
        if source.size_bytes > limit_bytes:
            raise TooLargeError(
                f"{source.size_bytes:,} bytes; the limit of a document is {limit_bytes:,}"
            )
        if work.matrices == 0:
            writer.write(opening(self.model).encode())
        with closing(self.store.read(source, deadline.check)) as stream:
            predictions = self._predict(stream, work.matrices, deadline)
            noted, told = facts(), monotonic()
            for piece in rows(predictions, work.matrices):
                writer.write(piece.encode())
                work.matrices += 1
                noted.matrices += 1
                if monotonic() - told > _NOTE_EVERY_S:
                    work.read_bytes = stream.read_bytes
                    self._note(Progress.running(source, work, deadline.until), source)
                    told = monotonic()
            work.read_bytes = stream.read_bytes
        writer.write(CLOSING.encode())

    def _predict(self, stream: ObjectReader, done: int, deadline: Deadline) -> Iterator[Prediction]:
        # What was done is read again, which is the shorter part: an XML reader cannot start in the
        # middle. Whole batches were done, so the engine gets the same ones as in one go.
        matrices = deadline.watch(read_document(cast(BinaryIO, stream), self.document))
        return predict_stream(islice(matrices, done, None), self.model, self.batch_size)

    def _note(self, progress: Progress, source: Source) -> None:
        with suppress(UnavailableError):
            self.store.put_note(source.name, progress.to_json(), Note.PROGRESS)

    def _refuse(self, source: Source, fault: InvalidInputError) -> Outcome:
        """The problem is the result."""
        problem = explain(fault)
        return self._publish(source, Parts(tail=to_bytes(problem)), problem["status"])

    def _publish(self, source: Source, parts: Parts, status: int = 200) -> Outcome:
        """Make the result visible, unless the document is gone or is another one by then.

        It is looked at afterwards: whoever erases a document erases it before its result.
        """
        with span("publish"):
            etag = self.store.publish(source, parts, status)
        facts().answer_bytes = len(parts.etags) * PART_BYTES + len(parts.tail)
        outcome = Outcome.PREDICTED if status == 200 else Outcome.REFUSED
        now = source if source.etag == UNREADABLE else self.store.source(source.name)
        if now is not None and now.etag == source.etag:
            self.store.tidy(source.name, Note)  # what was erased is of a document before this one
            return outcome
        self.store.withdraw(source.name, etag)
        # Whatever it is now: there may be a document again, with a result that is not ours.
        raise ChangedError("the document is gone, or another one meanwhile")


def create_job(model: Model, store: Store, settings: Settings) -> Job:
    """The job of a deployment; a document, packed or not, is as long as an upload may be."""
    whole = settings.limits.upload_bytes
    limits = replace(settings.limits, inflated_bytes=whole, markup_bytes=whole, tags=whole)
    return Job(
        store,
        model,
        Document(model.spec, settings.names, limits),
        settings.batch_size or model.passport.batch_size,
    )
