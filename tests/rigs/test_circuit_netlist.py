from __future__ import annotations

import re
from pathlib import Path

import pytest
from circuit_bench import DIVIDER, HEAD, bursts, play
from hypothesis import given
from hypothesis import strategies as st

from rigs.audio import esr
from rigs.circuits.allowed import objection
from rigs.circuits.deck import Job
from rigs.circuits.netlist import LARGEST, Level, load, parse
from rigs.errors import UserError
from rigs.paths.circuit import Circuit, CircuitOptions


def deck_of(text: str) -> str:
    netlist = parse(text, "x.cir")
    return Job(netlist, "in", "out", 1.0, 8, dict.fromkeys(netlist.names, 3.0)).deck(100)


def test_the_built_in_ones() -> None:
    pedal = load("builtin:ts808", Path())
    assert pedal.knobs.names == ("Drive", "Tone", "Level")
    assert pedal.knobs["Drive"].taper == "audio"
    assert (pedal.input, pedal.output) == (Level("in", 1.0), Level("out", 2.0))
    amp = load("builtin:fender", Path())
    assert amp.knobs.names == ("Volume", "Treble", "Bass", "Middle", "Bright")
    assert (amp.input, amp.output) == (Level("in", 1.0), Level("out", 100.0))
    assert amp.knobs["Bright"].detents == ("off", "on")
    assert pedal.sweeps
    assert amp.sweeps


def test_a_netlist_is_read(tmp_path: Path) -> None:
    (tmp_path / "my.cir").write_bytes(
        b"Title, with anything `in` it $(rm)\r\n"
        b"* any remark: \xce\xa9, $, `\r\n"
        b"* input a 0.5 V\r\n*output  b 2 V\r\n* settle 1.5 s\r\n"
        b'.PARAM P = 2.5 ; knob "Low Cut" -1..4 unit dB taper reverse audio\r\n'
        b'.param s=2 ;switch "Mode" one, two three,four\r\n'
        b".param half={p/2} ; plain\r\n"
        b"R1 a\r\n+ b ; in two\r\n"
        b"+ {1k*(1 + P)}\r\n"
        b"C1 b 0 1n\r\n.end\r\n"
    )
    netlist = load("my.cir", tmp_path)
    low, mode = netlist.knobs
    assert (low.name, low.minimum, low.maximum, low.default) == ("Low Cut", -1, 4, 2.5)
    assert (low.unit, low.taper) == ("dB", "reverse audio")
    assert (mode.detents, mode.default, mode.maximum) == (("one", "two three", "four"), 2, 2)
    assert netlist.names == ("P", "s")
    assert (netlist.input, netlist.output) == (Level("a", 0.5), Level("b", 2.0))
    assert netlist.settle == 1.5
    assert netlist.statements == (".param half={p/2}", "R1 a b {1k*(1 + P)}", "C1 b 0 1n")
    assert not netlist.sweeps  # `half` depends on P


