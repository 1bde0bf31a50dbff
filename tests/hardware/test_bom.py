"""Bills of materials: what they add up to, and what is refused."""

import pytest

from hardware import bom
from rigs.errors import UserError


def test_the_pedal_costs_what_its_lines_add_up_to():
    lines = bom.groups(bom.read(bom.PEDAL))
    assert str(bom.total(lines["pedal"])) == "$67–81"
    option = str(bom.total(lines["option"]))
    assert option == "$8–15"
    guide = (bom.PEDAL.parent / "README.md").read_text("utf-8")
    assert f"{option} more" in guide
    assert "**$67–81**" in guide
    assert "**$75–85**" in guide


def test_a_knob_more_costs_what_a_knob_costs():
    lines = bom.read(bom.RIG)
    each = bom.total([line for line in lines if line.per == "knob"])
    for knobs in range(1, 6):
        one, more = bom.total(lines, knobs), bom.total(lines, knobs + 1)
        assert more.low - one.low == pytest.approx(each.low)
        assert more.high - one.high == pytest.approx(each.high)
    assert bom.total(lines, 1).low > each.low


@pytest.mark.parametrize("path", [bom.PEDAL, bom.RIG])
def test_every_line_can_be_ordered(path):
    for line in bom.read(path):
        assert line.supplier, line.part
        assert line.order, line.part
        assert line.substitutes, line.part


HEAD = "group,part,quantity,per,low,high,supplier,order,substitutes\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "a,b,one,once,1,2,s,o,n\n", "line 2: quantity, low and high must be numbers"),
        (HEAD + "a,b,1,once,3,2,s,o,n\n", "line 2: a line needs"),
        (HEAD + "a,b,1,once,nan,2,s,o,n\n", "line 2: a line needs"),
        (HEAD + "a,b,1,pair,1,2,s,o,n\n", "line 2: per is 'pair'"),
        (HEAD + "a,b,1,once,1,2,s,o\n", "line 2: the columns must be"),
        (HEAD + "a,b,1,once,1,2,s,o,n,x\n", "line 2: the columns must be"),
        ("part\nb\n", "line 2: the columns must be"),
        (HEAD + 'a,"b\n', "cannot be read as CSV"),
        ("\xff", "cannot be read as CSV"),
    ],
)
def test_a_bad_bill_is_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "bill.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"bill\.csv") as error:
        bom.read(path)
    assert said in str(error.value)


def test_a_bill_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        bom.read(tmp_path / "none.csv")
