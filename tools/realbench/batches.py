"""Batches of rows of similar length, so that little is padding."""

import random


def length(row):
    return len(row[0]) + len(row[1] or "")


def epochs(rows, size, generator: random.Random):
    """Endless training batches of `size` rows, in random order."""
    while True:
        mixed = generator.sample(rows, len(rows))
        batches = []
        for start in range(0, len(mixed), 16 * size):
            chunk = sorted(mixed[start : start + 16 * size], key=length)
            batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
        generator.shuffle(batches)
        yield from batches


def cut(rows, size):
    """Places of the rows of each batch, shortest rows first."""
    places = sorted(range(len(rows)), key=lambda i: length(rows[i]))
    return [places[i : i + size] for i in range(0, len(rows), size)]
