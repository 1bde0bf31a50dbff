"""Compacts copies of a folder, and kills each compaction before another of its steps.

Usage: compact_server.py FOLDER STEP... A step is a flush to the disk, a rename or a removal. The
copy that was left before step N lies at FOLDER-N. Prints, as JSON, for each how many rows its
parts hold: more than there are captures while some lie in two files.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pyarrow.parquet as pq

from dataset.compact import compact


def die_before(step):
    done = 0

    def counted(function):
        def counting(*args, **kwargs):
            nonlocal done
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return function(*args, **kwargs)

        return counting

    os.fsync = counted(os.fsync)
    Path.replace = counted(Path.replace)
    Path.unlink = counted(Path.unlink)


def main() -> None:
    folder = Path(sys.argv[1])
    rows = []
    for step in map(int, sys.argv[2:]):
        copy = folder.with_name(f"{folder.name}-{step}")
        shutil.copytree(folder, copy)
        child = os.fork()
        if child == 0:
            die_before(step)
            compact(copy, everything=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"there is no step {step}"
        files = (copy / "captures").glob("*.parquet")
        rows.append(sum(pq.read_metadata(path).num_rows for path in files))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
