"""What libraries say: who and where is let out, never the text."""

import subprocess
import sys
from pathlib import Path

import pytest

from predict.telemetry.libraries import silence
from serving.errors import ConfigurationError
from tests.support.processes import environment

SECRET = "4711-secret"
_SPEAK = f"""
import gc, logging, sys, threading, time, warnings
from awslambdaric import bootstrap

bootstrap._setup_logging({{log_format}}, None, bootstrap.StandardLogSink())
from predict.telemetry.libraries import silence
silence("INFO")
secret = "{SECRET}"

def fail():
    raise ValueError(secret)

class Dropped:
    def __del__(self):
        fail()

log = logging.getLogger("library.part")
try:
    fail()
except ValueError:
    {{speak}}
"""
WAYS = {
    "its text": ("log.error(secret)", "library.part at <string>:"),
    "an argument": ("log.error('no %s', secret)", "library.part at <string>:"),
    "a mapping": ("log.error('no %(a)s', {'a': secret})", "library.part at <string>:"),
    "what is added": ("log.error('no', extra={'a': secret})", "library.part at <string>:"),
    "an error": ("log.exception('no')", "library.part at <string>:"),
    "a stack": ("log.error('no', stack_info=True)", "library.part at <string>:"),
    "the root": ("logging.error(secret)", "root at <string>:"),
    "its quiet text": ("log.info(secret); log.error('')", "library.part at <string>:"),
    "our own error": (
        "logging.getLogger('predict.x').exception('we failed')",
        "we failed: ValueError at <string>:",
    ),
    "a warning": ("warnings.warn(secret)", "UserWarning at <string>:"),
    "a thread": ("threading.Thread(target=fail).start()", "thread: ValueError at <string>:"),
    "a finalizer": ("Dropped(); gc.collect()", "ignored: ValueError at <string>:"),
    "asyncio": (
        "import asyncio; asyncio.new_event_loop().call_exception_handler({'message': secret})",
        "asyncio at base_events.py:",
    ),
    "mangum": (
        "logging.getLogger('mangum.http').info(secret); log.error('')",
        "library.part at <string>:",
    ),
}


def speak(code: str, log_format: str) -> str:
    """What a process writes whose library does that, with Lambda's own client around it."""
    form = f"bootstrap.LogFormat.from_str({log_format!r})"
    program = _SPEAK.replace("{log_format}", form).replace("{speak}", code)
    program = program.replace("{{", "{").replace("}}", "}")
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("log_format", ["JSON", "Text"])
@pytest.mark.parametrize("way", WAYS)
def test_a_library_is_heard_without_its_words(way: str, log_format: str) -> None:
    code, expected = WAYS[way]
    out = speak(code, log_format)
    assert expected in out
    assert SECRET not in out
    assert "mangum" not in out


@pytest.mark.parametrize("level", ["", "loud", "NOTSETS"])
def test_a_level_that_is_none_fails_the_start(level: str) -> None:
    with pytest.raises(ConfigurationError, match=f'POWERTOOLS_LOG_LEVEL is "{level}"'):
        silence(level)


def test_a_wrong_level_fails_the_cold_start_with_the_reason(root: Path) -> None:
    env = {"MODEL_DIR": "models/demo/bundle", "POWERTOOLS_LOG_LEVEL": "loud"}
    done = subprocess.run(
        [sys.executable, "-c", "import predict.handler"],
        cwd=root,
        env=environment(**env),
        capture_output=True,
        text=True,
    )
    assert 'ConfigurationError: POWERTOOLS_LOG_LEVEL is "loud"' in done.stderr
