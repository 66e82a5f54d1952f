"""The recommendation survey (NPS): every customer who still uses the app is asked again and again, and some answer.

How the export looks belongs to `zendesk.py`, the survey about a ticket to `support.py`.
"""

from sources.sample_company.people import Person, Population
from sources.sample_company.world import HOUR, MINUTE, World, pick, whole_second
from sources.sample_company.zendesk import Export, Requester

EVERY_DAYS = 45
CHANNELS = {"email": 0.6, "in_app": 0.4}
ANSWERED = {"email": 0.16, "in_app": 0.34}
# Mean of the scores before they are cut to 0 to 10.
MOOD = {"free": 7.7, "maker": 8.4, "studio": 8.8}
LEAVING_MOOD, LEAVING_DAYS = 5.5, 14


class Recommendation:
    def __init__(self, world: World, population: Population, export: Export) -> None:
        self.world, self.population, self.export = world, population, export
        self.rng = world.generator("recommendation")
        self.counts = {"offered": 0, "answered": 0}

    def live_day(self, index: int) -> None:
        """Ask those whose turn it is; nobody in the first days after the sign-up."""
        for number, person in enumerate(self.population.people):
            if (index + number * 7) % EVERY_DAYS or person.kind == "test" or person.signed_up_at is None:
                continue
            if person.first_visit_day <= index < person.leaves_day and index >= person.sign_up_day + 7:
                self._ask(index, person)

    def _ask(self, index: int, person: Person) -> None:
        rng = self.rng
        offered_at = self.world.at_hour(index, 10) + rng.randrange(6 * 60) * MINUTE
        channel = pick(rng, CHANNELS)
        answers, waited = rng.random() < ANSWERED[channel], rng.lognormvariate(1.2, 1.3) * HOUR
        mood = LEAVING_MOOD if index + LEAVING_DAYS >= person.leaves_day else MOOD[person.plan_at(offered_at)]
        score = max(0, min(10, round(rng.gauss(mood, 1.9))))
        answered_at = whole_second(offered_at + waited)
        answers = answers and answered_at < self.world.end
        self.counts["offered"] += 1
        self.counts["answered"] += answers
        who = Requester.of(person, offered_at, with_profile=channel == "in_app")
        answer = (answered_at, score) if answers else (None, None)
        self.export.write_survey("nps", who, channel, offered_at, *answer)
