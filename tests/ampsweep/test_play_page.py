"""The page of `ampsweep play` in a real browser."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ampsweep.app import run
from ampsweep.images import image_of
from ampsweep.page import page_files, recorded
from ampsweep.serving import PageServer
from tests.ampsweep import bs1770
from tests.players import nam_core
from tests.training import judged_amp
from tests.training.random_nets import TEN_LAYERS, plucked, random_net
from training.checkpoint import Model, save_model
from training.play import play

PLAYERS = Path(nam_core.__file__).parent
MODEL = Model(
    "m",
    "Loud 50",
    judged_amp.KNOBS,
    48_000,
    "wavenet",
    random_net(TEN_LAYERS, judged_amp.KNOBS.inputs),
    {},
)
SETTING = judged_amp.setting(6.5, 1.0, 1.0)
DRY = plucked(24_000)
MOVES = [[0, 0.1, 2.0], [0, 0.2, 9.0], [1, 0.3, 3.5], [0, 0.4, 9.0]]
"""Knob, seconds, position; in straight lines, from the setting at 0 s on."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def wav(audio: np.ndarray) -> bytes:
    sink = io.BytesIO()
    soundfile.write(sink, audio, 48_000, format="WAV", subtype="FLOAT")
    return sink.getvalue()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Visit:
    """What a person did on the page, and what came of it."""

    found: dict[str, Any]
    folder: Path
    address: str


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """One visit for all tests: a browser takes longer to start than all of them to look."""
    folder = tmp_path_factory.mktemp("visit")
    save_model(folder / "m", MODEL)
    judged_amp.write(folder / "data", MODEL, judged_amp.usual())
    for out in ("page.html", "site"):
        assert run(["export", "web", str(folder / "m"), "--out", str(folder / out)]) == 0
    image, facts = image_of(folder / "m")
    pages = PageServer(page_files(image, recorded(folder / "data", facts.knobs)))
    others = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder / "site"))
    job = {
        "address": pages.address,
        "folder": str(folder),
        "dry": text(DRY.tobytes()),
        "positions": list(SETTING.values()),
        "moves": MOVES,
        "bad": {
            "notes.txt": text(b"Gain 7, Bass 4\n"),
            "nan.wav": text(wav(np.array([0.1, np.nan, 0.2] * 999, np.float32))),
            "silent.wav": text(wav(np.zeros(999, np.float32))),
        },
        "good": text(wav(plucked(9_600))),
        "elsewhere": {
            "folder": f"http://127.0.0.1:{others.server_port}/",
            "one file": (folder / "page.html").as_uri(),
        },
    }
    (folder / "job.json").write_text(json.dumps(job))
    node = shutil.which("node")
    assert node, "node is missing; run scripts/system-packages.sh"
    command = [node, PLAYERS / "page.mjs", folder / "job.json"]
    with serving(pages), serving(others):
        done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Visit(json.loads(done.stdout), folder, pages.address)


def audio(base64_text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(base64_text), "<f4")


def test_it_loads_and_nothing_leaves_the_machine(visit: Visit) -> None:
    assert visit.found["loads"]["device"] == "Loud 50"
    assert visit.found["loads"]["wrong"] == ""
    assert visit.found["faults"] == []
    schemes = ("http://127.0.0.1:", "data:", "blob:", "file://")
    assert [url for url in visit.found["asked"] if not url.startswith(schemes)] == []


def test_it_plays(visit: Visit) -> None:
    assert visit.found["loads"]["audio"] == "suspended"
    assert visit.found["loads"]["still"] == 0
    assert visit.found["plays"]["heard"] > 1e-3
    assert visit.found["plays"]["facts"].startswith("engine ")
    assert visit.found["plays"]["latency"].endswith(" ms")


def test_the_browser_plays_what_torch_plays(visit: Visit) -> None:
    positions = judged_amp.KNOBS.to_array(SETTING)
    torch = play(MODEL.net, DRY, judged_amp.KNOBS.to_inputs(positions))
    assert np.abs(torch).max() > 0.05, "the net is silent, so the test says little"
    assert np.abs(audio(visit.found["exact"]["still"]) - torch).max() <= 1e-5


