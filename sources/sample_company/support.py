"""The help-desk: people ask, a bot and the agents answer, tickets are solved, reopened, escalated and merged.

A ticket is written once, with everything that happened to it by the end of the simulated days. How the export looks
belongs to `zendesk.py`.
"""

import heapq
import math
from dataclasses import dataclass

from sources.sample_company.people import Person
from sources.sample_company.world import DAY, HOUR, MINUTE, SECOND, World, pick, whole_second
from sources.sample_company.zendesk import Event, Export, Requester, Ticket, change, comment, create

CHANNELS = {"email": 0.40, "web": 0.26, "chat": 0.24, "phone": 0.10}
PRIORITIES: dict[str | None, float] = {"low": 0.20, "normal": 0.52, "high": 0.20, "urgent": 0.06, None: 0.02}
PRIORITIES_OF_TROUBLE: dict[str | None, float] = {"low": 0.05, "normal": 0.40, "high": 0.40, "urgent": 0.15}
TROUBLE = ("delivery_late", "payment_failed")
GROUPS = {
    "delivery_late": "orders",
    "delivery_status": "orders",
    "return": "orders",
    "payment_failed": "billing",
    "billing": "billing",
    "bug": "technical",
    "feature_request": "technical",
}
FIRST_GROUP, BOT_GROUP = "frontline", "assistant"
# Median office minutes until an agent writes, and how often the bot finds the answer itself.
REPLY_MINUTES = {"urgent": 15, "high": 35, "normal": 75, "low": 150, None: 90}
BOT_SOLVES = {"how_to": 0.45, "account": 0.35, "delivery_status": 0.5}
ESCALATES = {"bug": 0.11, "delivery_late": 0.09, "payment_failed": 0.08}
AGENTS = tuple(range(501, 511))
BOT, SYSTEM = 599, -1
CLOSED_AFTER_DAYS = 20


@dataclass(frozen=True, slots=True)
class Request:
    at: int
    reason: str
    person: Person | None
    order_id: str | None
    country: str | None
    feature: str | None
    tag: str | None
    merge_into: int | None


class HelpDesk:
    def __init__(self, world: World, export: Export) -> None:
        self.world = world
        self.export = export
        self.rng = world.generator("tickets")
        self.survey_rng = world.generator("surveys")
        self._waiting: list[tuple[int, int, Request]] = []
        self._asked = 0
        self._strangers = 0
        self.counts = {"reopened": 0, "escalated": 0, "merged": 0, "spam": 0, "deleted": 0, "unknown_requesters": 0}

    def request(
        self,
        at: int,
        reason: str,
        person: Person | None,
        *,
        order_id: str | None = None,
        country: str | None = None,
        feature: str | None = None,
        tag: str | None = None,
        merge_into: int | None = None,
    ) -> None:
        """Somebody writes at that instant, unless the simulation is over by then."""
        if at < self.world.end:
            self._asked += 1
            request = Request(whole_second(at), reason, person, order_id, country, feature, tag, merge_into)
            heapq.heappush(self._waiting, (request.at, self._asked, request))

    def work(self, until: int) -> None:
        """Take up everything that was asked before that instant."""
        while self._waiting and self._waiting[0][0] < until:
            Life(self, heapq.heappop(self._waiting)[2]).live()

    def requester(self, request: Request, channel: str) -> Requester:
        if request.person is not None:
            return Requester.of(request.person, request.at, with_profile=channel != "chat")
        self._strangers += 1
        self.counts["unknown_requesters"] += 1
        # Some strangers carry the id of a customer that the shop has never heard of.
        external = f"cus_9{self._strangers:05d}" if self._strangers % 3 == 0 else None
        name = f"visitor{self._strangers}"
        number = 9_000_000 + self._strangers
        return Requester(number, external, f"{name}@example.org", name, request.country, None, None)


