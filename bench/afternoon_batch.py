"""The batch function as one would write it in an afternoon: the whole document in memory."""

import json
import os
from typing import Any
from urllib.parse import unquote_plus

import boto3
import keras
import numpy as np

from bench.afternoon_parse import parse

model = keras.models.load_model(os.environ["KERAS_FILE"], compile=False)
shape = model.input_shape[1:]
s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"])


def handler(event: dict[str, Any], _context: Any) -> None:
    """Predict the documents that an event of SQS announces."""
    for message in event["Records"]:
        for record in json.loads(message["body"])["Records"]:
            bucket = record["s3"]["bucket"]["name"]
            key = unquote_plus(record["s3"]["object"]["key"])
            content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            ids, rows = parse(content)
            batch = np.array(rows, dtype=np.float32).reshape(-1, *shape)
            outputs = model.predict(batch, verbose=0)
            answer = {
                "predictions": [
                    {"id": id, "output": output.tolist()}
                    for id, output in zip(ids, outputs, strict=True)
                ]
            }
            result = key.replace("uploads/", "predictions/", 1) + ".json"
            s3.put_object(Bucket=bucket, Key=result, Body=json.dumps(answer))
