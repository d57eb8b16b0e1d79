"""The driving world: the picture, the the closed loop, the table, the film."""

import io
import math
import re

import numpy as np
import pytest
from gymnasium.envs.box2d.car_racing import CarRacing
from PIL import Image

from byom.driving import CLOSED_LOOP, Film, compare, drive, drive_by_controller, drive_straight_on, to_rgb
from byom.driving.controller import Controller
from byom.driving.drive import Drive, autonomy
from byom.driving.road import FULL_LOCK, Road
from byom.driving.view import front_view, ground_to_top, ground_to_view, in_view


def image_of(point: tuple[float, float], homography: np.ndarray) -> tuple[float, float]:
    across, down, scale = homography @ (*point, 1)
    return across / scale, down / scale


@pytest.fixture(scope="module")
def straight_on() -> Drive:
    return drive_straight_on(3, watch=True)


def test_the_road_is_the_games_own_and_looks_like_it() -> None:
    road, game = Road(3), CarRacing()
    controller = Controller(road)
    game.reset(seed=3)
    game.t = 1.0  # past the zoom of the first second
    score = 0.0
    for step in range(200):
        steering, (gas, brake) = controller.steering(), controller.pedals()
        road.advance(steering, gas, brake)
        picture, reward, *_ = game.step(np.array([steering * FULL_LOCK, gas, brake]))
        score += reward
        if step % 20 == 0:  # the last rows hold instruments; their score is drawn before it is counted
            assert np.array_equal(road.top_view()[:84], picture[:84])
    assert road.score == score > 100


def test_a_place_knows_what_lies_ahead_of_it() -> None:
    road = Road(3)
    controller = Controller(road)
    for _ in range(150):
        road.advance(controller.steering(), *controller.pedals())
    away = np.linalg.norm(road.centre - road.position, axis=1)
    assert road.place == away.argmin()
    ahead, right = road.as_seen_from_car(road.ahead_on_centre(16))
    assert 12 < ahead < 20 and abs(right) < 10
    assert road.share == pytest.approx(road.place / len(road.centre), abs=0.03)


def test_a_car_put_back_stands_on_the_centre_line_and_drives_on() -> None:
    road = Road(3)
    while not road.on_grass:
        road.advance(1, 0.5, 0)
    road.put_back()
    assert road.speed == 0
    assert road.position == pytest.approx(road.centre[road.place])
    ahead, right = road.as_seen_from_car(road.ahead_on_centre(4))
    assert ahead > 3 and abs(right) < 1
    place, controller = road.place, Controller(road)
    for _ in range(100):
        road.advance(controller.steering(), *controller.pedals())
        assert not road.on_grass
    assert road.place > place + 5


@pytest.mark.parametrize("point", [(7, 0), (12, -6), (16, 4), (24, 10), (33, -20)])
def test_a_mark_on_the_ground_is_seen_where_the_camera_should_see_it(point: tuple[float, float]) -> None:
    top = np.zeros((96, 96, 3), "uint8")
    column, row = (int(c) for c in image_of(point, ground_to_top()))
    top[row, column] = 255
    # where the middle of that pixel is on the ground, and from there in the view
    ahead, right = image_of((column + 0.5, row + 0.5), np.linalg.inv(ground_to_top()))
    expected = image_of((ahead, right), ground_to_view())
    light = front_view(top)[:, :, 0].astype(float)
    rows, columns = np.indices(light.shape) + 0.5
    seen = (light * columns).sum() / light.sum(), (light * rows).sum() / light.sum()
    # near the camera a pixel is drawn large, and larger on its near side
    assert seen == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize(
    ("point", "seen"),
    [
        ((6.1, 0), True),  # at the bottom of the picture, and just below it
        ((5.9, 0), False),
        ((36.0, 0), True),  # at its top, and above it
        ((37.0, 0), False),
        ((16, 13.2), True),  # 16.5 units away along its axis, half of the picture is 13.36 units wide
        ((16, 13.5), False),
        ((16, -13.5), False),
        ((-16, 0), False),  # behind the car
    ],
)
def test_it_is_known_what_the_camera_sees(point: tuple[float, float], seen: bool) -> None:
    assert in_view(*point) == seen


