"""Pictures in the course's notebooks: colours anyone can tell apart, markers beside colours, words beside pictures."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which people with any kind of colour vision can tell apart
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)
CLASSES = ((BLUE, "o"), (VERMILLION, "^"))
"""Colour and marker of class 0 and class 1."""

_STYLES = ((BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."), (PURPLE, ":"))


def show(figure: "Figure", alt: str) -> None:
    """Display a figure in a notebook, with words for those who don't see it, and close it.

    Args:
        figure: a matplotlib figure.
        alt: what the picture shows, in a sentence or two. Screen readers read it; it is what is left of the picture
            wherever only text is kept.

    Raises:
        ValueError: ``alt`` is empty.
    """
    from IPython.display import display
    from matplotlib import pyplot as plt

    if not alt.strip():
        raise ValueError("a figure needs words for those who don't see it: show(figure, alt='…')")
    picture = io.BytesIO()
    # no Software entry: the same figure makes the same bytes
    figure.savefig(picture, format="png", dpi=100, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    encoded = base64.b64encode(picture.getvalue()).decode()
    # JupyterLab gives a plain PNG output no alt text, so the picture travels in an img element
    html = f'<img alt="{escape(alt)}" style="max-width:100%" src="data:image/png;base64,{encoded}">'
    display({"text/html": html, "text/plain": alt}, raw=True)


def scatter_classes(ax: "Axes", x: np.ndarray, y: np.ndarray) -> None:
    """Draw points of two classes, with a colour and a marker for each, and name the axes.

    Args:
        ax: where to draw.
        x: features, shape (n, 2).
        y: labels 0 and 1, shape (n,).
    """
    for label, (colour, marker) in enumerate(CLASSES):
        points = x[y == label]
        ax.scatter(
            points[:, 0],
            points[:, 1],
            s=26,
            c=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.5,
            label=f"class {label}",
        )
    _name_features(ax)
    ax.legend(loc="lower left", fontsize="small", framealpha=0.9)


def decision_regions(
    ax: "Axes",
    score: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    steps: int = 200,
) -> None:
    """Shade where a classifier says 0 and where it says 1, and draw the border between them.

    Args:
        ax: where to draw.
        score: gets points, float32, shape (n, 2), and answers scores between 0 and 1, shape (n,) or (n, 1).
        x: points that the picture shall cover, shape (m, 2).
        steps: points of the grid along each side.

    Raises:
        ValueError: ``score`` does not answer one score for each point.
    """
    from matplotlib.colors import LinearSegmentedColormap

    (left, bottom), (right, top) = x.min(axis=0) - 0.3, x.max(axis=0) + 0.3
    across, up = np.meshgrid(np.linspace(left, right, steps), np.linspace(bottom, top, steps))
    grid = np.column_stack([across.ravel(), up.ravel()]).astype("float32")
    scores = np.asarray(score(grid), dtype="float64")
    if scores.shape not in ((len(grid),), (len(grid), 1)):
        raise ValueError(f"expected one score for each of {len(grid)} points, got shape {scores.shape}")
    scores = scores.reshape(across.shape)
    shades = LinearSegmentedColormap.from_list("classes", [CLASSES[0][0], "white", CLASSES[1][0]])
    ax.pcolormesh(across, up, scores, cmap=shades, vmin=0, vmax=1, alpha=0.35, shading="nearest", rasterized=True)
    if scores.min() < 0.5 < scores.max():
        ax.contour(across, up, scores, levels=[0.5], colors=BLACK, linewidths=1.5)
    _name_features(ax)


def loss_curves(
    ax: "Axes",
    curves: Mapping[str, Sequence[float]],
    levels: Mapping[str, float] | None = None,
) -> None:
    """Draw losses over epochs, the first before any training.

    Args:
        ax: where to draw.
        curves: by name, the loss before the first epoch and after each.
        levels: by name, losses to compare with, as horizontal lines.
    """
    for (name, losses), (colour, style) in zip(curves.items(), cycle(_STYLES)):
        ax.plot(range(len(losses)), losses, color=colour, linestyle=style, label=name)
    for name, level in (levels or {}).items():
        ax.axhline(level, color=BLACK, linewidth=0.8, linestyle=(0, (1, 3)))
        ax.annotate(name, (0.99, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize="small")
    top = max([*(levels or {}).values(), *(max(losses) for losses in curves.values())])
    ax.set(xlabel="epoch", ylabel="loss (cross entropy)", ylim=(0, 1.15 * top))
    ax.legend(loc="lower left", fontsize="small")


def flow(
    ax: "Axes",
    boxes: Mapping[str, tuple[float, float, str]],
    arrows: Sequence[tuple[str, str, str]],
    own: Sequence[str],
) -> None:
    """Draw boxes and the arrows between them: what goes where, and by which name.

    Args:
        ax: where to draw; its axes are hidden.
        boxes: by key, the middle of a box and the words in it. One unit is about the width of a box.
        arrows: from which box, to which, and the words on it. Two arrows between the same boxes are bent apart.
        own: the keys of the boxes that stand out.
    """
    between = [{start, end} for start, end, _ in arrows]
    patches = {}
    for key, (x, y, words) in boxes.items():
        colour, width = (BLUE, 2.2) if key in own else (BLACK, 0.8)
        frame = {"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": colour, "linewidth": width}
        patches[key] = ax.text(x, y, words, ha="center", va="center", bbox=frame, zorder=3).get_bbox_patch()
    ax.set(xlim=_around([x for x, _, _ in boxes.values()], 0.6), ylim=_around([y for _, y, _ in boxes.values()], 0.4))
    ax.set_axis_off()
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes of no figure"
    figure.draw_without_rendering()  # the layout must stand before the middle of a bent arrow is known
    for start, end, words in arrows:
        ends = ax.transData.transform([boxes[start][:2], boxes[end][:2]])
        bend = 0.2 if between.count({start, end}) > 1 else 0.0
        style = {"arrowstyle": "-|>", "color": BLACK, "connectionstyle": f"arc3,rad={bend}", "shrinkA": 4, "shrinkB": 4}
        style |= {"patchA": patches[start], "patchB": patches[end]}
        ax.annotate("", boxes[end][:2], boxes[start][:2], arrowprops=style)
        right = (ends[1] - ends[0])[::-1] * (1, -1)  # matplotlib bends to the right of the arrow's way, on the screen
        x, y = ax.transData.inverted().transform(ends.mean(axis=0) + right * bend / 2)
        ax.text(x, y, words, ha="center", va="center", size="small", family="monospace", backgroundcolor="white")


def _around(values: list[float], margin: float) -> tuple[float, float]:
    return min(values) - margin, max(values) + margin


def _name_features(ax: "Axes") -> None:
    ax.set(xlabel="feature $x_0$", ylabel="feature $x_1$")
    ax.label_outer()  # once for pictures that share an axis
