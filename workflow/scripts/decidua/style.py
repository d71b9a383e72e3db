"""How does every picture look, and how is it written so that the same picture is the same bytes?"""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from decidua.files import whole

#: The width of a printed column, in inches (89 mm): that of every figure.
ONE_COLUMN = 3.5
DPI = 300

#: Sizes of type at the printed size, in points. Nothing is set smaller than SMALL.
SMALL, BODY, TITLE = 6.5, 7.0, 8.0
LINE_SPACING = 1.2

#: Okabe and Ito (2008), Color Universal Design.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
INK, MUTED, FAINT, PAPER = "#222222", "#595959", "#DADADA", "#FFFFFF"

#: What a colour stands for, in every figure. Other levels take the colours of `SERIES` in their order.
ROLES = {"normal": BLUE, "abnormal": VERMILLION, "unknown": PAPER, "all": INK}
SERIES = (GREEN, ORANGE, PURPLE, SKY, YELLOW, BLUE, VERMILLION)
#: Shapes tell series apart where colours do not: in grey print, and beyond seven series.
SHAPES = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "p", "h", "*")

#: The files that come with Matplotlib, under a name of their own, which no font of the system has.
FONT = "Decidua Sans"
_FONT_FILES = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSans-BoldOblique.ttf",
)

_RC = {
    "font.family": [FONT],
    "font.size": BODY,
    "axes.titlesize": TITLE,
    "axes.labelsize": BODY,
    "xtick.labelsize": BODY,
    "ytick.labelsize": BODY,
    "legend.fontsize": BODY,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.pad": 2.5,
    "ytick.major.pad": 2.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 4.5,
    "lines.markeredgewidth": 0.6,
    "patch.linewidth": 0.6,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    # A dollar sign in a label is a dollar sign.
    "text.parse_math": False,
    # Unhinted glyphs have the same widths in pixels as in vectors.
    "text.hinting": "no_hinting",
    # Outlines, not characters: an SVG looks the same where the font is not installed.
    "svg.fonttype": "path",
    "svg.hashsalt": "decidua",
    "pdf.fonttype": 42,
}
_METADATA = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def publication() -> Iterator[None]:
    """The style, for as long as the context lasts; also a decorator: `@publication()`.

    Settings of the user's own Matplotlib are put aside, and back afterwards.
    """
    _register_fonts()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def _register_fonts() -> None:
    if FONT in {entry.name for entry in font_manager.fontManager.ttflist}:
        return
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    for file in _FONT_FILES:
        entry = font_manager.ttfFontProperty(font_manager.get_font(folder / file))
        font_manager.fontManager.ttflist.append(replace(entry, fname=str(folder / file), name=FONT))


@publication()
def figure(width: float = ONE_COLUMN, height: float = ONE_COLUMN) -> Figure:
    """An empty figure of the style, in inches; it belongs to no window and to no global state."""
    made = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(made)
    return made


@publication()
def save(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write a figure to each path in the format of its ending: PNG (300 dpi), SVG or PDF.

    The same figure gives the same bytes. Every format is drawn before any file is touched, and a file
    appears under its name only when it is whole.

    Raises:
        ValueError: an ending that is none of .png, .svg, .pdf.
    """
    drawn = {}
    for path in map(Path, paths):
        if path.suffix not in _METADATA:
            raise ValueError(f"cannot write a figure as {path.name}: the endings are {', '.join(_METADATA)}")
        page = io.BytesIO()
        figure.savefig(page, format=path.suffix[1:], metadata=_METADATA[path.suffix])
        drawn[path] = page.getvalue()
    with whole(*drawn) as parts:
        for part, content in zip(parts, drawn.values(), strict=True):
            part.write_bytes(content)


@lru_cache(maxsize=10_000)
def text_width(text: str, size: float = BODY, weight: str = "normal") -> float:
    """How wide one line of text is, in points."""
    _register_fonts()
    font = FontProperties(family=FONT, size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def text_height(lines: int, size: float = BODY) -> float:
    """How high that many lines of text are, in points."""
    return lines * size * LINE_SPACING


def wrap(text: str, width: float, size: float = BODY, weight: str = "normal") -> list[str]:
    """Break text into lines no wider than `width` points; a word that is wider by itself is broken too.

    No line ends at a no-break space, unless what it holds together is too wide; it is written as a space.
    """
    lines: list[str] = []
    for paragraph in str(text).split("\n"):
        line = ""
        for word in _units(paragraph, width, size, weight):
            longer = f"{line} {word}" if line else word
            if text_width(longer, size, weight) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            *pieces, line = _pieces(word, width, size, weight)
            lines.extend(pieces)
        lines.append(line)
    return [line.replace("\xa0", " ") for line in lines]


def _units(paragraph: str, width: float, size: float, weight: str) -> Iterator[str]:
    """What a line is made of: words, and those that no-break spaces hold together if they fit in a line."""
    for unit in re.split(r"[^\S\xa0]+", paragraph.strip()):
        yield from [unit] if text_width(unit, size, weight) <= width else unit.split()


def _pieces(word: str, width: float, size: float, weight: str) -> list[str]:
    """The word, in pieces if it is too wide, with hyphens between letters."""
    if text_width(word, size, weight) <= width:
        return [word]
    pieces = [""]
    for letter in word:
        if pieces[-1] and text_width(f"{pieces[-1]}{letter}-", size, weight) > width:
            pieces[-1] += "-" if pieces[-1][-1].isalpha() and letter.isalpha() else ""
            pieces.append("")
        pieces[-1] += letter
    return pieces


@publication()
def mark_synthetic(figure: Figure, text: str) -> None:
    """Say on the figure that its data are no patients', in a strip of its own below the drawing.

    The figure grows by the strip, so the mark never covers data and is never covered.
    """
    margin = 6.0
    inches, height = figure.get_size_inches() * (1, 72)
    width = inches * 72
    lines = wrap(text, width - 4 * margin, SMALL, "bold")
    strip = text_height(len(lines), SMALL) + 2.5 * margin
    figure.set_size_inches(inches, (height + strip) / 72)
    kept = height / (height + strip)
    for axes in figure.axes:
        left, bottom, wide, high = axes.get_position(original=True).bounds
        axes.set_position((left, 1 - kept + bottom * kept, wide, high * kept))
    for written in figure.texts:
        written.set_y(1 - kept + written.get_position()[1] * kept)
    band: Axes = figure.add_axes((0, 0, 1, 1 - kept), label="synthetic", xlim=(0, width), ylim=(0, strip))
    band.set_axis_off()
    band.text(
        margin,
        strip / 2,
        "\n".join(lines),
        fontsize=SMALL,
        fontweight="bold",
        va="center",
        linespacing=LINE_SPACING,
        bbox={"boxstyle": "square,pad=0.35", "facecolor": "#FFF3C4", "edgecolor": INK, "linewidth": 0.6},
    )
