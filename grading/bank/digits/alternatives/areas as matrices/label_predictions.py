class Labeller:
    def __init__(self, row):
        if not isinstance(row, list):
            raise ValueError("no row")
        if len(row) != len(set(range(10))):
            raise ValueError("not ten")
        if any(type(value) not in (float, int) for value in row):
            raise ValueError("no numbers")
        self.row = row

    def pairs(self):
        order = sorted(range(10), key=self.row.__getitem__, reverse=True)
        return [[digit, self.row[digit]] for digit in order]


def label_predictions(response):
    return [Labeller(row).pairs() for row in response]
