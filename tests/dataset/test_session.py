import hashlib
import os
import resource
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tanh_rig import DEVICE, KNOBS, TanhPath, noise_dry, recipe, tanh_amp, tanh_rig

from dataset.plan import read_plan, write_plan
from dataset.planning import make_plan
from dataset.session import Kept, Planned, Progressed, Retrying, Started, Waiting, capture
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.files import only_one
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options


def digest(folder):
    """Of what a session captured: its log tells of times, and no two are the same."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "sessions"
    }


def captures(folder):
    return pd.read_parquet(folder / "captures").sort_values("plan_index")


def test_every_entry_is_captured_once_with_what_was_played(planned, captured):
    plan, dries = planned
    data = Dataset.open(captured)
    audio = {dry.dry_id: dry.audio for dry in dries}
    assert data.captures["plan_index"].tolist() == list(range(len(plan.entries)))
    for entry, row in zip(plan.entries, data.rows(), strict=True):
        dry = audio[entry.dry_id][entry.dry_offset :][: entry.frames]
        assert (data.dry(row) == dry).all()
        wet = tanh_amp(dry, entry.trajectory)
        assert np.abs(data.audio(row) - wet).max() <= row["wet_scale"] * 2.0**-23
        assert (row["role"], row["plan_id"], row["rig"]) == (entry.role, plan.plan_id, "bench")
        assert row["setting"] == pytest.approx(entry.setting(KNOBS))
        assert row["latency"] == 0.25
    assert data.captures["wet_scale"].max() > 1


def test_events_tell_the_whole_story(planned, tmp_path):
    plan, _ = planned
    events = []
    summary = capture(tanh_rig(), *planned, tmp_path, events.append)
    assert (summary.captured, summary.held, summary.flagged) == (19, 0, 0)
    total = sum(entry.frames for entry in plan.entries) / 48_000
    assert events[0] == Planned(19, 0, total, 0)
    assert events[1] == Waiting("the rig to open")
    # A simulation's part is written while the next one is rendered; a live one's is not.
    assert [type(e) for e in events[2:7]] == [Started, Progressed, Started, Progressed, Kept]
    assert [e.entry.index for e in events if isinstance(e, Kept)] == list(range(19))
    assert capture(tanh_rig(), *planned, tmp_path, events.append).held == 19
    assert events[-1] == Planned(19, 19, total, total)


def test_a_simulation_gives_the_same_bytes_however_often_it_is_interrupted(
    planned, captured, tmp_path
):
    folder = tmp_path / "again"

    def interrupt(event):
        if isinstance(event, Progressed):
            raise KeyboardInterrupt

    for round_ in range(4):
        kept = []

        def stop(event, kept=kept):
            if isinstance(event, Kept):
                kept.append(event)
            if len(kept) == 3:
                interrupt(Progressed(event.entry, 0))

        with pytest.raises(KeyboardInterrupt):
            capture(tanh_rig(), *planned, folder, stop)
        with pytest.raises(KeyboardInterrupt):
            capture(tanh_rig(), *planned, folder, interrupt)
        assert len(list((folder / "captures").iterdir())) == 3 * (round_ + 1)
    capture(tanh_rig(), *planned, folder)
    assert digest(folder) == digest(captured)


def test_what_was_moved_away_is_captured_again(planned, captured, parts):
    before = digest(captured)
    for part in parts[::5]:
        part.unlink()
    rig = tanh_rig()
    assert capture(rig, *planned, captured).captured == rig.path.plays == len(parts[::5])
    assert digest(captured) == before


def test_a_real_rig_has_the_clocks_time_and_new_names_each_session(planned, tmp_path):
    plan, dries = planned

    def stop(event):
        if isinstance(event, Started) and event.entry.index == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture(tanh_rig(simulated=False), plan, dries, tmp_path, stop)
    capture(tanh_rig(simulated=False), plan, dries, tmp_path)
    frame = captures(tmp_path)
    assert frame["plan_index"].tolist() == list(range(19))
    assert frame["capture_id"].is_unique
    assert frame["session_id"].nunique() == 2
    assert frame["session_id"].str.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}").all()
    assert frame["capture_id"].iloc[4].endswith("-000000")
    assert (pd.Timestamp.now("UTC") - frame["started_at"]).max() < pd.Timedelta("1min")


def test_a_bad_take_is_repeated_and_the_last_kept_with_its_flags(planned, tmp_path):
    quiet, events = (lambda wet: wet * 1e-9), []
    # The fifth is of capture 0, played again to hear whether anything sounds.
    spoil = [quiet, quiet, np.array, quiet, quiet, quiet, quiet]
    rig = tanh_rig({"warm_up_minutes": 0}, simulated=False, level=0.3, spoil=spoil)
    capture(rig, *planned, tmp_path, events.append)
    frame = captures(tmp_path)
    assert frame["attempt"].tolist()[:3] == [3, 3, 1]
    assert [list(flags) for flags in frame["flags"][:3]] == [[], ["silent"], []]
    retries = [e for e in events if isinstance(e, Retrying)]
    assert [(e.entry.index, e.attempt) for e in retries] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert retries[0].flags == ("silent",)
    assert len(Dataset.open(tmp_path).select()) == 18


@pytest.mark.parametrize(("attempts", "plays"), [(1, 1), (3, 3)])
@pytest.mark.parametrize("spoil", [lambda wet: wet * np.nan, lambda wet: wet[:-1]])
def test_a_take_that_cannot_be_stored_ends_the_session(planned, tmp_path, spoil, attempts, plays):
    rig = tanh_rig(simulated=False, spoil=[spoil] * 3)
    with pytest.raises(UserError, match="Capture 0 came back unusable"):
        capture(rig, *planned, tmp_path, attempts=attempts)
    assert rig.path.plays == plays
    assert list((tmp_path / "captures").iterdir()) == []


def test_a_simulation_is_not_repeated(planned, tmp_path):
    rig = tanh_rig(spoil=[lambda wet: wet * np.nan])
    with pytest.raises(UserError, match="1 times"):
        capture(rig, *planned, tmp_path)
    assert rig.path.plays == 1


def test_a_real_rigs_parts_of_another_plan_stay_and_do_not_count(planned, captured):
    before = digest(captured)
    other = make_plan(KNOBS, DEVICE, recipe(seed=9))
    assert capture(tanh_rig(simulated=False, level=0.3), *other, captured).captured == 19
    after = digest(captured)
    assert before.items() <= after.items()
    assert len(Dataset.open(captured)) == 38


def test_another_device_or_panel_is_refused(planned, captured):
    plan, dries = planned
    with pytest.raises(UserError, match="the rig has 'other'"):
        capture(replace(tanh_rig(), device="other"), plan, dries, captured)
    for other in (
        make_plan(KNOBS, "other", recipe()),
        make_plan(KnobTable((*KNOBS.knobs[:2], Knob("Mid"))), DEVICE, recipe()),
    ):
        rig = replace(tanh_rig(simulated=False), device=other[0].device, knobs=other[0].knobs)
        with pytest.raises(UserError, match="in a folder of its own"):
            capture(rig, *other, captured)


def test_a_missing_or_short_dry_is_refused(planned, tmp_path):
    plan, dries = planned
    with pytest.raises(UserError, match="which is not there"):
        capture(tanh_rig(), plan, dries[:2], tmp_path)
    entry = replace(plan.entries[0], dry_id=noise_dry().dry_id, dry_offset=90_000)
    with pytest.raises(UserError, match="ends after the dry 'noise'"):
        capture(tanh_rig(), replace(plan, entries=(entry,)), [noise_dry()], tmp_path)


@pytest.mark.parametrize("harm", ["truncated", "empty", "text", "footer"])
def test_a_damaged_part_is_named_and_left_alone(planned, captured, parts, harm):
    data = parts[3].read_bytes()
    bad = {"truncated": data[:-500], "empty": b"", "text": b"no", "footer": data[:-9] + b"?" * 9}
    parts[3].write_bytes(bad[harm])
    rig = tanh_rig()
    with pytest.raises(UserError, match=f"{parts[3].name} is damaged.*move it away"):
        capture(rig, *planned, captured)
    assert parts[3].read_bytes() == bad[harm]
    assert rig.path.plays == 0


def test_a_file_where_a_folder_should_be(planned, tmp_path):
    (tmp_path / "data").write_text("")
    for folder in (tmp_path / "data", tmp_path / "data/tanh-amp"):
        with pytest.raises(UserError, match="there is a file on that path"):
            capture(tanh_rig(), *planned, folder)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/dry").write_text("")
    with pytest.raises(UserError, match="there is a file on that path"):
        capture(tanh_rig(), *planned, tmp_path / "dev")


def test_leftovers_are_removed_and_other_files_are_not(planned, captured):
    folder = captured / "captures"
    (folder / ".x.parquet.abc.tmp").write_text("half")
    (folder / ".gitignore").write_text("*")
    capture(tanh_rig(), *planned, captured)
    assert not (folder / ".x.parquet.abc.tmp").exists()
    assert (folder / ".gitignore").exists()


def test_two_sessions_at_once_are_refused(planned, captured):
    with only_one(captured / "captures", wait=False), pytest.raises(UserError, match="Another"):
        capture(tanh_rig(), *planned, captured)
    capture(tanh_rig(), *planned, captured)


def mounted(folder):
    """A disk of 1 MiB on ``folder``, if this user may mount one."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_on_a_full_disk_whole_captures_stay_and_the_rest_follows(planned, captured, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    is_mounted = mounted(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        if not is_mounted:  # the next best: no file may be larger than the first captures are
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
        with pytest.raises(UserError, match=r"could not be written .*make room") as caught:
            capture(tanh_rig(), *planned, folder / DEVICE)
        assert "\n" not in str(caught.value)
        files = [p for p in (folder / DEVICE).rglob("*") if p.is_file()]
        files = [p for p in files if p.parent.name != "sessions"]
        assert all(path.suffix == ".parquet" and path.name[0] != "." for path in files)
        if is_mounted:
            assert len(files) > 3, "the disk should fill up in the midst of the captures"
            Dataset.open(folder / DEVICE).verify()
            remount = ["mount", "-o", "remount,size=16m", str(folder)]
            subprocess.run(remount, check=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        capture(tanh_rig(), *planned, folder / DEVICE)
        assert digest(folder / DEVICE) == digest(captured)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Tuned(TanhPath):
    """A simulation made of an option and a file."""

    class Tuning(Options):
        bias: float = 0.0

    @property
    def sources(self):
        return tuple(sorted(self.folder.glob("*.txt")))


def test_a_simulation_that_has_changed_since_it_was_planned_is_not_captured(tmp_path):
    def rig(bias, simulated=True):
        path = Tuned(simulated=simulated, options=Tuned.Tuning(bias=bias))
        path.folder = tmp_path
        return replace(tanh_rig(), path=path)

    def planned_for(rig):
        return make_plan(KNOBS, DEVICE, recipe(), rig=rig.fingerprint())

    assert rig(0.0).fingerprint() == tanh_rig().fingerprint() == ""
    plain, biased = planned_for(rig(0.0)), planned_for(rig(0.5))
    assert plain[0].plan_id != biased[0].plan_id
    write_plan(biased[0], tmp_path / "plan.parquet")
    assert read_plan(tmp_path / "plan.parquet").rig == rig(0.5).fingerprint() != ""
    for plan, other in ((plain, 0.5), (biased, 0.0), (biased, 0.6)):
        with pytest.raises(UserError, match="is not as it was when the plan was made"):
            capture(rig(other), *plan, tmp_path / "data")
    (tmp_path / "tubes.txt").write_text("12AX7")
    with pytest.raises(UserError, match="a file that it names have changed"):
        capture(rig(0.5), *biased, tmp_path / "data")
    with_file = rig(0.5).fingerprint()
    (tmp_path / "tubes.txt").write_text("12AU7")
    assert rig(0.5).fingerprint() != with_file
    assert rig(0.5, simulated=False).fingerprint() == "", "a live rig is never the same twice"
    assert capture(rig(0.5), *planned_for(rig(0.5)), tmp_path / "data").captured == 19
