"""make redrive: brings back what was set aside, once its cause is mended.

SQS could move the messages by itself, to no one's knowledge of when it is done; this moves one
after the other, each sent before it is removed, and says how many there were.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from botocore.exceptions import BotoCoreError, ClientError

from local.stage import Stage, StageError

_OURS_S = 60  # for as long a message that is being moved is nobody else's
_UPLOADS = "uploads/"


def redrive(sqs: Any, dead_letters_url: str, queue_url: str) -> int:
    """Move all messages from one queue to the other; how many there were.

    A message may be moved twice, when this is interrupted: it is then predicted once all the same.
    """
    moved = 0
    for message in _take(sqs, dead_letters_url):
        sqs.send_message(QueueUrl=queue_url, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=dead_letters_url, ReceiptHandle=message["ReceiptHandle"])
        moved += 1
    return moved


def look(sqs: Any, dead_letters_url: str) -> Iterator[str]:
    """A line for each message: when its document came, and the hash that stands in the log.

    Each message is looked at once, and is hidden from others for a minute.
    """
    for message in _take(sqs, dead_letters_url):
        sent_s = int(message["Attributes"]["SentTimestamp"]) / 1e3
        sent = datetime.fromtimestamp(sent_s, UTC).isoformat(" ", "seconds")
        yield f"{sent}  {', '.join(_hashes(message['Body'])) or 'no message of S3'}"


def _take(sqs: Any, url: str) -> Iterator[dict[str, Any]]:
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=_OURS_S,
        WaitTimeSeconds=1,
        AttributeNames=["SentTimestamp"],
    ).get("Messages"):
        yield from messages


def _hashes(body: str) -> list[str]:
    """Of the documents' names, as the batch's log has them; names may be somebody's."""
    try:
        content = json.loads(body)
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in content["Records"]]
    except (ValueError, KeyError, TypeError):
        return []
    names = [key.removeprefix(_UPLOADS) for key in keys]
    return [hashlib.sha256(name.encode()).hexdigest()[:12] for name in names]


def main() -> int:
    """Move the dead letters of a stage's stack, or look at them."""
    parser = argparse.ArgumentParser(prog="make redrive", description=__doc__)
    parser.add_argument("--stage", default="default", help="of samconfig.toml")
    parser.add_argument("--look", action="store_true", help="list them, and leave them there")
    args = parser.parse_args()
    try:
        stage = Stage.read(args.stage)
        outputs, sqs = stage.outputs(), stage.client("sqs")
        if args.look:
            lines = list(look(sqs, outputs["DeadLetters"]))
            print("\n".join([*lines, f"{stage.stack}: {len(lines)} set aside"]))
            return 0
        moved = redrive(sqs, outputs["DeadLetters"], outputs["Queue"])
    except (StageError, BotoCoreError, ClientError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(f"{stage.stack}: {moved} brought back")
    return 0


if __name__ == "__main__":
    sys.exit(main())
