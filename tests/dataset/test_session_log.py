"""What a session leaves besides captures: its log, its summary, and order after a mishap."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from tanh_rig import DEVICE, KNOBS, recipe, tanh_rig
from test_session import digest

from dataset.planning import make_plan
from dataset.session import (
    Decided,
    Kept,
    SetAside,
    Started,
    capture,
    clock,
    held_indices,
    report,
)
from dataset.session.log import Log, read_log
from dataset.session.simulated import one_by_one
from dataset.store import Dataset
from rigs.errors import DeviceLost, UserError
from rigs.files import only_one

HERE = Path(__file__).parent


def live(checks=None, **path):
    return tanh_rig(checks, simulated=False, level=0.3, **path)


def rows_of(folder):
    (path,) = (folder / "sessions").glob("*.jsonl")
    return read_log(path)


def events_in(folder):
    return [row["event"] for row in rows_of(folder)]


# --- the log --------------------------------------------------------------------------------


def test_the_log_tells_everything_that_happened(planned, tmp_path):
    def lost(wet):
        raise DeviceLost("The cable was pulled; plug it in.")

    quiet = [lambda wet: wet * 1e-9] * 4  # three takes, and one that sounded before
    rig = live({"dc_offset": 0.02}, spoil=[lambda w: w, lambda w: w, lambda w: w, lost, *quiet])
    summary = capture(rig, *planned, tmp_path)
    assert summary.log.parent == tmp_path / "sessions"
    rows = rows_of(tmp_path)
    assert [row["event"] for row in rows[:4]] == ["begin", "planned", "waiting", "waiting"]
    begin = rows[0]
    assert (begin["rig"], begin["device"], begin["simulated"]) == ("bench", DEVICE, False)
    assert begin["plan"] == planned[0].plan_id
    assert begin["checks"] == {"dc_offset": 0.02}
    assert rows[1] == {**rows[1], "total": 19, "held": 0}
    events = [row["event"] for row in rows]
    assert events.count("warm-up") == 2
    assert events.count("pause") == events.count("resumed") == 1
    assert "cable" in rows[events.index("pause")]["reason"]
    assert [r["flags"] for r in rows if r["event"] == "retry"] == [["silent"]] * 2
    kept = [row for row in rows if row["event"] == "kept"]
    frame = Dataset.open(tmp_path).captures.set_index("capture_id")
    assert {row["capture"] for row in kept} == set(frame.index)
    for row in kept:
        stored = frame.loc[row["capture"]]
        assert row["flags"] == list(stored["flags"])
        assert row["attempt"] == stored["attempt"]
        assert row["latency"] == pytest.approx(stored["latency"])
        assert row["rms_dbfs"] == pytest.approx(stored["rms_dbfs"], abs=0.01)
        assert row["setting"] == pytest.approx(stored["setting"], abs=1e-3)
    assert [row["drift"] for row in kept if row["role"] == "sentinel"][1:] == [0.0] * 4
    assert rows[-1]["event"] == "end"
    assert rows[-1]["why"] == "done"
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert times == sorted(times)
    assert all(time.tzinfo is not None for time in times)


def test_a_simulations_log_goes_on_and_changes_no_capture(planned, captured, tmp_path):
    stop, folder = [False, False, False, True], tmp_path / "again"
    assert capture(tanh_rig(), *planned, folder, stop=lambda: stop.pop(0)).stopped
    capture(tanh_rig(), *planned, folder)
    assert digest(folder) == digest(captured)
    events = events_in(folder)
    assert events.count("begin") == events.count("end") == 2
    assert [r["why"] for r in rows_of(folder) if r["event"] == "end"] == ["stopped", "done"]
    assert "16 captures were made" in next((folder / "sessions").glob("*.md")).read_text()


def test_a_plan_that_is_done_leaves_no_log(planned, tmp_path):
    capture(live(), *planned, tmp_path)
    assert capture(live(), *planned, tmp_path).log is None
    assert len(list((tmp_path / "sessions").iterdir())) == 2


def test_what_ended_a_session_is_in_its_log(planned, tmp_path):
    spoil = [lambda wet: wet, lambda wet: wet, lambda wet: wet, *[lambda wet: wet[:-1]] * 3]
    with pytest.raises(UserError, match="unusable"):
        capture(live(spoil=spoil), *planned, tmp_path)
    assert rows_of(tmp_path)[-1]["why"] == "error"
    assert "unusable 3 times" in rows_of(tmp_path)[-1]["error"]
    folder = tmp_path / "interrupted"

    def interrupt(event):
        if isinstance(event, Started) and event.entry.index == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture(live(), *planned, folder, interrupt)
    assert rows_of(folder)[-1]["why"] == "interrupted"
    assert events_in(folder).count("kept") == len(Dataset.open(folder)) == 3
    assert "the capture in hand was given up" in next(folder.rglob("*.md")).read_text()


@pytest.mark.parametrize("end", [b'{"time": "2026-01-01T0', b"\xff\xfe\n", b"[1]\n", b'{"a": 1}\n'])
def test_a_torn_line_is_left_out_and_the_next_one_is_whole(planned, tmp_path, end):
    stop = [False, False, True]
    capture(tanh_rig(), *planned, tmp_path, stop=lambda: stop.pop(0))
    (path,) = (tmp_path / "sessions").glob("*.jsonl")
    before = read_log(path)
    path.write_bytes(path.read_bytes() + end)
    assert read_log(path) == before
    capture(tanh_rig(), *planned, tmp_path)
    assert read_log(path)[: len(before)] == before
    assert read_log(path)[len(before)]["event"] == "begin"
    assert read_log(path)[-1]["why"] == "done"


def test_a_log_that_cannot_be_written_ends_no_session(planned, tmp_path, monkeypatch):
    def full(self, *args, **options):
        raise OSError(28, "No space left on device")

    log = Log(tmp_path, "20260101T000000Z-0000")
    monkeypatch.setattr(Path, "open", full)
    log.write("begin", rig="bench")
    monkeypatch.undo()
    log.write("more")
    assert not log.path.exists(), "a log with a gap would mislead"
    log.end(None)
    assert not log.summary.exists()


# --- the summary ----------------------------------------------------------------------------


def test_a_person_can_read_what_was_done(planned, tmp_path):
    # Three takes of capture 1, and after the first one of capture 0, to hear whether it sounds.
    spoil = [*[lambda wet: wet] * 3, *[lambda wet: wet * 1e-9] * 4]
    summary = capture(live(spoil=spoil), *planned, tmp_path)
    text = summary.log.with_suffix(".md").read_text()
    for words in (
        "# Capture session of tanh-amp on bench",
        "19 captures were made: ",
        "19 of the plan's 19 are there now (0 were before)",
        "the plan was done",
        "takes were repeated (2 silent)",
        "2 takes were played to warm up",
        "| silent |",
        "Each sentinel against the first one",
        "1 with faults: they are not trained on",
        "The worst is 0.",
    ):
        assert words in text, text
    assert "captures left" not in text


def test_the_summary_of_a_killed_session_is_written_by_the_next(planned, tmp_path):
    child = os.fork()
    if child == 0:

        def die(event):
            if isinstance(event, Kept) and event.entry.index == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        capture(live(), *planned, tmp_path, die)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    (log,) = (tmp_path / "sessions").iterdir()
    capture(live(), *planned, tmp_path)
    text = log.with_suffix(".md").read_text()
    assert "it was killed, or the power failed" in text
    assert "3 captures were made" in text
    assert "Run the same command again: 16 of the plan's captures left." in text


def test_a_strange_log_makes_a_summary_all_the_same():
    odd = [
        {"event": "kept"},
        {"event": "begin", "time": 5, "device": "a|b\n# c"},
        {"event": "planned", "total": "many", "held": None},
        {"event": "kept", "flags": "silent", "seconds": "x", "drift": [], "role": "sentinel"},
        {"event": "kept", "flags": [1, None], "seconds": 1e400, "time": "2026-01-01T00:00:00"},
        {"event": "retry", "time": "2026-01-01T00:00:00+00:00"},
        {"event": "end", "why": {}},
    ]
    text = report.describe(odd)
    assert "# Capture session of a/b # c on ?" in text
    assert report.describe([]) == "Nothing was logged.\n"
    assert "2 captures were made" in text


# --- mishaps --------------------------------------------------------------------------------


def test_a_clock_that_is_put_back_leaves_names_and_times_in_order(planned, tmp_path, monkeypatch):
    class Clock(datetime):
        now_is = datetime(2026, 6, 1, 12, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.now_is

    monkeypatch.setattr(clock, "datetime", Clock)
    done = []

    def on_event(event):
        if isinstance(event, Kept):
            done.append(event.entry.index)
            Clock.now_is -= timedelta(hours=1)  # in the midst of the session, again and again

    capture(live(), *planned, tmp_path, on_event, stop=lambda: len(done) >= 4)
    Clock.now_is = datetime(2026, 5, 1, tzinfo=UTC)
    decided = []
    capture(
        live(), *planned, tmp_path, lambda e: decided.append(e) if isinstance(e, Decided) else None
    )
    assert "The clock is behind" in decided[0].what
    frame = Dataset.open(tmp_path).captures.sort_values("capture_id")
    assert frame["session_id"].nunique() == 2
    assert frame["plan_index"].tolist() == list(range(19)), "names are in the order of captures"
    assert frame["started_at"].is_monotonic_increasing
    assert frame["started_at"].min() >= pd.Timestamp("2026-06-01T12:00Z")


@pytest.mark.parametrize(
    ("harm", "simulated"), [("cut", True), ("empty", True), ("zeros", True), ("cut", False)]
)
def test_the_newest_part_cut_by_a_power_cut_is_captured_again(planned, tmp_path, harm, simulated):
    rig = tanh_rig(simulated=simulated, level=1 if simulated else 0.3)
    capture(rig, *planned, tmp_path)
    before = digest(tmp_path)
    parts = sorted((tmp_path / "captures").glob("*.parquet"))
    data = parts[-1].read_bytes()
    cut = {"cut": data[: len(data) // 2], "empty": b"", "zeros": bytes(len(data))}[harm]
    parts[-1].write_bytes(cut)
    events = []
    summary = capture(rig, *planned, tmp_path, events.append)
    assert (summary.held, summary.captured) == (18, 1)
    (aside,) = [event for event in events if isinstance(event, SetAside)]
    assert aside.path == parts[-1]
    assert aside.to.read_bytes() == cut, "moved, and not thrown away"
    after = digest(tmp_path)
    if simulated:
        assert {k: v for k, v in after.items() if not k.startswith("damaged")} == before
    Dataset.open(tmp_path).verify()
    logged = [path.read_text() for path in (tmp_path / "sessions").glob("*.jsonl")]
    assert any('"set aside"' in text for text in logged)


def test_older_damage_is_named_and_not_touched(planned, captured, parts):
    parts[3].write_bytes(parts[3].read_bytes()[:100])
    parts[-1].write_bytes(parts[-1].read_bytes()[:100])
    with pytest.raises(UserError, match=f"{parts[3].name} is damaged"):
        capture(tanh_rig(), *planned, captured)
    assert parts[3].exists()


def test_a_part_of_many_captures_is_never_set_aside(planned, captured, parts):
    merged = parts[-1].with_name("zz-merged.parquet")
    parts[-1].rename(merged)
    merged.write_bytes(merged.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"zz-merged.parquet is damaged"):
        capture(tanh_rig(), *planned, captured)
    assert merged.exists()


HOLDS = """
import sys, time
from pathlib import Path
from rigs.files import only_one
with only_one(Path(sys.argv[1]), wait=False):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_session_is_refused_and_a_dead_ones_lock_is_not_in_the_way(planned, captured):
    folder = captured / "captures"
    command = [sys.executable, "-c", HOLDS, str(folder)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1])
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="Another session is capturing into"):
            capture(tanh_rig(), *planned, captured)
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    assert capture(tanh_rig(), *planned, captured).held == 19
    with only_one(folder, wait=False):
        pass


