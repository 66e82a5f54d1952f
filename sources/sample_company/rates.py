"""What a dollar and a pound were worth in euros: a file that finance keeps."""

from datetime import date, timedelta
from pathlib import Path

from sources.sample_company.world import HOUR, MINUTE, World, iso_seconds

OPENING_RATES = {"USD": 0.9215, "GBP": 1.1640}
QUOTE = "EUR"
DAYS_BEFORE = 7
# The central bank publishes on working days; these are its holidays.
HOLIDAYS = {
    *(date(2025, 12, day) for day in (25, 26)),
    *(date(2026, month, day) for month, day in ((1, 1), (4, 3), (4, 6), (5, 1), (12, 25))),
}


def write_rates(world: World, folder: Path) -> int:
    """Write the rates of all working days, from a week before the first day on; the number of rows."""
    rng = world.generator("rates")
    folder.mkdir()
    rates, rows = dict(OPENING_RATES), 0
    with (folder / "rates.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("rate_date,base,quote,rate,published_at\n")
        for index in range(-DAYS_BEFORE, world.day_count):
            day = world.first_day + timedelta(days=index)
            if day.weekday() > 4 or day in HOLIDAYS:
                continue
            # What was published before finance began its file was copied into it on the first morning.
            published_at = world.at_hour(index, 16) + 5 * MINUTE if index >= 0 else world.start + 6 * HOUR
            for base in rates:
                rates[base] *= 1 + rng.gauss(0, 0.0035)
                file.write(f"{day},{base},{QUOTE},{rates[base]:.6f},{iso_seconds(published_at)}\n")
                rows += 1
    return rows
