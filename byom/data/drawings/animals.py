"""Bird, cat, deer, dog, frog and horse. Seen from the side they look to the right."""

import numpy as np

from byom.data.drawings.pen import BLACK, WHITE, Ink, Pen, Point, ink, shaded


def _fur(rng: np.random.Generator) -> Ink:
    """A coat: brown to ginger, grey, black or white."""
    kind = rng.random()
    if kind < 0.6:
        return ink(rng.uniform(0.04, 0.11), rng.uniform(0.35, 0.8), rng.uniform(0.3, 0.85))
    return ink(0.08, rng.uniform(0, 0.12), rng.uniform(0.12, 0.95))


def _eye(pen: Pen, x: float, y: float, radius: float, iris: Ink = WHITE) -> None:
    pen.ellipse(iris, (x, y), radius, radius)
    pen.ellipse(BLACK, (x, y), radius * 0.55, radius * 0.8)


def _legs(pen: Pen, rng: np.random.Generator, coat: Ink, at: tuple[float, float], top: float, width: float) -> None:
    """Four legs down to y = 0.92 in a stride; hind and fore legs at these x."""
    stride = rng.uniform(-0.2, 0.2)
    for shade, lean in ((0.7, -stride), (1.0, stride)):
        for x, sign in zip(at, (1, -1), strict=True):
            knee = (x + sign * lean * 0.4 + (1 - shade) * 0.3, (top + 0.92) / 2)
            foot = (x + sign * lean + (1 - shade) * 0.3, 0.92)
            pen.stroke(shaded(coat, shade), width, (x, top), knee, foot)


def bird(pen: Pen, rng: np.random.Generator) -> None:
    """On its feet, or in flight."""
    body = ink(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.3, 0.95)) if rng.random() < 0.6 else _fur(rng)
    wing, beak = shaded(body, rng.uniform(0.5, 0.8)), ink(rng.uniform(0.06, 0.14), 0.9, rng.uniform(0.5, 1))
    breast = ink(rng.random(), rng.uniform(0, 0.8), 0.9)
    if rng.random() < 0.4:
        tip = rng.uniform(-0.95, -0.5) if rng.random() < 0.7 else rng.uniform(0.4, 0.75)  # wings up, or down
        back, wide = rng.uniform(-0.55, 0.1), rng.uniform(0.5, 0.75)
        elbow = 0.15 + back / 3
        pen.polygon(shaded(wing, 0.75), (0.32, -0.05), (elbow + 0.35, tip / 2), (back + 0.3, tip * 0.9), (-0.1, 0))
        pen.polygon(body, (-0.5, -0.08), (-0.95, -0.12), (-0.9, 0.1), (-0.5, 0.1))
        pen.ellipse(body, (-0.05, 0), 0.58, 0.17)
        pen.ellipse(body, (0.52, -0.08), 0.17, 0.15)
        pen.polygon(beak, (0.64, -0.14), (0.92, -0.04), (0.64, 0.0))
        pen.polygon(wing, (0.25, 0.0), (elbow + 0.1, tip / 2), (back - 0.1, tip), (0.25 - wide, 0.04))
        pen.ellipse(BLACK, (0.56, -0.12), 0.035, 0.035)
        return
    tilt = rng.uniform(-35, 10)
    for x in (-0.05, 0.12):
        pen.stroke(beak, 0.06, (x, 0.4), (x + 0.03, 0.9), (x + 0.16, 0.93))
    pen.polygon(wing, (-0.3, 0.0), (-0.98, 0.35), (-0.9, 0.55), (-0.2, 0.35))
    pen.ellipse(body, (0, 0.1), 0.52, 0.37, tilt)
    pen.ellipse(breast, (0.18, 0.2), 0.25, 0.27)
    pen.ellipse(wing, (-0.18, 0.08), 0.4, 0.2, 25)
    pen.ellipse(body, (0.36, -0.4), 0.25, 0.24)
    length = rng.uniform(0.2, 0.42)
    pen.polygon(beak, (0.52, -0.5), (0.56 + length, -0.36), (0.52, -0.27))
    _eye(pen, 0.42, -0.45, 0.07)


