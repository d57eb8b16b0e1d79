from pathlib import Path


class BadFile(ValueError):
    """A file of the driving data that can't be used."""


def opened(path):
    try:
        with open(path, "rb") as file:
            return np.lib.format.read_array(file)
    except (ValueError, EOFError) as reason:
        raise BadFile(str(path) + ": " + str(reason))


def load_data(f_path):
    folder = Path(f_path)
    found = {}
    for name in ["train_X", "train_Y", "valid_X", "valid_Y"]:
        path = folder / (name + ".npy")
        array = opened(path)
        if array.dtype.name != "float32":
            raise BadFile(f"{path}: {array.dtype}")
        if name.endswith("X") and (array.ndim != 4 or tuple(array.shape)[1:] != (66, 200, 3)):
            raise BadFile(f"{path}: {array.shape}")
        if name.endswith("Y") and array.ndim != 1:
            raise BadFile(f"{path}: {array.shape}")
        if name.endswith("Y") and np.count_nonzero(array != array):
            raise BadFile(f"{path}: NaN")
        found[name] = array
    for part in "train", "valid":
        x, y = found[part + "_X"], found[part + "_Y"]
        if x.shape[0] != y.shape[0]:
            raise BadFile(f"{part}_Y.npy belongs to other views")
        found[part + "_X"], found[part + "_Y"] = np.moveaxis(x, -1, 1), y[:, np.newaxis]
    return tuple(found.values())
