"""A real audio server without hardware, and an amp behind it: jackd's dummy driver, and jalv."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 20.0
NEEDED = ("jackd", "jack_wait", "jack_lsp", "jack_connect", "jack_freewheel", "jalv")
STUDIO = "http://guitarix.sourceforge.net/plugins/gx_studiopre#studiopre"


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def _started(*command: str, **pipes: int) -> subprocess.Popen[bytes]:
    # They end with us, however we end; gently, for the system has room for eight servers in all,
    # and does not forget one that is killed.
    bound = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*bound, *command], **{**quiet, **pipes})


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()


@dataclass
class Amp:
    """An LV2 plugin with ports like a sound card's, and knobs."""

    process: subprocess.Popen[bytes]

    def turn(self, symbol: str, value: float) -> None:
        """Returns when jalv has said that the control stands there."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"set {symbol} {value:.9g}\n".encode())
        stdin.flush()
        while (line := stdout.readline()) and not line.endswith(f"{symbol} = {value:f}\n".encode()):
            pass
        assert line, "jalv ended"

    def hang(self, seconds: float) -> None:
        """Do nothing for so long. Returns at once."""
        self.process.send_signal(signal.SIGSTOP)
        wake = threading.Timer(seconds, self.process.send_signal, [signal.SIGCONT])
        wake.daemon = True
        wake.start()


@dataclass
class JackServer:
    """One server of its own name, on which this process and its children find each other."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes]
    amps: list[Amp] = field(default_factory=list)

    def ports(self) -> list[str]:
        return run("jack_lsp").splitlines()

    def until_there(self, port: str) -> None:
        end = time.monotonic() + PATIENCE
        said = ""
        while True:
            try:
                if port in self.ports():
                    return
            except RuntimeError as error:  # a client that comes may be turned away once
                said = f" ({error})"
            assert self.process.poll() is None, f"jackd ended{said}"
            assert time.monotonic() < end, f"the port {port} did not come up{said}"

    def host(self, uri: str, name: str, port: str = "out", **controls: float) -> Amp:
        """Host the LV2 plugin as the client ``name``; returns when its ``port`` is there."""
        given = [word for key, value in controls.items() for word in ("-c", f"{key}={value:.9g}")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}  # jalv ends when stdin does
        amp = Amp(_started("stdbuf", "-oL", "jalv", "-x", "-n", name, *given, uri, **pipes))
        self.amps.append(amp)
        self.until_there(f"{name}:{port}")
        return amp

    def connect(self, source: str, destination: str) -> None:
        run("jack_connect", source, destination)

    def disconnect(self, source: str, destination: str) -> None:
        run("jack_disconnect", source, destination)

    def set_freewheel(self, on: bool) -> None:
        """Run as fast as the clients do, and wait for each, or in real time.

        No client may come or go before it is real time again: the server would hang then.
        """
        run("jack_freewheel", "y" if on else "n")

    @contextmanager
    def freewheel(self) -> Iterator[None]:
        """Freewheel while this lasts."""
        self.set_freewheel(True)
        try:
            yield
        finally:
            if self.process.poll() is None:
                self.set_freewheel(False)

    def wait(self) -> None:
        run("jack_wait", "-w", "-t", "10", "-s", self.name)

    def end(self) -> None:
        """Be gone, in the middle of whatever its clients do."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def restart(self) -> None:
        """Without the amps that were there."""
        self.stop()
        self.process = _started(*self.command)
        self.wait()

    def stop(self) -> None:
        # Clients first, and gently: one that outlives its server destroys what the next one
        # shares, and one that is killed makes its server wait.
        while self.amps:
            _end(self.amps.pop().process)
        if self.process.poll() is None:
            _end(self.process)
        for left in Path("/dev/shm").glob(f"*{self.name}*"):  # what was killed leaves
            left.unlink(missing_ok=True)


@contextmanager
def jack_server(
    *, period: int = 256, rate: int = 48000, synchronous: bool = True
) -> Iterator[JackServer]:
    """A server with two channels each way that lead nowhere, for as long as this lasts."""
    missing = [tool for tool in NEEDED if not shutil.which(tool)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    name = f"ampsweep-{os.getpid()}-{secrets.token_hex(2)}"
    ours = {
        "JACK_DEFAULT_SERVER": name,
        "JACK_NO_START_SERVER": "1",
        "JACK_NO_AUDIO_RESERVATION": "1",
    }
    before = {key: os.environ.get(key) for key in ours}
    os.environ.update(ours)
    # A server takes 39 MiB of /dev/shm with 64 ports, and 102 with its usual 2048.
    command = ["jackd", "--no-realtime", "--port-max", "64", "--name", name]
    command += ["--sync"] if synchronous else []
    command += ["-d", "dummy", "-r", str(rate), "-p", str(period), "-C", "2", "-P", "2"]
    server = JackServer(name, command, _started(*command))
    try:
        server.wait()
        yield server
    finally:
        server.stop()
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
