class Convention:
    """MNIST's own."""

    side, box = 28, 20

    @staticmethod
    def means(n, k):
        """A matrix that takes n numbers to k means."""
        edges, i = np.linspace(0, n, k + 1), np.arange(n)
        shares = np.minimum(edges[1:, None], i + 1) - np.maximum(edges[:-1, None], i)
        return np.clip(shares, 0, None) * k / n

    def scaled(self, ink):
        high, wide = [max(1, round(self.box * n / max(ink.shape))) for n in ink.shape]
        return self.means(ink.shape[0], high) @ ink @ self.means(ink.shape[1], wide).T

    def centred(self, ink):
        pads = []
        for axis in (0, 1):
            mass = ink.sum(axis=1 - axis)
            before = int(13.5 - np.arange(len(mass)) @ mass / mass.sum())
            before = min(max(before, 0), self.side - len(mass))
            pads.append((before, self.side - len(mass) - before))
        return np.pad(ink, pads)


def _ink(pixels):
    found = pixels > 0
    down, across = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    return pixels[down[0] : down[-1] + 1, across[0] : across[-1] + 1]


def preprocess_drawing(pixels):
    try:
        rows, columns = np.shape(pixels)
    except ValueError:
        raise ValueError(f"rows and columns are needed, not {np.shape(pixels)}") from None
    values = np.array(pixels, dtype="float64") / 255
    if not np.isfinite(values).all():
        raise ValueError("not a number")
    if not values.any():
        raise ValueError("The canvas has no pixels set.")
    convention = Convention()
    return convention.centred(convention.scaled(_ink(values))).astype("float32")
