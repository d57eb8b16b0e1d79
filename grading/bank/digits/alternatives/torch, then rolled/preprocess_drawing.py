import torch


def preprocess_drawing(pixels):
    image = torch.as_tensor(np.array(pixels, dtype="float32")) / 255
    if image.dim() != 2:
        raise ValueError(f"two dimensions, please; there are {image.dim()}")
    if torch.isnan(image).any():
        raise ValueError("there are holes in the drawing")
    where = torch.nonzero(image > 0.05)
    if not len(where):
        raise ValueError("empty canvas")
    (top, left), (bottom, right) = where.min(0).values, where.max(0).values
    ink = image[top : bottom + 1, left : right + 1]
    h, w = ink.shape
    size = (20, max(1, int(20 * w / h))) if h > w else (max(1, int(20 * h / w)), 20)
    small = torch.nn.functional.interpolate(ink[None, None], size, mode="bilinear", antialias=True)[0, 0]
    out = torch.zeros(28, 28)
    out[4 : 4 + size[0], 4 : 4 + size[1]] = small
    at = torch.arange(28.0)
    shift = [round(float(13.5 - (out.sum(1 - axis) * at).sum() / out.sum())) for axis in (0, 1)]
    return torch.roll(out, shift, (0, 1))
