"""Two trainings as one process of several.

`torchrun together_server.py DATA MODEL OTHER OPTIMIZER`; DATA is there, the models are made.

The second one is stopped in between, and goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from amp_on_disk import options

from dataset.store import Dataset
from training.run import train_model


def main() -> None:
    data, first, second = map(Path, sys.argv[1:4])
    optimizer = sys.argv[4]
    dataset = Dataset.open(data)
    chosen = options(
        steps=12,
        optimizer=optimizer,
        machine={"kernel": "native", "threads": 1, "compile": False},
    )
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] == 7

    train_model(first, dataset, chosen, lambda _: None)
    try:
        train_model(second, dataset, chosen, lambda _: None, stop=stop)
    except KeyboardInterrupt as interrupt:
        print(interrupt, flush=True)
    assert not (second / "model.json").exists()
    train_model(second, dataset, chosen, lambda _: None)


if __name__ == "__main__":
    main()
