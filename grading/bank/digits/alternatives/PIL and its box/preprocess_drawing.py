def preprocess_drawing(pixels):
    canvas = np.array(pixels, dtype=float)
    if canvas.ndim != 2 or np.isnan(canvas).any():
        raise ValueError("a drawing is a table of numbers")
    image = Image.fromarray(canvas.clip(0, 255).astype("uint8"))
    box = image.getbbox()
    if box is None:
        raise ValueError("Please write a number first!")
    image = image.crop(box)
    factor = 20 / max(image.size)
    image = image.resize([max(1, int(side * factor + 0.5)) for side in image.size], Image.LANCZOS)
    a = np.asarray(image).astype(np.float32) / 255.0
    ys, xs = np.indices(a.shape)
    cy, cx = (a * ys).sum() / a.sum(), (a * xs).sum() / a.sum()
    out = Image.new("L", (28, 28))
    out.paste(image, (int(round(14 - cx)), int(round(14 - cy))))
    return np.asarray(out, dtype=np.float32) / 255.0
