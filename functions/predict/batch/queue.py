"""The queue that brings documents, in SQS."""

from typing import Any

from predict.clients import sqs_client, translated
from serving.settings import Storage


class SqsQueue:
    """The queue of a deployment."""

    def __init__(self, storage: Storage) -> None:
        self._url = storage.queue_url
        self._sqs: Any = sqs_client(storage.region, storage.endpoint)

    def send_again(self, body: str) -> None:
        """As a message of its own, which may be tried as often as any.

        Raises:
            UnavailableError: SQS did not take it.
        """
        with translated():
            self._sqs.send_message(QueueUrl=self._url, MessageBody=body)

    def bring_back(self, receipt: str, after_s: int) -> None:
        """Bring a message that fails again sooner than it would.

        Raises:
            UnavailableError: SQS did not take it.
        """
        with translated():
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=after_s
            )
