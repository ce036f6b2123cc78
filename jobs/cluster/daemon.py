"""Where the embedded Spark's Python workers come from: PySpark's own daemon, as it is installed.

Spark puts an archive of PySpark before all else on the path. From an archive Python compiles each
module again, in each session, which the first worker waits for (0.5 s); beside this program lie
the same modules, compiled.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    _ARCHIVES = ("pyspark.zip", "py4j-")
    sys.path[:] = [path for path in sys.path if not Path(path).name.startswith(_ARCHIVES)]

    from pyspark.daemon import manager

    manager()  # type: ignore[no-untyped-call]