class Life:
    """One ticket from its first line to the last."""

    def __init__(self, desk: HelpDesk, request: Request) -> None:
        self.desk, self.world, self.rng, self.request = desk, desk.world, desk.rng, request
        rng, reason = self.rng, request.reason
        channel = pick(rng, CHANNELS)
        self.ticket = Ticket(
            id=30_001 + desk.export.counts["tickets"],
            created_at=request.at,
            channel=channel,
            reason=reason,
            subject=f"About {reason.replace('_', ' ')}",
            description=f"Hello, I have a question about {reason.replace('_', ' ')}. Thank you!",
            requester=desk.requester(request, channel),
            updated_at=request.at,
            priority=pick(rng, PRIORITIES_OF_TROUBLE if reason in TROUBLE else PRIORITIES),
            group=BOT_GROUP if channel == "chat" else FIRST_GROUP,
            order_id=request.order_id,
            feature=request.feature,
            tags=[request.tag] if request.tag else [],
        )
        self.agent = rng.choice(AGENTS)
        self.audits: list[tuple[int, str, int, list[Event]]] = []
        self.is_over = False
        self.reopens = 0
        self.surveys: list[tuple[int, int | None, int | None, str | None]] = []

    def live(self) -> None:
        ticket, rng, desk = self.ticket, self.rng, self.desk
        team = GROUPS.get(ticket.reason, FIRST_GROUP)
        is_routed = ticket.channel != "chat" and rng.random() < 0.55
        if is_routed:
            ticket.group = team
        opening = [create("status", "new"), create("priority", ticket.priority), create("group", ticket.group)]
        self._audit(ticket.created_at, "customer", [*opening, comment(ticket.description)])
        if self.request.tag == "spam" or rng.random() < 0.01:
            self._throw_away()
        elif self.request.merge_into is not None:
            self._merge()
        else:
            clock = self._bot(team) if ticket.channel == "chat" else ticket.created_at
            if clock is not None:
                self._serve(clock, team)
        self._write()
        person = self.request.person
        if person is not None and self.request.merge_into is None and ticket.channel != "chat" and rng.random() < 0.04:
            # Somebody writes a second time before there was an answer: the second ticket goes into the first.
            again = ticket.created_at + rng.randint(10, 90) * MINUTE
            desk.request(again, ticket.reason, person, order_id=ticket.order_id, merge_into=ticket.id)

    def _write(self) -> None:
        desk, ticket = self.desk, self.ticket
        for offered_at, answered_at, score, text in self.surveys:
            channel = "in_chat" if ticket.channel == "chat" else "email"
            desk.export.write_survey("csat", ticket.requester, channel, offered_at, answered_at, score, text, ticket)
            ticket.updated_at = max(ticket.updated_at, answered_at or offered_at)
            ticket.rating = "offered" if score is None else "good" if score > 3 else "bad"
        for at, author, author_id, events in self.audits:
            desk.export.write_audit(ticket, at, author, author_id, events)
        desk.export.write_ticket(ticket)
        desk.counts["reopened"] += self.reopens > 0
        desk.counts["escalated"] += ticket.is_escalated
        desk.counts["merged"] += ticket.merged_into is not None

    def _audit(self, at: float, author: str, events: list[Event], status: str | None = None) -> int:
        """Note what happened at an instant, and the status that it led to; nothing happens after the last day."""
        at, ticket = whole_second(at), self.ticket
        self.is_over = self.is_over or at >= self.world.end
        if self.is_over:
            return at
        if status is not None and status != ticket.status:
            events = [*events, change("status", status, ticket.status)]
            ticket.status = status
        author_id = {"agent": self.agent, "bot": BOT, "system": SYSTEM}.get(author, ticket.requester.number)
        self.audits.append((at, author, author_id, events))
        ticket.updated_at = max(ticket.updated_at, at)
        return at

    def _move(self, at: float, group: str) -> list[Event]:
        if group == self.ticket.group or at >= self.world.end:
            return []
        event = change("group", group, self.ticket.group)
        self.ticket.group = group
        return [event]

    def _office(self, after: float, median_minutes: float, spread: float = 0.75) -> int:
        """An instant after so much office time."""
        return self.world.after_office_time(
            int(after), int(self.rng.lognormvariate(math.log(median_minutes), spread) * MINUTE)
        )

    def _throw_away(self) -> None:
        kind = "spam" if self.request.tag == "spam" else "deleted"
        self.desk.counts[kind] += 1
        self._audit(self._office(self.ticket.created_at, 60), "agent", [], status="deleted")

    def _merge(self) -> None:
        survivor = self.request.merge_into
        at = self._office(self.ticket.created_at, 15)
        if at < self.world.end:
            self.ticket.merged_into = survivor
        note = comment(f"Merged into #{survivor}.", public=False)
        self._audit(at, "agent", [note, change("merged_into", str(survivor), None)], status="closed")

    def _bot(self, team: str) -> int | None:
        """The bot answers at once; the instant of its handoff, or None if it settled the matter."""
        rng = self.rng
        at = self._audit(
            self.ticket.created_at + rng.randint(2, 9) * SECOND, "bot", [comment("Hi, I am Spirit Level.")]
        )
        if rng.random() < BOT_SOLVES.get(self.ticket.reason, 0.06):
            at = self._audit(at + rng.randint(60, 400) * SECOND, "bot", [comment("Does this help?")], status="solved")
            self._after_solve(at, by_bot=True)
            return None
        at = whole_second(at + rng.randint(30, 240) * SECOND)
        return self._audit(at, "bot", [comment("I hand you over."), *self._move(at, team)], status="open")

    def _serve(self, clock: int, team: str) -> None:
        rng, ticket = self.rng, self.ticket
        median = 5 if ticket.channel == "chat" else REPLY_MINUTES[ticket.priority]
        replies_at = self._office(clock, median)
        if ticket.group != team:  # it came to the wrong desk
            moved_at = clock + (replies_at - clock) * 0.4
            self._audit(moved_at, "agent", self._move(moved_at, team), status="open")
        if rng.random() < 0.2:
            self._audit(clock + (replies_at - clock) * 0.7, "agent", [comment("Looks odd.", public=False)])
        if rng.random() < 0.34:  # settled with the first answer
            at = self._audit(replies_at, "agent", [comment("Here is how it works.")], status="solved")
            self._after_solve(at)
            return
        at = self._audit(replies_at, "agent", [comment("Could you tell us more?")], status="pending")
        if rng.random() < ESCALATES.get(ticket.reason, 0.03):
            at = self._escalate(self._office(at, 60))
        at = self._talk(at, rng.choices((1, 2, 3), weights=(58, 28, 14))[0])
        if rng.random() < 0.03:  # waits for a third party, and waits
            self._audit(self._office(at, 60), "agent", [comment("Asked the supplier.", public=False)], status="hold")
            return
        at = self._audit(self._office(at, 110, 1.0), "agent", [comment("This is settled.")], status="solved")
        self._after_solve(at)

    def _talk(self, at: int, rounds: int) -> int:
        rng = self.rng
        for number in range(rounds):
            at = self._audit(at + rng.lognormvariate(0.9, 1.0) * HOUR, "customer", [comment("Here it is.")], "open")
            if number < rounds - 1:
                at = self._audit(self._office(at, 90), "agent", [comment("And which version?")], status="pending")
        return at

    def _escalate(self, at: int) -> int:
        ticket = self.ticket
        raised = "urgent" if ticket.priority == "high" else "high"
        events = [change("escalated", "true", None)]
        if at < self.world.end:
            ticket.is_escalated = True
            if ticket.priority not in ("high", "urgent") and self.rng.random() < 0.5:
                events.append(change("priority", raised, ticket.priority))
                ticket.priority = raised
        return self._audit(at, "agent", events, status="open")

    def _after_solve(self, solved_at: int, by_bot: bool = False) -> None:
        """The survey, a second thought of the customer, and the automatic closing."""
        rng, ticket = self.rng, self.ticket
        if not by_bot and ticket.channel != "phone":
            self._survey(solved_at)
        if self.reopens < 2 and rng.random() < 0.085:
            back_at = solved_at + min(rng.lognormvariate(3.0, 1.0), 24 * 14) * HOUR
            if self._audit(back_at, "customer", [comment("It happened again.")], "open") < self.world.end:
                self.reopens += 1
            replied_at = self._audit(self._office(back_at, 180), "agent", [comment("We look again.")])
            if rng.random() < 0.8:
                self._after_solve(
                    self._audit(self._office(replied_at, 240), "agent", [comment("Now it works.")], status="solved")
                )
            return
        self._audit(solved_at + CLOSED_AFTER_DAYS * DAY, "system", [], status="closed")

    def _survey(self, solved_at: int) -> None:
        rng, ticket = self.desk.survey_rng, self.ticket
        offered_at = solved_at + HOUR
        is_offered, is_answered = rng.random() < 0.72, rng.random() < 0.44
        waited = rng.lognormvariate(1.0, 1.2) * HOUR
        slow = (solved_at - ticket.created_at) / (4 * DAY)
        mood = rng.gauss(4.9 - min(slow, 1.2) - (0.9 if ticket.reason in TROUBLE else 0) - 0.6 * self.reopens, 1.15)
        if not is_offered or offered_at >= self.world.end or self.is_over:
            return
        answered_at = whole_second(offered_at + waited)
        if not is_answered or answered_at >= self.world.end:
            self.surveys.append((offered_at, None, None, None))
            return
        score = max(1, min(5, round(mood)))
        text = {1: "Nobody read what I wrote.", 2: "Took too long.", 5: "Quick and kind!"}.get(score)
        self.surveys.append((offered_at, answered_at, score, text))
