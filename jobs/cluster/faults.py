"""What went wrong in Spark, in one line for a person."""

import re

from serving.errors import brief


def reason_of(error: Exception) -> str:
    """The error that ended a worker, at the end of its traceback; else the first words."""
    text = str(error)
    if "Python worker exited unexpectedly" in text:
        return "a Python worker died, perhaps for want of memory"
    if "No FileSystem for scheme" in text or "S3AFileSystem not found" in text:
        return "this Spark knows no such storage: s3:// is read on EMR, folders here"
    found = re.findall(r"^(?:[a-z_]+\.)+(\w+: .+)$", text, re.MULTILINE)
    return found[-1][:300] if found else brief(error)
