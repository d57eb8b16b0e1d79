def transform(x, y):
    channels = np.zeros((len(x), 3, 66, 200), dtype=np.float32)
    for c in range(3):
        channels[:, c] = x[:, :, :, c]
    column = np.empty((len(y), 1), "float32")
    for i, value in enumerate(y):
        column[i] = value
    return [channels, column]