def test_the_view_shows_neither_car_nor_instruments() -> None:
    top = np.full((96, 96, 3), 100, "uint8")
    painted = top.copy()
    painted[62:] = (255, 0, 255)  # the car's bumper is at row 67
    assert np.array_equal(front_view(top), front_view(painted))
    painted[58:] = (255, 0, 255)
    assert not np.array_equal(front_view(top), front_view(painted))


@pytest.mark.parametrize("colour", [(102, 102, 102), (102, 204, 102), (255, 0, 0), (255, 255, 255)])
def test_a_view_is_yuv(colour: tuple[int, int, int]) -> None:
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    expected = luma, 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402
    view = front_view(np.full((96, 96, 3), colour, "uint8"))
    assert view.shape == (66, 200, 3) and view.dtype == np.uint8 and view.flags.writeable
    assert view[30, 100] == pytest.approx(np.clip(expected, 0, 255), abs=1)
    assert to_rgb(view.astype("float32"))[30, 100] == pytest.approx(colour, abs=2)


@pytest.mark.parametrize("top", [np.zeros((96, 96), "uint8"), np.zeros((96, 96, 3)), np.zeros((3, 96, 96), "uint8")])
def test_what_is_no_top_view_is_refused(top: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a top view is uint8 of shape"):
        front_view(top)


@pytest.mark.parametrize("track", [0, 2, 7])
def test_the_controller_drives_a_lap_without_help(track: int) -> None:
    done = drive_by_controller(track)
    assert done.completed and done.autonomy == 1
    assert done.score >= 890
    assert done == drive_by_controller(track)


@pytest.mark.nightly
def test_the_controller_drives_a_hundred_tracks_without_help() -> None:
    drives = [drive_by_controller(track) for track in CLOSED_LOOP[:100]]
    assert sum(len(d.interventions) for d in drives) == 0
    assert np.mean([d.score for d in drives]) >= 900


def test_driving_straight_on_needs_help_again_and_again(straight_on: Drive) -> None:
    assert len(straight_on.interventions) >= 5
    assert straight_on.autonomy == 0
    assert straight_on.seconds == pytest.approx(20) and not straight_on.completed
    assert straight_on.score < 0.7 * drive_by_controller(3).score
    waits = np.diff((0, *straight_on.interventions))
    assert waits.min() >= 0.5


def test_who_steers_gets_25_views_a_second_and_is_obeyed(straight_on: Drive) -> None:
    views = []

    def steer(view: np.ndarray) -> np.ndarray:
        views.append(view)
        return np.zeros((1, 1), "float32") if len(views) <= 100 else np.float64("nan")

    done = drive(3, steer)
    assert done.seconds == pytest.approx(4)
    assert {(v.shape, v.dtype.name) for v in views} == {((66, 200, 3), "uint8")}
    assert done.interventions == tuple(t for t in straight_on.interventions if t <= 4) != ()
    assert not np.array_equal(views[0], views[50])


def test_positive_steering_turns_right() -> None:
    road = Road(3)
    for _ in range(60):
        road.advance(0.3, 0.3, 0)
    start = Road(3)
    _, right = start.as_seen_from_car(road.position)
    assert right > 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (float("nan"), "the steering was nan, not a number from -1 to 1"),
        (np.array([[-1.5]]), "the steering was -1.5, not a number from -1 to 1"),
        ([0.1, 0.2], r"the answer had shape \(2,\), not one number"),
        ([], r"the answer had shape \(0,\), not one number"),
        ("left", "the answer was str, not a number"),
        ({"steering": 0.1}, "the answer was dict, not a number"),
    ],
)
def test_an_answer_that_is_no_steering_breaks_the_drive_off(answer: object, reason: str) -> None:
    done = drive(3, lambda view: answer)  # type: ignore[arg-type, return-value]
    assert done.failure is not None
    np.testing.assert_equal(done.autonomy, math.nan)
    assert re.search(reason, done.failure)


