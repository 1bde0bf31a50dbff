"""The fake controller does as the real one did in a recorded session: same bytes, same replies."""

import re
from pathlib import Path

import pytest
from grbl_controller import Controller

TRANSCRIPT = Path(__file__).parents[3] / "shared/data/grblhal/transcript.txt"

pytestmark = pytest.mark.skipif(
    not TRANSCRIPT.exists(), reason="test material absent: the recorded grblHAL session"
)
LISTS = (b"$I\n", b"$#\n", b"$G\n", b"$EE\n", b"$EA\n")
"""Lists that no rule makes."""


def events():
    """(seconds, what was sent, None) or (seconds, None, what came), in order."""
    for line in TRANSCRIPT.read_text().splitlines():
        match = re.match(r" *([0-9.]+) ([<>]) ?(.*)$", line)
        if match is None:
            continue
        if match[2] == "<":
            yield float(match[1]), None, match[3]
        else:
            text = match[3][2:-1].encode("latin-1").decode("unicode_escape")
            yield float(match[1]), text.encode("latin-1"), None


def answer(rows, sent):
    """The lines between ``sent`` and its ok."""
    start = next(i for i, row in enumerate(rows) if row[1] == sent)
    lines = [row[2] for row in rows[start + 1 :] if row[2] is not None]
    return lines[: lines.index("ok")]


def moving(report):
    return report.startswith(("<Run", "<Jog"))


def alike(real, fake, at_rest):
    """Equal, except that what depends on when a motor was stopped may be off by at most
    ``slack`` degrees."""
    if real == fake:
        return True
    if not real.startswith("<"):
        return False
    pattern = r"MPos:([-0-9.,]+)"
    if re.sub(pattern, "", real) != re.sub(pattern, "", fake):
        return False
    numbers = [list(map(float, re.search(pattern, text)[1].split(","))) for text in (real, fake)]
    # In motion: one of the recording's 20 ms ticks at 60 degrees a second. Stopped by hand at up to
    # 20 degrees a second: two motor steps.
    slack = 1.2 if moving(real) else 0.226
    apart = [abs(a - b) for a, b in zip(*numbers, strict=True)]
    changed = [i for i, d in enumerate(apart) if d > 0]
    return max(apart) <= slack and (moving(real) or (at_rest(real) and changed == [3]))


def test_same_bytes_same_replies():
    rows = list(events())
    settings = dict(re.fullmatch(r"\$(\d+)=(.*)", line).groups() for line in answer(rows, b"$$\n"))
    fake = Controller({int(number): text for number, text in settings.items()}, char_time=0.02)
    fake.pins_from_switches = True
    fake.canned = {sent.decode().strip(): answer(rows, sent) for sent in LISTS}
    expected = [row[2] for row in rows if row[2] is not None]
    for seconds, sent, _ in rows:
        if sent is not None:
            fake.advance(seconds)
            fake.receive(sent, seconds)
    fake.advance(seconds + 5)
    replies = b"".join(fake.out).decode().split("\r\n")[:-1]
    # By hand stopped: held (120 to 250 degrees), jogged and cancelled, reset while moving.
    stopped = re.compile(r"<(Hold:0|Idle|Alarm)\|MPos:30.037,59.962,90.000,(127|196|203)")
    wrong = [
        (i, real, fake)
        for i, (real, fake) in enumerate(zip(expected, replies, strict=False))
        if not alike(real, fake, stopped.match)
    ]
    assert wrong == []
    assert len(replies) == len(expected)
    reports = [r for r in expected if r.startswith("<")]
    assert len(reports) == 156
    assert sum(map(moving, reports)) > 100
