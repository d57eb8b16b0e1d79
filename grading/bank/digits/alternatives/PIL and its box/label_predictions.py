import heapq


def label_predictions(response):
    def label(row):
        try:
            values = [0.0 + value for value in row]
        except TypeError:
            raise ValueError("the answer holds something else than numbers")
        if len(values) != 10:
            raise ValueError(f"{len(values)} probabilities instead of ten")
        return heapq.nlargest(10, enumerate(values), key=lambda pair: pair[1])

    return tuple(map(label, response))