def cat(pen: Pen, rng: np.random.Generator) -> None:
    """Its face, seated from the front, or from the side."""
    coat = _fur(rng)
    dark, pink = shaded(coat, 0.55), (225, 150, 150)
    iris = ink(rng.uniform(0.12, 0.5), 0.7, 0.9)
    kind = rng.random()
    if kind < 0.3:
        _legs(pen, rng, coat, (-0.45, 0.35), 0.3, 0.15)
        pen.stroke(coat, 0.13, (-0.55, 0.1), (-0.9, 0.0), (-0.98, -0.4), (-0.8, -0.75))
        pen.ellipse(coat, (-0.05, 0.18), 0.6, 0.24)
        if rng.random() < 0.6:
            for x in (-0.4, -0.2, 0.0, 0.2):
                pen.stroke(dark, 0.06, (x, -0.05), (x - 0.03, 0.2))
        centre, size = (0.58, -0.2), 0.3
    elif kind < 0.6:
        pen.stroke(coat, 0.14, (0.3, 0.85), (0.7, 0.75), (0.75, 0.4))
        pen.ellipse(coat, (0, 0.45), 0.42, 0.5)
        pen.ellipse(shaded(coat, 1.3), (0, 0.45), 0.18, 0.3)
        pen.stroke(dark, 0.04, (-0.08, 0.55), (-0.08, 0.92))
        pen.stroke(dark, 0.04, (0.08, 0.55), (0.08, 0.92))
        centre, size = (0, -0.3), 0.42
    else:
        centre, size = (0, 0.12), 0.8
    x, y = centre

    def at(u: float, v: float) -> Point:
        return x + size * u, y + size * v

    tip = rng.uniform(-1.25, -1.05)
    for side in (-1, 1):
        pen.polygon(coat, at(side * 0.95, -0.15), at(side * 0.85, tip), at(side * 0.15, -0.7))
        pen.polygon(pink, at(side * 0.82, -0.4), at(side * 0.78, tip + 0.2), at(side * 0.38, -0.7))
    pen.ellipse(coat, centre, size, size * 0.85)
    for u in (-0.25, 0, 0.25):
        pen.stroke(dark, size * 0.09, at(u, -0.8), at(u * 0.7, -0.45))
    for side in (-1, 1):
        _eye(pen, *at(side * 0.42, -0.1), size * 0.19, iris)
        for v in (0.3, 0.45):
            pen.stroke(WHITE, size * 0.04, at(side * 0.25, 0.35), at(side * 1.15, v))
    pen.polygon(pink, at(-0.13, 0.2), at(0.13, 0.2), at(0, 0.36))
    pen.stroke(dark, size * 0.06, at(-0.2, 0.52), at(0, 0.4), at(0.2, 0.52))


def _antlers(pen: Pen, rng: np.random.Generator, colour: Ink, x: float, y: float, size: float, lean: float) -> None:
    tall = rng.uniform(0.8, 1.1) * size
    pen.stroke(colour, 0.07, (x, y), (x + lean * tall, y - 0.5 * tall), (x + 0.6 * lean * tall, y - tall))
    for share in (0.35, 0.65):
        fx, fy = x + lean * tall * min(1, 2 * share), y - share * tall
        pen.stroke(colour, 0.055, (fx, fy), (fx + (0.3 if lean >= 0 else -0.3) * size, fy - 0.25 * size))


