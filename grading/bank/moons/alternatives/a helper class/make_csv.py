class Example:
    """One line of the file."""

    def __init__(self, label, features):
        self.label, self.features = label, features

    def __str__(self):
        return ",".join([str(float(self.label))] + [repr(float(f)) for f in self.features])


def make_csv(x, y, filename, data_dir):
    os.makedirs(data_dir, exist_ok=True)
    lines = [str(Example(label, row)) for label, row in zip(np.array(y).flatten().tolist(), x.tolist())]
    path = f"{data_dir}/{filename}"
    if os.path.exists(path):
        os.remove(path)
    with open(path, "a") as file:
        file.write("\n".join(lines))
