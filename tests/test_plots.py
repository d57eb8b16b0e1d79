"""Pictures: words beside them, markers beside colours, borders where a classifier changes its mind."""

import base64
import html.parser
import io

import numpy as np
import pytest
from matplotlib import pyplot as plt

from byom import plots


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """What `show` displays."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


class Image(html.parser.HTMLParser):
    """The attributes of the one element in a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))


def test_a_picture_is_shown_as_png_with_its_words(shown):
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    alt = 'A line that rises: "up" < 3 & more'
    plots.show(figure, alt)
    assert shown[0]["text/plain"] == alt
    [(tag, attributes)] = Image(shown[0]["text/html"]).elements
    assert (tag, attributes["alt"]) == ("img", alt)
    kind, data = attributes["src"].split(",")
    assert kind == "data:image/png;base64"
    assert plt.imread(io.BytesIO(base64.b64decode(data)), format="png").std() > 0
    assert not plt.fignum_exists(figure.number)


def test_the_same_figure_makes_the_same_bytes(shown):
    for _ in range(2):
        figure, ax = plt.subplots()
        ax.plot([1, 2])
        plots.show(figure, "a line")
    assert shown[0] == shown[1]


def test_a_picture_without_words_is_refused(shown):
    with pytest.raises(ValueError, match="words"):
        plots.show(plt.figure(), " ")
    assert not shown


def test_classes_differ_in_colour_and_in_marker():
    _, ax = plt.subplots()
    x, y = np.array([[0.0, 0], [1, 1], [2, 2]]), np.array([0, 1, 1])
    plots.scatter_classes(ax, x, y)
    zero, one = ax.collections
    assert (len(zero.get_offsets()), len(one.get_offsets())) == (1, 2)
    assert not np.allclose(zero.get_facecolor()[0], one.get_facecolor()[0])
    assert not np.array_equal(zero.get_paths()[0].vertices, one.get_paths()[0].vertices)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["class 0", "class 1"]


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_the_border_lies_where_the_score_is_one_half(shape):
    _, ax = plt.subplots()
    asked = []

    def score(points):
        asked.append(points)
        return (1 / (1 + np.exp(-9 * (points[:, 0] - 0.25)))).reshape(shape)

    plots.decision_regions(ax, score, np.array([[-1.0, -1], [1, 1]]), steps=50)
    assert asked[0].shape == (2500, 2) and asked[0].dtype == np.float32
    border = np.concatenate([path.vertices for path in ax.collections[-1].get_paths()])
    np.testing.assert_allclose(border[:, 0], 0.25, atol=0.02)


def test_a_classifier_that_never_changes_its_mind_has_no_border():
    _, ax = plt.subplots()
    plots.decision_regions(ax, lambda points: np.zeros(len(points)), np.array([[-1.0, -1], [1, 1]]), steps=5)
    assert len(ax.collections) == 1


def test_scores_of_another_shape_are_refused():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"one score for each of 25 points, got shape \(25, 2\)"):
        plots.decision_regions(ax, lambda points: points, np.array([[0.0, 0], [1, 1]]), steps=5)


def test_loss_curves_are_told_apart_without_colour_too():
    _, ax = plt.subplots()
    plots.loss_curves(ax, {"fast": [0.7, 0.2], "slow": [0.7, 0.6]}, {"a line": 0.3})
    fast, slow, level = ax.get_lines()
    np.testing.assert_array_equal(fast.get_ydata(), [0.7, 0.2])
    assert fast.get_linestyle() != slow.get_linestyle()
    assert level.get_ydata()[0] == 0.3
    assert [t.get_text() for t in ax.texts] == ["a line"]
    assert ax.get_ylim()[0] == 0


def test_a_flow_has_its_boxes_and_names_its_arrows(shown):
    boxes = {"a": (0, 0, "start"), "b": (2, 0, "middle"), "c": (2, 1, "end")}
    figure, ax = plt.subplots(figsize=(6, 3))
    plots.flow(ax, boxes, [("a", "b", "there"), ("b", "a", "back"), ("b", "c", "on")], own=["b"])
    figure.draw_without_rendering()
    places = {text.get_text(): text.get_window_extent() for text in ax.texts if text.get_text()}
    assert places.keys() == {"start", "middle", "end", "there", "back", "on"}
    assert places["there"].y1 < places["back"].y0  # bent apart, so that both can be read
    thick = {text.get_text(): text.get_bbox_patch().get_linewidth() for text in ax.texts if text.get_bbox_patch()}
    assert thick["middle"] > thick["start"] == thick["end"]
