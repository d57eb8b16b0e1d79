def transform(x, y):
    return np.einsum("nrct->ntrc", x), np.vstack(y)