def gone_after(looks: int):
    seen = 0

    def steer(view: np.ndarray) -> float:
        nonlocal seen
        seen += 1
        if seen > looks:
            raise ConnectionError("Could not connect\nto the endpoint.")
        return 0.0

    return steer


def test_an_endpoint_that_dies_in_mid_drive_leaves_what_was_measured() -> None:
    done = drive(3, gone_after(30), watch=True)
    assert done.seconds == pytest.approx(1.2)
    assert done.score > 10 and done.autonomy == 1 and len(done.snapshots) == 6
    assert done.failure == (
        "The drive on track 3 broke off after 1.2 s: steering raised ConnectionError: "
        "Could not connect to the endpoint."
    )


@pytest.mark.parametrize(
    ("interventions", "seconds", "expected"), [(0, 20, 1), (1, 20, 0.7), (1, 600, 0.99), (10, 20, 0), (0, 0, math.nan)]
)
def test_autonomy_is_nvidias(interventions: int, seconds: float, expected: float) -> None:
    np.testing.assert_allclose(autonomy(interventions, seconds), expected)


def test_drivers_are_compared_on_the_same_tracks(capsys: pytest.CaptureFixture[str]) -> None:
    table = compare([3, 4], {"a <network>": gone_after(50)})
    assert [len(drives) for drives in table.drives.values()] == [1, 2, 2]  # who broke off drives no further
    first = table.drives["controller"][0]
    assert table.share_of_controller("a <network>") == table.drives["a <network>"][0].score / first.score
    assert table.autonomy("controller") == 1 and table.autonomy("straight on") == 0
    head, network, controllers, straight, failure = str(table).splitlines()
    assert head.split()[:2] == ["driver", "autonomy"]
    assert network.split()[2] == "100.0%" and network.endswith("0 of 1")
    assert controllers.endswith("2 of 2") and straight.endswith("0 of 2")
    assert failure.startswith("a <network>: The drive on track 3 broke off after 2.0 s")
    html = table._repr_html_()
    assert "a &lt;network&gt;" in html and "<network>" not in html and '<th scope="row">controller</th>' in html
    assert "5/6" in capsys.readouterr().err  # progress


def test_there_must_be_tracks_and_own_names_to_compare() -> None:
    with pytest.raises(ValueError, match="no track"):
        compare([], {})
    with pytest.raises(ValueError, match="controller drive anyway"):
        compare([1], {"controller": lambda view: 0.0})


def test_a_film_moves_in_real_time_and_has_words(straight_on: Drive) -> None:
    film = Film(straight_on, "Nobody")
    moving = Image.open(io.BytesIO(film.moving()))
    assert moving.size == (200, 255) and moving.info["loop"] == 1
    assert moving.n_frames == len(straight_on.snapshots) == 100
    stills = Image.open(io.BytesIO(film.stills()))
    assert stills.size == (6 * 208 - 8, 255)
    times = len(straight_on.interventions)
    words = f"Nobody drives {straight_on.share:.0%} of track 3 in 20.0 s and was put back {times} times; score"
    strip, said = str(film).splitlines()
    assert said.startswith(words)
    assert strip.count("x") == len({int(t) for t in straight_on.interventions}) and len(strip) == 22
    html = film._repr_html_()
    assert html.count(f"{words}") == 3 and html.count("<img alt=") == 2
    assert len(html) < 400_000


def test_a_drive_that_nobody_watched_makes_no_film() -> None:
    with pytest.raises(ValueError, match="watch=True"):
        Film(Drive(3, 0, 1, (), 0, False))
