"""One run: a town pays while everything fails; then rest, audit, reconciliation, and a verdict."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.app import build
from bot.reconciling.reconciler import Reconciler, Report
from bot.reconciling.refusal import NoBillYet
from bot.torture.audit import audit, rows
from bot.torture.bank import Bank
from bot.torture.citizen import Life
from bot.torture.ground import ZONE, Ground, ground, knows_families, random_of
from bot.torture.rest import NeverQuiet, Told, next_words, until_quiet
from bot.torture.tempest import DidNotStart, Tempest
from bot.torture.town import Town
from storage.orders.columns import LEDGER, LINE, ORDER

AT_ONCE = 24  # citizens with the phone in the hand
TRIES = 5
MOST_WAITING = 60.0  # seconds that a short run is prolonged until somebody has paid
CLAIMS_END = 30.0  # seconds of the clock after which what a dead process had claimed is anybody's
CALLED_HOME = 60.0  # seconds in which every citizen is done after the end
MORNING = timedelta(days=1, hours=10, minutes=30)  # when the day's bill is there


@dataclass
class Verdict:
    """What a run came to; `found` is empty where every promise was kept."""

    seed: int
    storage: str
    seconds: float
    injected: Counter[str] = field(default_factory=Counter)
    lived: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    money: Counter[str] = field(default_factory=Counter)
    processes: Counter[str] = field(default_factory=Counter)
    complaints: Counter[str] = field(default_factory=Counter)
    told: Told = field(default_factory=lambda: Told(0, 0, ()))
    reconciled: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


def torture(
    seed: int, seconds: float, storage: str, citizens: int, mistake: str = "", reconcile: bool = True
) -> Verdict:
    """Run it; `mistake` is one of `sabotage.MISTAKES`, to see that it is found. Raises NoServices, NoRedis."""
    verdict = Verdict(seed, storage, seconds)
    with ground(storage, seed, citizens, mistake) as one:
        tempest, bank = Tempest(one, seed, seconds), Bank(one)
        tempest.start()
        _live(one, tempest, seconds, citizens, bank, verdict)
        verdict.injected = tempest.injected
        try:
            tempest.calm()
            verdict.processes["steps of the clock until quiet"] = until_quiet(one)
            verdict.told = next_words(one)
            until_quiet(one)
        except (NeverQuiet, DidNotStart) as never:
            verdict.found.append(str(never))
        verdict.found += audit(one.engine, one.sandbox.pay.books())
        verdict.found += [f"told: {openid} paid and was not told" for openid in verdict.told.not_told]
        verdict.found += [f"I5: {kind} was believed {n} times" for kind, n in tempest.forger.accepted.items()]
        verdict.found += [f"I5: a spoiled callback was acknowledged: {one_id}" for one_id in _wrongly(one)]
        verdict.injected["forged callbacks sent"] = tempest.forger.tried
        _stop(one, verdict)
        if reconcile:
            try:
                _reconcile(one, verdict)
            except Exception as wrong:
                verdict.found.append(f"reconciliation: {type(wrong).__name__} {wrong}")
        _sum_up(one, bank, verdict)
    return verdict


def _live(one: Ground, tempest: Tempest, seconds: float, citizens: int, bank: Bank, verdict: Verdict) -> None:
    """Rounds of errands of the whole town until the time is over; whoever is at it then comes to an end."""
    over, ends = threading.Event(), time.monotonic() + seconds

    def lives(number: int, round_no: int, town: Town) -> Counter[str]:
        life = Life(town.citizens[number], one.sandbox, over.is_set, bank.pay)
        if not over.is_set():
            life.live()
        return life.done

    def is_over() -> bool:
        late = time.monotonic() - ends
        return late >= MOST_WAITING or (late >= 0 and bool(one.sandbox.pay.books().payments))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="citizen") as pool:
        round_no, running = 0, []
        try:
            while not is_over():
                town = Town.founded(
                    random_of(verdict.seed, "town", round_no), one.people, citizens=citizens, family=knows_families()
                )
                running = [pool.submit(lives, number, round_no, town) for number in range(len(town.citizens))]
                while not is_over() and not all(each.done() for each in running):
                    time.sleep(0.1)
                if is_over():
                    over.set()
                    tempest.end()
                    one.clock.move(CLAIMS_END)
                for each in running:
                    try:
                        verdict.lived.update(each.result(CALLED_HOME))
                    except Exception as wrong:
                        verdict.found.append(f"a citizen could not go on: {type(wrong).__name__} {wrong}")
                round_no += 1
        finally:  # whatever ends it: nobody starts processes any more
            over.set()
            tempest.end()
    verdict.lived["rounds"] = round_no


def _reconcile(one: Ground, verdict: Verdict) -> None:
    """Every day of the run, on the morning after the last; a second time, which must change nothing."""
    app = build(one.settings, clock=one.clock.now, wakes=False)
    try:
        last = datetime.fromtimestamp(one.clock.now(), ZONE).date()
        midnight = datetime(last.year, last.month, last.day, tzinfo=ZONE)
        one.clock.set((midnight + MORNING).timestamp())
        day: date = one.today
        while day <= last:
            for _ in range(2):
                report = _reconciled(one, Reconciler(app.till), day)
            summed = report.figures.summed
            verdict.reconciled.append(f"{day}: {summed.rows} rows, open {report.open}")
            if not report.ties:
                verdict.found.append(f"reconciliation of {day}: {report.open} open {report.no_flow}")
            day += timedelta(days=1)
    finally:
        app.stop()
    verdict.found += [f"after reconciliation: {what}" for what in audit(one.engine, one.sandbox.pay.books())]


def _reconciled(one: Ground, reconciler: Reconciler, day: date) -> Report:
    """The day's report, asked for again where WeChat Pay does not give the bill just now. Raises NoBillYet."""
    for _ in range(TRIES):
        try:
            return reconciler.reconcile(day)
        except NoBillYet:
            one.clock.move(60)
    return reconciler.reconcile(day)


def _stop(one: Ground, verdict: Verdict) -> None:
    for bot in one.bots:
        if not bot.stop():
            verdict.found.append(f"{bot.what} did not end with 0 on SIGTERM")


def _sum_up(one: Ground, bank: Bank, verdict: Verdict) -> None:
    verdict.orders.update(order.state for order in rows(one.engine, ORDER))
    lines = Counter(line.order_no for line in rows(one.engine, LINE))
    verdict.orders["of several lines"] = sum(count > 1 for count in lines.values())
    for entry in rows(one.engine, LEDGER):
        verdict.money[f"our {entry.kind}s"] += 1
        verdict.money["our ledger, fen"] += entry.amount
    books = one.sandbox.pay.books()
    verdict.money["WeChat Pay's payments"] = len(books.payments)
    verdict.money["WeChat Pay's refunds"] = len(books.refunds)
    back = sum(refund.refund for refund in books.refunds if refund.status == "SUCCESS")
    verdict.money["WeChat Pay's books, fen"] = sum(payment.total for payment in books.payments) - back
    verdict.money["paid at the bank"] = bank.taken
    for bot in one.bots:
        verdict.processes[f"{bot.what} killed"] += bot.kills
        verdict.processes[f"{bot.what} died at a fault point"] += bot.died_by_itself
        verdict.processes[f"{bot.what} started"] += bot.starts
        verdict.complaints.update(bot.complaints)
    if one.wire:
        verdict.processes["commits cut"] = one.wire.commits_cut


def _wrongly(one: Ground) -> list[str]:
    return one.sandbox.pay.callbacks.wrongly_accepted
