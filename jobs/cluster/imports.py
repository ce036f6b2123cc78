"""What a Python worker remembers of the archives that it imported from."""

import sys
from zipimport import zipimporter


def forget_archives() -> None:
    """Spare the next task of this worker 0.1 s of reading.

    Spark's worker imports PySpark from pyspark.zip, with one importer for each package. Before
    each task it has all of them forget what they know, and each then reads the list of the whole
    archive again. Modules that are loaded stay loaded; an importer that is needed is made again.
    """
    known = sys.path_importer_cache
    for path in [path for path, finder in known.items() if isinstance(finder, zipimporter)]:
        del known[path]
