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


def _name_features(ax: "Axes") -> None:
    ax.set(xlabel="feature $x_0$", ylabel="feature $x_1$")
    ax.label_outer()  # once for pictures that share an axis