def deer(pen: Pen, rng: np.random.Generator) -> None:
    """From the side, or its head from the front."""
    coat = ink(rng.uniform(0.05, 0.1), rng.uniform(0.35, 0.75), rng.uniform(0.4, 0.8))
    bone = ink(0.1, rng.uniform(0.15, 0.4), rng.uniform(0.5, 0.95))
    antlers = rng.random() < 0.85
    if rng.random() < 0.3:
        pen.polygon(coat, (-0.3, 0.95), (-0.2, 0.3), (0.2, 0.3), (0.3, 0.95))
        for side in (-1, 1):
            if antlers:
                _antlers(pen, rng, bone, side * 0.14, -0.2, 0.85, side * 0.6)
            pen.ellipse(shaded(coat, 0.8), (side * 0.5, -0.08), 0.28, 0.12, side * -20)
        pen.ellipse(coat, (0, 0.05), 0.3, 0.32)
        pen.ellipse(coat, (0, 0.35), 0.18, 0.36)
        for side in (-1, 1):
            pen.ellipse(BLACK, (side * 0.2, 0.05), 0.07, 0.07)
        pen.ellipse(BLACK, (0, 0.62), 0.12, 0.09)
        return
    _legs(pen, rng, coat, (-0.45, 0.25), 0.2, 0.08)
    pen.ellipse(WHITE, (-0.6, 0.02), 0.12, 0.15)
    pen.ellipse(coat, (-0.12, 0.1), 0.5, 0.23)
    if rng.random() < 0.4:
        for _ in range(6):
            pen.ellipse(WHITE, (rng.uniform(-0.45, 0.2), rng.uniform(-0.05, 0.15)), 0.04, 0.04)
    hx, hy = rng.uniform(0.5, 0.65), rng.uniform(-0.5, -0.38)
    if antlers:
        _antlers(pen, rng, shaded(bone, 0.8), hx - 0.08, hy - 0.05, 0.5, 0.45)
        _antlers(pen, rng, bone, hx - 0.12, hy - 0.05, 0.5, -0.45)
    pen.polygon(coat, (0.08, 0.0), (hx - 0.14, hy), (hx + 0.06, hy + 0.1), (0.38, 0.2))
    pen.ellipse(shaded(coat, 0.75), (hx - 0.2, hy - 0.08), 0.15, 0.06, 25)
    pen.ellipse(coat, (hx, hy), 0.16, 0.12)
    pen.ellipse(coat, (hx + 0.16, hy + 0.07), 0.16, 0.075, 20)
    pen.ellipse(BLACK, (hx + 0.29, hy + 0.11), 0.045, 0.045)
    pen.ellipse(BLACK, (hx + 0.02, hy - 0.03), 0.035, 0.035)


def dog(pen: Pen, rng: np.random.Generator) -> None:
    """From the side, or its face."""
    coat = _fur(rng)
    ear = shaded(coat, rng.uniform(0.4, 0.75))
    muzzle = shaded(coat, 1.35) if rng.random() < 0.6 else WHITE
    if rng.random() < 0.45:
        pen.ellipse(coat, (0, 0), 0.62, 0.72)
        pen.ellipse(muzzle, (0, 0.38), 0.4, 0.38)
        for side in (-1, 1):
            pen.ellipse(ear, (side * 0.68, 0.02), 0.22, 0.55, side * -12)
            pen.ellipse(BLACK, (side * 0.27, -0.12), 0.1, 0.11)
        pen.ellipse(BLACK, (0, 0.2), 0.19, 0.13)
        if rng.random() < 0.6:
            pen.ellipse((225, 100, 110), (0, 0.72), 0.14, 0.22)
        pen.stroke(BLACK, 0.06, (-0.22, 0.52), (0, 0.42), (0.22, 0.52))
        return
    _legs(pen, rng, coat, (-0.45, 0.3), 0.25, 0.16)
    pen.stroke(coat, 0.13, (-0.5, 0.0), (-0.75, -0.2), (-0.85, rng.uniform(-0.6, -0.3)))
    pen.ellipse(coat, (-0.08, 0.12), 0.58, rng.uniform(0.22, 0.29))
    if rng.random() < 0.4:
        pen.ellipse(ear, (rng.uniform(-0.4, 0.1), 0.05), 0.2, 0.14)
    pen.polygon(coat, (0.15, 0.0), (0.4, -0.4), (0.68, -0.2), (0.45, 0.25))
    pen.ellipse(coat, (0.52, -0.36), 0.24, 0.22)
    pen.ellipse(muzzle, (0.78, -0.27), 0.22, 0.13)
    pen.ellipse(BLACK, (0.96, -0.32), 0.075, 0.065)
    pen.ellipse(ear, (0.38, -0.27), 0.12, 0.27, 8)
    pen.ellipse(BLACK, (0.6, -0.43), 0.05, 0.05)


