from scipy import ndimage


def preprocess_drawing(pixels: np.ndarray, box: int = 20) -> np.ndarray:
    pixels = np.asarray(pixels)
    if pixels.ndim != 2:
        raise ValueError("pixels must be 2-d")
    if np.isnan(pixels).any():
        raise ValueError("pixels must be numbers")
    if pixels.max() == 0:
        raise ValueError("there is nothing on the pad")
    ink = pixels[ndimage.find_objects((pixels > 0).astype(int))[0]] / 255
    zoom = box / max(ink.shape)
    if zoom < 1:
        ink = ndimage.gaussian_filter(ink, 0.35 / zoom, mode="nearest")
    small = ndimage.zoom(ink, [max(zoom, 1 / n) for n in ink.shape], order=1, grid_mode=True, mode="nearest")
    big = np.zeros((60, 60))
    big[: small.shape[0], : small.shape[1]] = small
    cy, cx = ndimage.center_of_mass(big)
    moved = ndimage.shift(big, (13.5 - cy, 13.5 - cx), order=1)  # by parts of a pixel
    return np.clip(moved[:28, :28], 0, 1).astype(np.float32)
