"""make redrive: brings back what was set aside, once its cause is mended.

SQS could move the messages by itself, to no one's knowledge of when it is done; this moves one
after the other, each sent before it is removed, and says how many there were.
"""

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_OURS_S = 60  # for as long a message that is being moved is nobody else's


def redrive(sqs: Any, dead_letters_url: str, queue_url: str) -> int:
    """Move all messages from one queue to the other; how many there were.

    A message may be moved twice, when this is interrupted: it is then predicted once all the same.
    """
    moved = 0
    while True:
        messages = sqs.receive_message(
            QueueUrl=dead_letters_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_OURS_S,
            WaitTimeSeconds=1,
        ).get("Messages", [])
        if not messages:
            return moved
        for message in messages:
            sqs.send_message(QueueUrl=queue_url, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead_letters_url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1


def main() -> int:
    """Move the dead letters of a stage's stack."""
    parser = argparse.ArgumentParser(prog="make redrive", description=__doc__)
    parser.add_argument("--stage", default="default", help="of samconfig.toml")
    args = parser.parse_args()
    config = tomllib.loads(Path("samconfig.toml").read_text(encoding="utf-8"))
    if args.stage not in config:
        print(f"STAGE is {args.stage}: expected default, dev or prod", file=sys.stderr)
        return 1
    known = config[args.stage]["global"]["parameters"]
    try:
        outputs = _outputs(known["stack_name"], known["region"])
        sqs = boto3.client("sqs", region_name=known["region"])
        moved = redrive(sqs, outputs["DeadLetters"], outputs["Queue"])
    except (BotoCoreError, ClientError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(f"{known['stack_name']}: {moved} brought back")
    return 0


def _outputs(stack: str, region: str) -> dict[str, str]:
    cloudformation = boto3.client("cloudformation", region_name=region)
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}


if __name__ == "__main__":
    sys.exit(main())
