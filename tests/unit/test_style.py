"""The style: the same bytes, legible type, colours that hold for colour-blind readers."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from decidua import style

FORMATS = ("png", "svg", "pdf")

# Machado, Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113), severity 1.0, for linear RGB
DICHROMACY = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour):
    """Linear RGB of an sRGB colour (IEC 61966-2-1)."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Contrast ratio of WCAG 2.2."""
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    """CIELAB (D65) of linear RGB."""
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = np.array(to_xyz) @ rgb / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, matrix):
    """CIE 1976 colour difference as a reader with that dichromacy sees it."""
    seen = [lab(np.clip(np.array(matrix) @ linear(colour), 0, 1)) for colour in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def drawing(text="Live birth rate, $5 and $6"):
    figure = style.figure(style.ONE_COLUMN, 2.0)
    with style.publication():
        axes = figure.add_axes((0.2, 0.2, 0.7, 0.7), label="axes")
        axes.plot([1, 2, 3], [3, 1, 2], "o-")
        axes.set_xlabel(text)
        figure.text(0.5, 0.95, "above")
    return figure


def write(folder, figure):
    paths = [folder / f"figure.{ending}" for ending in FORMATS]
    style.save(figure, paths)
    return [path.read_bytes() for path in paths]


@pytest.mark.parametrize("matrix", DICHROMACY.values(), ids=DICHROMACY)
def test_colours_that_meet_in_a_figure_stay_apart_for_colour_blind_readers(matrix):
    roles = [style.ROLES[role] for role in ("normal", "abnormal", "unknown", "all")]
    meeting = [roles, style.SERIES, (style.ROLES["unknown"], style.ROLES["all"], *style.SERIES)]
    for colours in meeting:
        for one, other in itertools.combinations(colours, 2):
            # 2.3 is a just noticeable difference (Mahy 1994); six times that is plain side by side
            assert distance(one, other, matrix) > 6 * 2.3, (one, other)
    # the commonest pairs: two groups, and normal beside abnormal
    assert distance(*style.SERIES[:2], matrix) > 25
    assert distance(style.ROLES["normal"], style.ROLES["abnormal"], matrix) > 25


def test_every_series_of_twelve_differs_from_the_others_in_shape():
    assert len(set(style.SHAPES)) == len(style.SHAPES) == 12


@pytest.mark.parametrize(
    ("colour", "on"), [(style.INK, style.PAPER), (style.MUTED, style.PAPER), (style.INK, "#FFF3C4")]
)
def test_text_has_the_contrast_that_wcag_asks_of_small_text(colour, on):
    assert contrast(colour, on) >= 7  # level AAA


def test_the_sizes_of_type_are_legible_in_print():
    assert min(style.SMALL, style.BODY, style.TITLE) >= 6.5
    with style.publication():
        sizes = [
            value for key, value in matplotlib.rcParams.items() if key.endswith("size") and "font" in key
        ]
    assert min(size for size in sizes if isinstance(size, int | float)) >= 6.5


def test_a_column_is_89_millimetres():
    assert round(style.ONE_COLUMN * 25.4) == 89


def test_the_fonts_are_the_ones_that_come_with_matplotlib():
    with style.publication():
        for weight, slant in itertools.product(("normal", "bold"), ("normal", "italic")):
            found = Path(
                font_manager.findfont(FontProperties(weight=weight, style=slant), fallback_to_default=False)
            )
            assert found.parent == Path(matplotlib.get_data_path(), "fonts", "ttf")
            assert found.name.startswith("DejaVuSans")


def test_the_same_figure_is_the_same_bytes(tmp_path):
    assert write(tmp_path, drawing()) == write(tmp_path, drawing())


def test_the_same_figure_saved_twice_is_the_same_bytes(tmp_path):
    figure = drawing()
    assert write(tmp_path, figure) == write(tmp_path, figure)


def test_bytes_depend_neither_on_the_hash_seed_nor_on_the_user_s_settings(tmp_path):
    folders = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        (folder / "config").mkdir(parents=True)
        if seed == "2":
            (folder / "config" / "matplotlibrc").write_text("font.size: 30\naxes.facecolor: yellow\n")
        code = (
            "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:3]\n"
            "from test_style import drawing, write; write(Path(sys.argv[3]), drawing())"
        )
        here = Path(__file__).parent
        library = Path(style.__file__).parents[1]
        environment = os.environ | {"PYTHONHASHSEED": seed, "MATPLOTLIBRC": str(folder / "config")}
        subprocess.run([sys.executable, "-c", code, here, library, folder], check=True, env=environment)
        folders.append([(folder / f"figure.{ending}").read_bytes() for ending in FORMATS])
    assert folders[0] == folders[1]


def test_no_format_carries_a_date_or_a_program_s_name(tmp_path):
    png, svg, pdf = write(tmp_path, drawing())
    assert b"Software" not in png
    assert b"<dc:date>" not in svg and b"matplotlib v" not in svg.lower()
    assert b"CreationDate" not in pdf and b"ModDate" not in pdf and b"/Producer" not in pdf


def test_an_svg_draws_its_letters_and_a_pdf_embeds_them_as_truetype(tmp_path):
    _, svg, pdf = write(tmp_path, drawing())
    assert b"<text" not in svg
    assert b"/FontFile2" in pdf and b"/Subtype /Type3" not in pdf


def test_a_png_has_300_dots_an_inch(tmp_path):
    write(tmp_path, drawing())
    with Image.open(tmp_path / "figure.png") as image:
        assert image.size == (1050, 600)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_dollar_signs_are_dollar_signs():
    figure = drawing("$\\nonsense{$")
    figure.draw_without_rendering()


def test_the_style_leaves_the_user_s_settings_as_they_were():
    with matplotlib.rc_context({"font.size": 31.0, "axes.facecolor": "yellow"}):
        with style.publication():
            assert matplotlib.rcParams["font.size"] == style.BODY
        assert matplotlib.rcParams["font.size"] == 31.0
        assert matplotlib.rcParams["axes.facecolor"] == "yellow"


def test_an_unknown_ending_is_an_error_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"figure\.tiff.*\.png, \.svg, \.pdf"):
        style.save(drawing(), [tmp_path / "figure.png", tmp_path / "figure.tiff"])
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_drawing_leaves_no_file(tmp_path, monkeypatch):
    def fail_on_pdf(self, page, format, **_):
        if format == "pdf":
            raise RuntimeError("no")
        page.write(b"drawn")

    monkeypatch.setattr(Figure, "savefig", fail_on_pdf)
    with pytest.raises(RuntimeError):
        style.save(drawing(), [tmp_path / "figure.png", tmp_path / "figure.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_no_part(tmp_path, monkeypatch):
    write_bytes = Path.write_bytes

    def fill_up(self, content):
        write_bytes(self, content[:10])
        if ".svg" in self.name:
            raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(OSError, match="disk full"):
        style.save(drawing(), [tmp_path / "figure.png", tmp_path / "figure.svg"])
    assert list(tmp_path.iterdir()) == []


def test_the_mark_of_synthetic_data_has_a_strip_of_its_own_below_the_drawing():
    plain, marked = drawing(), drawing()
    style.mark_synthetic(marked, "Reconstructed from printed numbers, not patient data")
    width, height = plain.get_size_inches()
    grown = marked.get_size_inches()
    assert grown[0] == width and grown[1] > height
    boxes = [figure.axes[0].get_window_extent().bounds for figure in (plain, marked)]
    strip = (grown[1] - height) * style.DPI
    assert boxes[1] == pytest.approx((boxes[0][0], boxes[0][1] + strip, *boxes[0][2:]))
    heights = [figure.texts[0].get_window_extent().y0 for figure in (plain, marked)]
    assert heights[1] == pytest.approx(heights[0] + strip)
    marked.draw_without_rendering()
    mark = marked.axes[-1].texts[0]
    box = mark.get_bbox_patch().get_window_extent()
    assert 0 < box.x0 < box.x1 < width * style.DPI
    assert 0 < box.y0 < box.y1 < strip


@pytest.mark.parametrize("text", ["Simulated data", "Simulated data " * 30, "Simulateddata" * 30])
def test_a_long_mark_wraps_and_stays_on_the_figure(text):
    figure = drawing()
    style.mark_synthetic(figure, text)
    figure.draw_without_rendering()
    box = figure.axes[-1].texts[0].get_bbox_patch().get_window_extent()
    assert box.x0 > 0 and box.x1 < figure.bbox.width and box.y0 > 0
    assert box.y1 < figure.axes[-1].get_window_extent().y1


@given(st.text(st.characters(codec="latin-1", exclude_categories=["C"]), max_size=60), st.floats(15, 300))
def test_wrapped_text_fits_and_loses_nothing(text, width):
    lines = style.wrap(text, width)
    for line in lines:
        assert style.text_width(line) <= width or len(line) <= 2
    kept, given_ = ("".join(t.replace("-", "").split()) for t in ("".join(lines), text))
    assert kept == given_


def test_a_word_that_fits_is_not_broken():
    width = style.text_width("chi-square")
    assert style.wrap("Pearson chi-square", width) == ["Pearson", "chi-square"]


def test_what_no_break_spaces_hold_together_is_broken_only_if_it_is_too_wide():
    text = "Pearson\xa0p\xa0=\xa0.250, exact\xa0p\xa0=\xa0.260"
    width = style.text_width("Pearson p = .250, exact")
    assert style.wrap(text, width) == ["Pearson p = .250,", "exact p = .260"]
    assert style.wrap(text, style.text_width("Pearson p")) == ["Pearson p", "= .250,", "exact p =", ".260"]


def test_text_is_measured_as_it_is_drawn():
    figure = style.figure(7, 1)
    with style.publication():
        for weight in ("normal", "bold"):
            text = figure.text(0, 0.5, "Idiopathic, 163/197 (82.7%)", fontsize=style.BODY, fontweight=weight)
            drawn = text.get_window_extent().width * 72 / style.DPI
            assert style.text_width(text.get_text(), style.BODY, weight) == pytest.approx(drawn, abs=0.5)
