"""Parts as a stranger might forge them: valid ones with a few bytes of what they say changed."""

from __future__ import annotations

import numpy as np

from dataset.layout import read_layout

HUGE = (b"\xfe\xff\xff\xff\x0f", b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x08")
"""The largest, the smallest and a middling number of 32 bits, as Thrift writes them."""


def mutations(path, count, seed=0):
    """``count`` times what ``path`` holds, with bytes changed in page headers and the footer.

    Bits are flipped, bytes replaced, and numbers made huge (which moves all that follows).
    """
    whole, rng = path.read_bytes(), np.random.default_rng(seed)
    [group] = read_layout(path)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for number in range(count):
        forged = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            if number % 2:
                column = group.columns[rng.integers(len(group.columns))]
                place = column.start + int(rng.integers(min(column.size, 30)))
            else:
                place = int(rng.integers(footer, len(whole) - 8))
            how = number // 2 % 3
            if how == 0:
                forged[place] ^= 1 << int(rng.integers(8))
            elif how == 1:
                forged[place] = int(rng.integers(256))
            else:
                huge = HUGE[rng.integers(len(HUGE))]
                forged[place : place + 1] = huge
                if place >= footer:  # whose length stands at the end
                    length = int.from_bytes(forged[-8:-4], "little") + len(huge) - 1
                    forged[-8:-4] = length.to_bytes(4, "little")
        yield bytes(forged)


def read_all_of(folder, path, forgeries):
    """What became of each: "read", or the error's sentence. Anything else ends the process."""
    from dataset.store import Dataset
    from rigs.errors import UserError

    for forged in forgeries:
        path.write_bytes(forged)
        try:
            data = Dataset.open(folder)
            for row in data.rows():
                data.audio(row)
                data.trajectory(row)
            yield "read"
        except UserError as error:
            yield str(error)
