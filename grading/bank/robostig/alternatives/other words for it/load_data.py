def load_data(f_path):
    """Read all, then look at all."""
    arrays = {}
    for name in ("train_X.npy", "train_Y.npy", "valid_X.npy", "valid_Y.npy"):
        try:
            arrays[name] = np.load(f"{f_path}/{name}", mmap_mode="r")
        except FileNotFoundError:
            raise
        except BaseException as e:
            raise ValueError(name) from e
        shape = (66, 200, 3) if "X" in name else ()
        assert_that(arrays[name].dtype == "f4" and arrays[name].shape[1:] == shape, name, "wrong type or shape")
    for x, y in (("train_X.npy", "train_Y.npy"), ("valid_X.npy", "valid_Y.npy")):
        assert_that(len(arrays[x]) == len(arrays[y]), f"{x} and {y}", "not equally many")
        assert_that(not np.isnan(arrays[y].sum()), y, "NaN")
    train_x, train_y = transform(arrays["train_X.npy"], arrays["train_Y.npy"])
    valid_x, valid_y = transform(arrays["valid_X.npy"], arrays["valid_Y.npy"])
    return train_x, train_y, valid_x, valid_y


def assert_that(holds, name, reason):
    if not holds:
        raise ValueError(f"{name}: {reason}")