def frog(pen: Pen, rng: np.random.Generator) -> None:
    """Crouching: from the front, or from the side."""
    hue = rng.uniform(0.2, 0.42) if rng.random() < 0.7 else rng.uniform(0.03, 0.15)
    skin = ink(hue, rng.uniform(0.45, 0.9), rng.uniform(0.35, 0.85))
    dark, belly = shaded(skin, 0.65), ink(0.15, 0.25, rng.uniform(0.75, 0.95))
    spots = [(rng.uniform(-0.4, 0.4), rng.uniform(-0.15, 0.25)) for _ in range(int(rng.integers(0, 6)))]
    iris = ink(rng.uniform(0, 0.16), 0.85, 0.95)
    if rng.random() < 0.55:
        for side in (-1, 1):
            pen.ellipse(dark, (side * 0.65, 0.4), 0.35, 0.25, side * -35)
            pen.stroke(dark, 0.13, (side * 0.85, 0.55), (side * 0.6, 0.72), (side * 0.98, 0.75))
        pen.ellipse(skin, (0, 0.2), 0.68, 0.5)
        pen.ellipse(belly, (0, 0.45), 0.48, 0.28)
        for side in (-1, 1):
            pen.stroke(skin, 0.15, (side * 0.35, 0.35), (side * 0.3, 0.72), (side * 0.48, 0.78))
            pen.ellipse(skin, (side * 0.4, -0.3), 0.26, 0.26)
            _eye(pen, side * 0.42, -0.33, 0.17, iris)
        pen.stroke(shaded(skin, 0.4), 0.06, (-0.5, 0.1), (0, 0.24), (0.5, 0.1))
    else:
        pen.ellipse(skin, (0.0, 0.15), 0.72, 0.34, -20)
        pen.ellipse(belly, (0.25, 0.3), 0.4, 0.2, -15)
        pen.ellipse(dark, (-0.45, 0.38), 0.42, 0.24, -25)
        pen.stroke(dark, 0.14, (-0.7, 0.55), (-0.1, 0.68), (-0.45, 0.78), (0.05, 0.8))
        pen.stroke(skin, 0.14, (0.3, 0.3), (0.42, 0.6), (0.32, 0.78), (0.55, 0.8))
        pen.ellipse(skin, (0.55, -0.08), 0.38, 0.25, 10)
        pen.ellipse(skin, (0.45, -0.33), 0.2, 0.2)
        _eye(pen, 0.48, -0.36, 0.14, iris)
        pen.stroke(shaded(skin, 0.4), 0.05, (0.9, 0.02), (0.4, 0.06))
    for spot in spots:
        pen.ellipse(dark, spot, 0.08, 0.07)


def horse(pen: Pen, rng: np.random.Generator) -> None:
    """From the side, or its head and neck."""
    coat = _fur(rng)
    mane = shaded(coat, rng.uniform(0.25, 0.5)) if rng.random() < 0.75 else ink(0.12, 0.25, 0.9)
    if rng.random() < 0.3:
        pen.polygon(coat, (-0.95, 1.0), (-0.45, -0.45), (0.1, -0.6), (0.3, -0.05), (0.0, 1.0))
        pen.polygon(mane, (-0.98, 0.8), (-0.62, -0.45), (-0.1, -0.85), (0.0, -0.55), (-0.45, -0.3), (-0.7, 0.6))
        pen.polygon(coat, (-0.12, -0.6), (0.22, -0.62), (0.85, 0.22), (0.75, 0.5), (0.5, 0.5), (0.0, 0.05))
        pen.polygon(coat, (-0.05, -0.55), (0.0, -0.92), (0.16, -0.58))
        pen.ellipse(shaded(coat, 0.5), (0.72, 0.36), 0.14, 0.14)
        pen.ellipse(BLACK, (0.25, -0.28), 0.07, 0.06)
        if rng.random() < 0.4:
            pen.stroke(WHITE, 0.09, (0.3, -0.45), (0.7, 0.1))
        return
    _legs(pen, rng, coat, (-0.48, 0.3), 0.1, 0.13)
    pen.stroke(mane, 0.17, (-0.6, -0.15), (-0.82, 0.05), (-0.86, rng.uniform(0.35, 0.6)))
    pen.ellipse(coat, (-0.1, 0.0), 0.6, 0.29)
    drop = rng.uniform(-0.08, 0.3)
    pen.polygon(coat, (0.05, -0.15), (0.4, -0.72 + drop), (0.66, -0.6 + drop), (0.48, 0.15))
    pen.polygon(mane, (0.0, -0.2), (0.34, -0.84 + drop), (0.52, -0.74 + drop), (0.2, -0.1))
    pen.polygon(
        coat, (0.42, -0.78 + drop), (0.62, -0.78 + drop), (0.98, -0.4 + drop), (0.9, -0.26 + drop), (0.5, -0.5 + drop)
    )
    pen.polygon(coat, (0.46, -0.72 + drop), (0.5, -0.95 + drop), (0.6, -0.72 + drop))
    pen.ellipse(BLACK, (0.63, -0.64 + drop), 0.04, 0.04)
