"""A custom script made parallel: load, normalize, roll, compare, reduce.

Nothing in the functions knows of Oxidask. To run them in parallel, wrap each in `delayed` where it
is called; the last line computes it all.
"""

import random
import sqlite3
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from oxidask import delayed
from oxidask.diagnostics import ProgressBar

MONTHS = 12


def write_data(folder):
    """Write a file of daily temperatures for each month, and a database of what is usual."""
    usual = [10 - 12 * np.cos(2 * np.pi * month / MONTHS) for month in range(MONTHS)]
    noise = np.random.default_rng(seed=2013)
    with sqlite3.connect(folder / "usual.db") as database:
        database.execute("CREATE TABLE usual (month INTEGER, celsius REAL)")
        database.executemany("INSERT INTO usual VALUES (?, ?)", enumerate(usual))
    database.close()
    for month, celsius in enumerate(usual):
        days = celsius + noise.normal(scale=3, size=30) + noise.normal()
        np.savetxt(folder / f"{month:02}.csv", days)
    return sorted(folder.glob("*.csv")), folder / "usual.db"


def load(file):
    return int(file.stem), np.loadtxt(file)


def load_reference(path):
    database = sqlite3.connect(path)
    usual = dict(database.execute("SELECT month, celsius FROM usual"))
    database.close()
    return usual


def normalize(data, usual):
    month, celsius = data
    return month, celsius - usual[month]


def roll(a, b, c):
    first_month = a[0]
    return first_month, np.concatenate([values for _, values in (a, b, c)])


def compare(x, y):
    (x_month, x_values), (y_month, y_values) = x, y
    return abs(np.sort(x_values) - np.sort(y_values)).mean(), x_month, y_month


with tempfile.TemporaryDirectory() as folder:
    files, database = write_data(Path(folder))

    usual = delayed(load_reference)(database)
    months = [delayed(normalize)(delayed(load)(file), usual) for file in files]
    seasons = [delayed(roll)(*three) for three in zip(months, months[1:], months[2:], strict=False)]
    pairs = random.Random(2013).sample(list(combinations(seasons, 2)), 20)
    best = delayed(max)([delayed(compare)(x, y) for x, y in pairs])

    with ProgressBar():
        distance, first, second = best.compute()

print(f"of 20 pairs of seasons, those from months {first} and {second} differ most: {distance:.2f}")
