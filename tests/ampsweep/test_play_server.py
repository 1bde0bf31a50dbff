"""`ampsweep play` and `ampsweep export web` without a browser: what is served, and to whom."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ampsweep.app import run
from ampsweep.images import image_of
from ampsweep.live_page import Remote
from ampsweep.live_panel import Panel
from ampsweep.page import KINDS, WEB, live_files, no_recordings, page_files, recorded
from ampsweep.play import fragment_of
from ampsweep.serving import PageServer
from dataset.flac import decode
from dataset.store import Dataset
from rigs.errors import UserError
from tests.firmware.engine_cases import bent
from tests.training import judged_amp
from tests.training.models_at_random import PANEL, random_model
from tests.training.pedal_image import FACTS, IMAGE, KNOBS, MIXED
from tests.training.random_nets import A1, SMALL, TWO_ARRAYS, random_net
from training.checkpoint import save_model
from training.exports.nam import to_nam
from training.exports.pedal import read_pedal, to_pedal
from training.native.live import LiveEngine

FOLD = Path(__file__).parents[1] / "players" / "fold.mjs"
Said = Callable[..., str]


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Said:
    """Runs a verb where there is a model `m`; what it said."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "m", random_model())

    def call(*args: str, code: int = 0) -> str:
        assert run(args) == code
        captured = capsys.readouterr()
        return " ".join((captured.out + captured.err).split())

    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where there are a model `m` and the captures that it is like, in `data`."""
    made = tmp_path_factory.mktemp("served")
    save_model(made / "m", judged_amp.a_model())
    judged_amp.write(made / "data", judged_amp.a_model(), judged_amp.usual())
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[PageServer]:
    image, facts = image_of(folder / "m")
    with PageServer(page_files(image, recorded(folder / "data", facts.knobs))) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(
    server: PageServer, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def test_all_files_of_the_page(server: PageServer) -> None:
    for name in server.files:
        status, headers, body = ask(server, f"/{name}")
        assert (status, headers["Content-Type"]) == (200, KINDS[Path(name).suffix]), name
        assert body == server.files[name]()
    assert ask(server, "/")[2] == (WEB / "index.html").read_bytes()
    status, headers, body = ask(server, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_captures_are_what_was_recorded(server: PageServer, folder: Path) -> None:
    captures = json.loads(ask(server, "/captures.json")[2])["captures"]
    dataset = Dataset.open(folder / "data")
    rows = {str(row["capture_id"]): row for row in dataset.rows()}
    still = [name for name, row in rows.items() if not row["trajectory_rate"] > 0]
    assert [capture["id"] for capture in captures] == still
    last = captures[-1]
    assert last["positions"] == list(rows[last["id"]]["setting"].values())
    wet, dry = (
        decode(ask(server, f"/captures/{last['id']}.{what}.flac")[2], judged_amp.FRAMES, 48_000)
        for what in ("wet", "dry")
    )
    assert np.array_equal(dry, dataset.dry(rows[last["id"]]))
    assert np.allclose(last["scale"] * wet, dataset.audio(rows[last["id"]]), rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/%2e%2e/app.py",
        "/..%2fapp.py",
        "/main.py",
        "/captures/",
        "/x",
    ],
)
def test_it_serves_its_own_files_only(server: PageServer, path: str) -> None:
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},
    ],
)
def test_it_refuses_other_hosts(server: PageServer, headers: dict[str, str]) -> None:
    given = {name: value.format(port=server.server_port) for name, value in headers.items()}
    status, _, body = ask(server, "/model.pedal", **given)
    assert (status, body) == (403, b"Only pages of this server may ask.\n")


def test_it_answers_its_own_page(server: PageServer) -> None:
    host = f"localhost:{server.server_port}"
    own = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
    assert ask(server, "/model.pedal", **own)[0] == 200
    typed = {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"}
    assert ask(server, "/", **typed)[0] == 200
    assert server.server_address[0] == "127.0.0.1"


def test_it_changes_nothing(server: PageServer) -> None:
    assert ask(server, "/", "POST")[0] == 501
    assert ask(server, "/live", "POST", b"{}", Content_Type="application/json")[0] == 501
    assert ask(server, "/", "DELETE")[0] == 501


@pytest.fixture(scope="module")
def turned() -> Iterator[PageServer]:
    """A server that is told things, and answers in capitals."""

    def exchange(said: bytes) -> bytes:
        if said == b"nonsense":
            raise ValueError
        return said.upper()

    with PageServer({}, 0, exchange) as made, made.in_background():
        yield made


OWN = {"Origin": "http://127.0.0.1:{port}", "Content_Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "change", "body", "status"),
    [
        ("/live", {}, b"turn", 200),
        ("/live", {"Content_Type": "application/json; charset=utf-8"}, b"turn", 200),
        ("/live", {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}, b"turn", 200),
        ("/live", {}, b"nonsense", 400),
        ("/live", {"Content_Type": "text/plain"}, b"turn", 400),
        ("/live", {"Content_Length": "-1"}, b"turn", 400),
        ("/live", {}, b"x" * 10_000, 400),
        ("/", {}, b"turn", 404),
        ("/live?x", {}, b"turn", 404),
        ("/live", {"Origin": None}, b"turn", 403),
        ("/live", {"Origin": "http://evil.example"}, b"turn", 403),
        ("/live", {"Origin": "null"}, b"turn", 403),
        ("/live", {"Host": "evil.example:{port}"}, b"turn", 403),
        ("/live", {"Host": "evil.example", "Origin": "http://evil.example"}, b"turn", 403),
        ("/live", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"}, b"turn", 403),
    ],
)
def test_who_may_turn_knobs(
    turned: PageServer, path: str, change: dict[str, str | None], body: bytes, status: int
) -> None:
    headers = {name: value for name, value in {**OWN, **change}.items() if value is not None}
    given = {name: value.format(port=turned.server_port) for name, value in headers.items()}
    found, said, answer = ask(turned, path, "POST", body, **given)
    assert found == status
    assert (answer == b"TURN") == (status == 200)
    assert said["Cache-Control"] == "no-store"


def test_what_is_refused_is_not_the_next_request(turned: PageServer) -> None:
    hidden = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    head = f"POST /live HTTP/1.1\r\nHost: evil\r\nContent-Length: {len(hidden)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", turned.server_port), timeout=20) as client:
        client.sendall(head.encode() + hidden)
        said = b"".join(iter(lambda: client.recv(4096), b""))
    assert said.count(b"HTTP/1.1 ") == 1
    assert said.startswith(b"HTTP/1.1 403 ")


def test_what_a_page_may_ask_of_the_engine() -> None:
    engine = LiveEngine(IMAGE, 48_000, 1, 1, 1)
    panel = Panel(read_pedal(IMAGE).facts, engine, 48_000)
    remote = Remote(panel, "from here to there")
    state = json.loads(remote(b'{"turns": {"0": 9.5, "2": 1.7, "7": -99}, "bypassed": true}'))
    assert (state["positions"][0], state["positions"][7], state["bypassed"]) == (9.5, -24, True)
    assert state["between"] == "from here to there"
    assert json.loads(remote(b'{"turns": {}}'))["bypassed"]
    for said in (
        b"",
        b"[]",
        b"{}",
        b'{"turns": {"9": 1}}',
        b'{"turns": {"-1": 1}}',
        b'{"turns": {"0": NaN}}',
        b'{"turns": {"0": 1e999}}',
        b'{"turns": {"0": "x"}}',
        b'{"turns": {}, "more": 1}',
        b"\xff",
    ):
        with pytest.raises(ValueError, match=r"validation error|no such knob"):
            remote(said)
    assert panel.positions[0] == 9.5


def test_the_live_page_has_its_own_files() -> None:
    live, usual = live_files(IMAGE), page_files(IMAGE, no_recordings())
    assert live["index.html"]() == (WEB / "live.html").read_bytes()
    assert set(usual) - set(live) == {"main.js", "captures.json"}
    assert set(live) - set(usual) == {"live.js"}


def test_a_port_that_is_taken(server: PageServer) -> None:
    with pytest.raises(UserError, match="is taken"):
        PageServer({}, server.server_port)


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    save_model(tmp_path / "m", random_model())
    command = [sys.executable, "-m", "ampsweep", "play", "m", "--no-browser", "--set", "Gain=7"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("my amp: http://127.0.0.1:")
        assert first.endswith("/#Gain=7\n")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_what_the_address_says_of_a_setting() -> None:
    assert fragment_of(PANEL, {}) == ""
    assert fragment_of(PANEL, {"High Cut": 300, "Bright": 2}) == "#High%20Cut=300&Bright=on%2Ffull"


def test_a_model_of_another_panel(said: Said) -> None:
    judged_amp.write(Path("data"), judged_amp.a_model(), judged_amp.usual())
    sentence = said("play", "m", "--data", "data", "--no-browser", code=2)
    assert "data has the knobs Gain, Tone, Bright, but the model Gain, High Cut, Bright" in sentence
    assert "There is no model in x" in said("play", "x", "--no-browser", code=2)


def test_export(said: Said) -> None:
    assert said("export", "web", "m", "--out", "site").startswith("site: my amp, ")
    assert (Path("site") / "model.pedal").stat().st_size > 1000
    assert "is there already" in said("export", "web", "m", "--out", "site", code=2)
    assert said("export", "web", "m", "--out", "a.html").startswith("a.html: my amp, ")
    page = Path("a.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert said("export", "pedal", "m", "--out", "m.pedal")
    assert said("export", "web", "m.pedal", "--out", "b.html")
    assert Path("b.html").read_text() == page


def test_export_with_recordings(said: Said) -> None:
    save_model(Path("j"), judged_amp.a_model())
    judged_amp.write(Path("data"), judged_amp.a_model(), judged_amp.usual())
    said("export", "web", "j", "--data", "data", "--out", "site")
    captures = json.loads((Path("site") / "captures.json").read_text())["captures"]
    assert [capture["positions"][0] for capture in captures] == [1, 5, 9]
    assert len(list(Path("site", "captures").iterdir())) == 6


BENT = to_pedal(random_net(bent(SMALL), KNOBS.inputs), FACTS)


SEVERAL = [to_pedal(random_net(config, KNOBS.inputs), FACTS) for config in (TWO_ARRAYS, A1)]


@pytest.mark.parametrize(
    "image",
    [IMAGE, MIXED, BENT, *SEVERAL],
    ids=["film", "basis", "tanh", "two arrays", "nam-standard"],
)
def test_the_snapshot_of_the_page_is_that_of_python(image: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    positions = rng.uniform(KNOBS.minimum, KNOBS.maximum)
    positions[[bool(knob.detents) for knob in KNOBS]] = 1
    (tmp_path / "m.pedal").write_bytes(image)
    command = ["node", FOLD, WEB, tmp_path / "m.pedal", json.dumps(positions.tolist())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    metadata, weights = found.pop("metadata"), np.float32(found.pop("weights"))
    expected = to_nam(read_pedal(image).fold(KNOBS.to_setting(positions)), {})
    assert expected.pop("metadata") == {}
    wanted = np.float32(expected.pop("weights"))
    assert found == json.loads(json.dumps(expected))
    assert weights.shape == wanted.shape
    assert np.abs(weights - wanted).max() <= 2e-7 * np.abs(wanted).max()
    assert metadata["loudness"] == -12.3457
    assert metadata["input_level_dbu"] == 12.25
    assert list(metadata["ampsweep"]["setting"]) == list(KNOBS.names)
    assert metadata["name"].startswith("virtual-amp (Gain ")
