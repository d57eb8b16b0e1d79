import csv
from pathlib import Path


def make_csv(x, y, filename, data_dir):
    folder = Path(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    labels = list(np.ravel(y))
    with open(folder / filename, "w", newline="") as file:
        writer = csv.writer(file)
        for label, features in zip(labels, x):
            writer.writerow([label, *features])
