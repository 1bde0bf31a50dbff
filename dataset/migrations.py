"""Older versions of the schema, brought up to this one as they are read.

Parts are never rewritten, so a dataset may hold parts of several versions for ever. When the
schema changes, SCHEMA_VERSION (:mod:`dataset.schema`) goes up by one, and a step is added here: a
function from a table of the version before to one of the next. It gets tables of captures, of
dries and plans (told apart by their columns), with their metadata, and with no rows, too. It adds,
renames or casts columns; what it cannot know it leaves null.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

Step = Callable[[pa.Table], pa.Table]

STEPS: dict[int, Step] = {}
"""From which version: to the next. The schema is still the first."""


def reaches(version: int, wanted: int) -> bool:
    """Whether steps lead from ``version`` to the version ``wanted``."""
    return all(step in STEPS for step in range(version, wanted))


def migrate(table: pa.Table, version: int, wanted: int) -> pa.Table:
    """``table``, of the schema ``version``, as one of the version ``wanted``.

    Raises ValueError if it has not the columns of its version.
    """
    for number in range(version, wanted):
        metadata = table.schema.metadata
        try:
            table = STEPS[number](table)
        except (KeyError, pa.ArrowException) as error:
            raise ValueError(f"it lacks columns of schema version {number}: {error}") from None
        if table.schema.metadata is None:  # which Arrow forgets when it renames a column
            table = table.replace_schema_metadata(metadata)
    return table
