"""The wiring of the check before traffic, which opens no model: it asks versions that have one."""

import logging
import os

import boto3
from botocore.config import Config

from predict.check.check import Check, Versions, create_handler
from serving.errors import ConfigurationError
from serving.settings import Settings

# A start from a fresh image and a prediction; three of them leave time to say that one failed.
# Nothing is asked twice: a version that answers at its second try is not well.
_ONCE = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1})

logging.getLogger("predict").setLevel(logging.INFO)
settings = Settings.from_env(os.environ)
versions = Versions(os.environ.get("PREDICT_VERSION", ""), os.environ.get("BATCH_VERSION", ""))
if not (versions.predict and versions.batch):
    raise ConfigurationError(
        "PREDICT_VERSION and BATCH_VERSION are not set: they are to be checked"
    )
functions = boto3.client("lambda", region_name=settings.region, config=_ONCE)
check = create_handler(
    Check(functions, versions, settings.model_dir, settings.names),
    boto3.client("codedeploy", region_name=settings.region),
)
