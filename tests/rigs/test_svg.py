import re
import xml.etree.ElementTree as ET

import numpy as np

from rigs.svg import Axis, Panel, document, text

PANEL = Panel("head", 10, 20, 100, 50, Axis(0, 10, [0, 5, 10]), Axis(0, 4, [0, 4]))


def test_dots_are_where_their_values_are():
    (path,) = re.findall(r' d="(.*?)"', PANEL.dots(np.array([0.0, 5, 10]), np.array([0.0, 1, 4])))
    assert path == "M0.0 50.0h0M50.0 37.5h0M100.0 0.0h0"


def test_bars_stand_on_the_axis():
    bars = ET.fromstring(f"<g>{PANEL.bars(np.array([0.0, 5, 10]), np.array([4.0, 1]))}</g>")
    places = [[float(bar.get(k)) for k in ("x", "y", "width", "height")] for bar in bars]
    assert places == [[10.5, 20.0, 49.0, 50.0], [60.5, 57.5, 49.0, 12.5]]


def test_any_words_make_a_document():
    drawn = document(120, 90, [*PANEL.frame(), text(1, 2, 'a <b> & "c"\x00\x1b', "mid")])
    words = [e.text for e in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["head", "0", "5", "10", "0", "4", 'a <b> & "c"  ']