# --- where takes come from ------------------------------------------------------------------


def test_takes_may_come_from_elsewhere_and_in_any_order(planned, captured, tmp_path):
    def backwards(work):
        takes = list(one_by_one(work))
        yield from reversed(takes)

    capture(tanh_rig(), *planned, tmp_path / "again", source=backwards)
    assert digest(tmp_path / "again") == digest(captured)


def test_a_source_is_closed_whatever_ends_the_session(planned, tmp_path):
    closed = []

    def source(work):
        try:
            yield from one_by_one(work)
        finally:
            closed.append(True)

    def interrupt(event):
        if isinstance(event, Kept):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture(tanh_rig(), *planned, tmp_path, interrupt, source=source)
    assert closed


def test_what_a_plan_extends_was_captured_for_it_too(tmp_path):
    plan, dries = make_plan(KNOBS, DEVICE, recipe())
    short = replace(plan, entries=plan.entries[:7])
    longer = replace(plan, extends=(7,))
    capture(tanh_rig(), short, dries, tmp_path)
    before = digest(tmp_path / "captures")
    summary = capture(tanh_rig(), longer, dries, tmp_path)
    assert (summary.held, summary.captured) == (7, 12)
    assert before.items() <= digest(tmp_path / "captures").items()
    capture(tanh_rig(), longer, dries, tmp_path / "at once")
    assert digest(tmp_path / "captures") == digest(tmp_path / "at once" / "captures")


def test_many_parts_are_known_by_their_index(planned, captured, parts, monkeypatch):
    monkeypatch.setattr("dataset.store.scan.FROM", 1)
    monkeypatch.setattr("dataset.store.scan.WORTH_NOTING", 1)
    parts[4].unlink()
    assert held_indices(captured, planned[0]) == set(range(19)) - {4}
    assert capture(tanh_rig(), *planned, captured).captured == 1
    other = make_plan(KNOBS, DEVICE, recipe(seed=9))
    assert capture(tanh_rig(), *other, captured).captured == 19
    assert len(Dataset.open(captured)) == 19, "a simulation keeps no other plan's"
    newest = sorted((captured / "captures").glob("*.parquet"))[2]
    newest.write_bytes(newest.read_bytes()[:100])
    with pytest.raises(UserError, match=f"{newest.name} is damaged"):
        held_indices(captured, other[0])