@pytest.mark.parametrize(
    ("body", "sweeps"),
    [
        ("R1 in out {turn}", True),
        ("R1 in out {turn} tc1=1", False),
        ("R1 in out {1k}\nC1 out 0 {turn*1n}", False),
        (".func f(x) {x + turn}\nR1 in out {f(1)}", False),
        (".func f(x) {x*10}\nR1 in out {f(Turn)}", True),
        ("R1 in turn 1k\nRturn in out 1k", False),  # a node of that name: better none than wrong
    ],
)
def test_knobs_that_only_set_resistors_can_move(body: str, sweeps: bool) -> None:
    assert parse(HEAD + body, "x.cir").sweeps is sweeps


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (".control", "card '.control'"),
        (".include /etc/passwd", "card '.include'"),
        (".INC x", "card '.inc'"),
        (".lib x y", "card '.lib'"),
        (".csparam a=1", "card '.csparam'"),
        (".option reltol=1", "card '.option'"),
        (".tran 1u 1", "card '.tran'"),
        (".if (1)", "card '.if'"),
        ("shell touch x", "no part"),
        ("A1 %v([in]) m", "character '%'"),
        ("A1 in out m", "no part"),
        ("U1 in out m", "no part"),
        (".model m filesource", "unknown kind"),
        (".model m", "unknown kind"),
        ("R1 in out `id`", "character '`'"),
        ("R1 in out $x", "character '\\$'"),
        ("R1 in out #x", "character '#'"),
        ('R1 in out "x"', "character '\"'"),
        ("R1 in out 1k\\", "character"),
        ("R1 in out 1kΩ", "character 'Ω'"),
        ("R1 in out {agauss(1k,1,1)}", "chance"),
        ("B1 out 0 V=sin(time)", "the time"),
        ("B1 out 0 V=TEMPER", "the temperature"),
        ("E1 out 0 pwl in file=x", "files"),
        ("V1 out 0 sin(0 1 1k)", "plain DC"),
        ("V1 out 0 trnoise(1 1 1 1)", "chance"),
        ("V1 out 0 9 ac 1", "plain DC"),
        ("R1 ampsweep_turn 0 1k", "begins with 'ampsweep'"),
        ("R1 in out " + "+".join(["1"] * 1500), "longer than 2000"),
    ],
)
def test_what_a_netlist_may_not_say(statement: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as raised:
        parse(HEAD + statement, "x.cir")
    assert str(raised.value).startswith("x.cir, line 6: ")


@pytest.mark.parametrize(
    "statement",
    ["V1 a 0 9", "V1 a 0 DC {9/2}", "I1 a 0 -1.5m", "vcc a 0 1e-3", ".model m NPN(bf=100 is=1f)"],
)
def test_what_it_may(statement: str) -> None:
    assert objection(statement) is None


@given(st.text(st.characters(max_codepoint=0x17F), min_size=1, max_size=60))
def test_nothing_unknown_reaches_ngspice(statement: str) -> None:
    """Each line is a card or part of the lists, whatever was written."""
    try:
        deck = deck_of(HEAD + DIVIDER + statement)
    except UserError:
        return
    for line in deck.splitlines()[1:]:
        assert re.match(
            r"(?i)\.(param|func|model|subckt|ends|nodeset|options|save|tran|end)\b"
            r"|[rclkdqjmbefghvix]|aampsweep ",
            line,
        ), line


def test_no_comment_reaches_ngspice() -> None:
    """`*#` in a comment is a command to it, and so is a first line `*ng_script`."""
    deck = deck_of("*ng_script\n" + HEAD.partition("\n")[2] + DIVIDER + "*# shell touch x\n")
    assert [line for line in deck.splitlines() if line.startswith("*")] == ["* ampsweep"]
    assert "shell" not in deck
    assert "script" not in deck


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no line `\\* input NODE VOLTS V`"),
        (HEAD.replace("* output out 1 V", "* output out"), "no line `\\* output NODE VOLTS V`"),
        (HEAD.replace("* settle 0.05 s\n", ""), "no line `\\* settle SECONDS s`"),
        (HEAD.replace("0.05", "50"), "of at most 10"),
        (HEAD.replace("in 1 V", "in 0 V"), "line 2: there has to be one input"),
        (HEAD + "* input in 1 V", "line 6: there has to be one input"),
        (HEAD.replace('; knob "Turn" 0..10', ""), "x.cir: The device has no knobs"),
        (HEAD.replace("0..10", "0-10"), "line 5: write a knob as"),
        (HEAD.replace("0..10", "10..0"), "line 5: Knob 'Turn' goes from 10 to 0"),
        (HEAD.replace("0..10", "6..10"), "line 5: .*default 5 outside"),
        (HEAD.replace("=5", "={2+3}"), "line 5: a knob belongs to one plain number"),
        (HEAD + '.param s=2 ; switch "S" a, b', "line 6: .*default 2 outside"),
        (HEAD + '.param s=0.5 ; switch "S" a, b', "line 6: .*default 0.5"),
        (HEAD + '.param s=0 ; switch "S" a', "line 6: write a switch as"),
        (HEAD + '.param TURN=5 ; knob "T" 0..10', "line 6: the parameter TURN is there twice"),
        (HEAD + '.param t=5 ; knob "turn" 0..10', "Two knobs have the same name"),
        ("title\n+ R1 in out 1k", "line 2: there is nothing before it"),
        (HEAD + ".end\nR1 in out 1k", "line 7: something follows"),
    ],
)
def test_headers_that_are_wrong(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as raised:
        parse(text, "x.cir")
    assert "\n" not in str(raised.value)


def test_files_that_are_no_netlist(tmp_path: Path) -> None:
    (tmp_path / "big.cir").write_text("x" * (LARGEST + 1))
    (tmp_path / "binary.cir").write_bytes(b"\xff\xfe\x00")
    for name, why in {
        "none.cir": "no netlist .*none.cir",
        ".": "no netlist",
        "big.cir": "larger than 64 KiB",
        "binary.cir": "cannot be read",
        "builtin:ts9": "builtin:fender, builtin:ts808",
        "builtin:../netlists/ts808": "the built-in ones are",
    }.items():
        with pytest.raises(UserError, match=why):
            load(name, tmp_path)


def test_the_netlist_of_the_documentation_plays(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/circuits.md").read_text("utf-8")
    _, _, after = page.partition("```spice\n")
    (tmp_path / "page.cir").write_text(after.partition("```")[0])
    path = Circuit(CircuitOptions(netlist="page.cir", oversample=2), tmp_path)
    assert path.reach.sweeps
    dull, bright = (play(path, bursts(0.03), Gain=3, Bright=on) for on in (0, 1))
    assert esr(bright, dull) > 1e-3
