"""The handlers as they run where X-Ray asks for a trace of each invocation.

The emulator leaves that out, so the variable that Lambda's runtime client sets is set here.
"""

import os
from importlib import import_module
from typing import Any

HEADER = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
_handler = os.environ["TRACED"]
_module, _, _name = _handler.rpartition(".")
_traced = getattr(import_module(_module), _name)


def handle(event: Any, context: Any) -> Any:
    """As the handler that is named by TRACED."""
    os.environ["_X_AMZN_TRACE_ID"] = HEADER
    return _traced(event, context)
