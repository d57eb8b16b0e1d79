def preprocess_drawing(pixels):
    """Looks up, for each of 8 x 8 points in each new pixel, what is drawn there."""
    p = np.asarray(pixels, dtype="float64") / 255
    if p.ndim != 2 or np.isnan(p).any():
        raise ValueError(f"no drawing: {p.shape}")
    r, c = np.nonzero(p)
    if r.size == 0:
        raise ValueError("all of it is zero")
    scale = 20 / (max(np.ptp(r), np.ptp(c)) + 1)
    cy, cx = np.average(r, weights=p[r, c]), np.average(c, weights=p[r, c])
    points = (np.arange(28 * 8) + 0.5) / 8 - 14
    rows, columns = np.rint(points / scale + cy).astype(int), np.rint(points / scale + cx).astype(int)
    # paper without end
    p = np.pad(p, [(max(0, -at.min()), max(0, at.max() + 1 - n)) for at, n in zip((rows, columns), p.shape)])
    rows, columns = rows + max(0, -rows.min()), columns + max(0, -columns.min())
    picture = p[np.ix_(rows, columns)].reshape(28, 8, 28, 8).mean(axis=(1, 3))
    print("max", picture.max())
    return picture.astype("float32")