def test_knobs_change_the_sound_as_torch_says(visit: Visit) -> None:
    """The engine reads a knob at a control frame, and is there at the next."""
    frames = np.arange(len(DRY) // 48 + 1)
    positions = np.tile(judged_amp.KNOBS.to_array(SETTING), (len(frames), 1))
    seconds = np.maximum(frames - 1, 0) * 48 / 48_000
    for knob, start in ((0, SETTING["Gain"]), (1, SETTING["Tone"])):
        way = [(0.0, start), *((at, to) for which, at, to in MOVES if which == knob)]
        positions[:, knob] = np.interp(seconds, *zip(*way, strict=True))
    moved = audio(visit.found["exact"]["moving"])
    torch = play(MODEL.net, DRY, judged_amp.KNOBS.to_inputs(positions))
    still = audio(visit.found["exact"]["still"])
    assert np.abs(moved - still).max() > 0.02, "the knobs do nothing, so the test says little"
    assert np.abs(moved - torch).max() <= 1e-5


def test_knobs_turn_by_keys_wheel_and_drag(visit: Visit) -> None:
    found = visit.found["knobs"]
    assert found["keys"] == {
        "Home": "0.0", "ArrowUp": "0.1", "PageUp": "1.1", "Shift+ArrowRight": "1.1",
        "End": "10.0", "ArrowDown": "9.9", "Delete": "5.0",
    }  # fmt: skip
    assert (found["wheel"], found["drag"], found["double"]) == ("2.04", "4.00", "2.00")


def test_the_setting_is_in_the_address(visit: Visit) -> None:
    assert visit.found["knobs"]["address"] == f"{visit.address}#Gain=5&Tone=4&Bright=a"
    assert visit.found["address"] == {"gain": "1.0", "tone": "2.00", "bright": True}


def test_bypass_and_cabinet(visit: Visit) -> None:
    gains = visit.found["bypassed"]
    assert {name for name, gain in gains.items() if gain > 0.5} == {"bypass", "bare"}


def test_the_real_amp_beside_the_model(visit: Visit) -> None:
    offered, beside = visit.found["offered"], visit.found["beside"]
    assert offered["nearest"] == "Gain 9.0 · Tone 3.00 · Bright b"
    assert offered["away"] == "84 % of a knob's range away"
    assert beside["away"] == "exactly here"
    assert {name for name, gain in beside["gains"].items() if gain > 0.5} == {"real", "boxed"}
    model, real = map(audio, visit.found["loudness"])
    assert bs1770.loudness(real) == pytest.approx(bs1770.loudness(model), abs=1e-3)
    assert abs(np.std(real) / np.std(model) - 1) > 1e-3, "as it is by RMS, so this says little"
    assert visit.found["left"]["disabled"]
    assert visit.found["left"]["gains"]["model"] > 0.5


def test_a_bad_file_gives_a_sentence(visit: Visit) -> None:
    drops = visit.found["drops"]
    sentence = "notes.txt is not audio that this browser can read; drop a WAV, FLAC or MP3 file."
    assert drops["notes.txt"] == sentence
    assert drops["cabinet"] == [sentence, "4 × 12, made here"]
    assert "not numbers" in drops["nan.wav"]
    assert "silent" in drops["silent.wav"]


def test_good_files(visit: Visit) -> None:
    drops = visit.found["drops"]
    assert drops["good"] == ["good.wav plays from now on.", "good.wav, 0.2 s, over and over"]
    assert drops["ir"] == ["ir.wav is the cabinet now.", "ir.wav"]


def test_a_live_input_warns_and_tells_its_latency(visit: Visit) -> None:
    assert "Headphones on?" in visit.found["live"]["warning"]
    assert " ms" in visit.found["live"]["note"]


def test_midi(visit: Visit) -> None:
    midi = visit.found["midi"]
    assert midi["first"][0] == 10
    assert midi["taught"][1] == 0
    assert midi["third"] == [10, 0, 1]
    assert midi["refused"].startswith("The browser does not let this page use MIDI; allow it")
    # Where tests run there may be no MIDI at all, or none plugged in.
    found = ("The browser finds no MIDI on this machine", "No MIDI input is plugged in", "Control ")
    assert midi["allowed"].startswith(found)


def test_a_snapshot_is_the_model_at_that_setting(visit: Visit) -> None:
    saved = visit.found["saved"]
    assert saved["name"] == "Loud 50 Gain@10.0_Tone@0.00_Bright@b.nam"
    wet = nam_core.play(visit.folder / "snapshot.nam", DRY)
    inputs = judged_amp.KNOBS.to_inputs(np.array(saved["positions"]))
    assert np.abs(wet - play(MODEL.net, DRY, inputs))[6000:].max() < 1e-5


def test_by_keyboard_alone(visit: Visit) -> None:
    found = visit.found["keyboard"]
    assert found["order"] == [
        "Gain", "Tone", "Bright a", "Knobs to default", "MIDI", "Play", "Guitar, built in",
        "phrase", "Bypass", "Go there and compare", "Input", "Volume", "Cabinet", "Other…",
        "Save snapshot .nam", "Copy link to this setting",
    ]  # fmt: skip
    assert found["phrase"] == "Power chords"
    # A file was chosen and there is none, so what played ended.
    assert (found["source"], found["playing"]) == ("file", "false")


def test_a_phone(visit: Visit) -> None:
    assert visit.found["phone"]["width"] == 360
    assert visit.found["phone"]["gain"] == "7.0"
    assert visit.found["phone"]["finger"] >= 80


@pytest.mark.parametrize("way", ["folder", "one file"])
def test_the_page_exported(visit: Visit, way: str) -> None:
    assert visit.found[way] == {"device": "Loud 50", "recordings": False}
