"""Histories: what a seed becomes. A history is plain JSON, so that it can be printed, shrunk and kept as a test.

    {"profile": "push", "world": {...}, "steps": [
        ["people", [["edit", "erp", "order", "o1", {"delivery": "delivered"}, 0.0]]],
        ["wait", 600],
        ["webhooks", "erp", [300, None]],
        ["run", "sync", [[17, "kill"]]],
        ["both", "sync", [[9, "switch"]], "sync", [[30, "timeout"]], "other"]]}

The next webhooks of a system come so many seconds late, or not at all.
A fault is the point of its process from which on it may happen, its kind, and what it needs.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from tests.chaos import company

History = dict[str, Any]

_DELIVERY = ["not_delivered", "partly_delivered", "delivered", "returned"]
_PAYMENT = ["not_paid", "part_paid", "all paid"]
_NUMBERS = 5
_SCENES = 0.3
"""Chance of a staged coincidence after a run, in profiles that have some."""


class Profile(NamedTuple):
    """A kind of world. Chances are per run unless they say otherwise."""

    says: str
    topologies: tuple[str, ...] = ("pair",)
    jobs: tuple[str, ...] = ("sync",)
    steps: tuple[int, int] = (2, 4)
    faults: tuple[str, ...] = ()
    most_faults: int = 2
    both: float = 0.0
    rewrites: tuple[str, ...] = ("",)
    undoes: float = 0.0
    """Share of worlds in which an automation undoes our writes."""
    hands: float = 0.1
    """Share of edits that go to a field that we write."""
    unconditional: float = 0.0
    """Share of worlds whose systems take a write whatever it is based on."""
    policies: tuple[str, ...] = ("owner_wins",)
    versions: tuple[str, ...] = ("revision", "revision", "revision", "stamp", "none")
    """By what an older state of a record is told from a newer one."""
    drift: float = 0.0
    restore: float = 0.0
    lags: float = 0.3
    """Share of systems whose reads of one record may lag behind their lists."""
    lag: tuple[int, ...] = (1, 20, 120, 900)
    """Seconds by which they do."""
    scenes: tuple[str, ...] = ()
    """Rare coincidences that are staged after some runs (``_Author._scene``)."""
    hooks: float = 0.0
    """Share of worlds in which the systems tell of changes by webhook."""
    declared: bool = False
    """Whether the systems are connected by a manifest instead of a Python class."""
    share: int = 1
    """How many of the histories of all profiles together are of this one, compared to the others."""


_WRITES = ("write timeout", "write timeout", "write kill", "write people", "write gateway", "write lost", "write reset")
_NETWORK = ("refused", "lost", "busy", "down", "timeout", "reset", "broken", "gateway", "expire")

PROFILES: dict[str, Profile] = {
    "pull": Profile(
        "late commits, equal stamps, clock skew, edits while we page, deletions, expired cursors; killed at any point",
        topologies=("one",),
        share=12,
        jobs=("pull", "pull", "sweep"),
        steps=(3, 6),
        faults=(*_NETWORK, "kill", "kill", "kill", "people", "people", "people"),
        most_faults=3,
        scenes=("killed",),
    ),
    "push": Profile(
        "write-backs with lost answers, kills and people who edit the same records and fields",
        topologies=("pair", "number"),
        faults=(*_NETWORK, *_WRITES, "kill", "kill", "people", "people"),
        most_faults=3,
        hands=0.3,
        unconditional=0.25,
        policies=("owner_wins", "newest_wins", "ask"),
        scenes=("too late",),
    ),
    "loop": Profile(
        "chains and cycles of systems, peers that rewrite or undo what we write",
        topologies=("number", "chain", "cycle"),
        rewrites=("", "spaces", "case", "round"),
        undoes=0.25,
        faults=("write timeout", "write gateway", "write kill", "kill", "people"),
        most_faults=1,
        hands=0.1,
    ),
    "crowd": Profile(
        "two of our processes at once, on one host or two; they hang, are killed and are taken over",
        jobs=("sync", "sync", "push", "pull", "sweep"),
        versions=("revision", "stamp", "none", "none"),
        both=0.6,
        scenes=("hung",),
        faults=("switch", "switch", "switch", "hang", "write hang", "kill", "write kill", "write timeout", "people"),
        most_faults=4,
        hands=0.4,
    ),
    "store": Profile(
        "the database is gone for a while, its disk is full, or it comes from an older backup",
        faults=("no_database", "disk_full", "kill", "write kill", "write timeout", "people"),
        most_faults=3,
        restore=0.35,
    ),
    "drift": Profile(
        "fields and statuses that nobody knows come and go; records that cannot be understood",
        topologies=("pair", "chain"),
        jobs=("sync", "sync", "sweep"),
        faults=("people", "broken", "kill"),
        drift=0.6,
        hands=0.2,
    ),
    "create": Profile(
        "records created in another system: lost answers, requests that arrive late, kills, two of us, older backups",
        topologies=("create",),
        jobs=("sync", "sync", "sync", "push", "sweep"),
        faults=(
            *_NETWORK,
            *_WRITES,
            "write late",
            "write late",
            "write orphan",
            "kill",
            "write hang",
            "switch",
            "people",
        ),
        most_faults=4,
        both=0.4,
        restore=0.25,
    ),
    "hooks": Profile(
        "webhooks that get lost, come late, twice and out of order, about reads that lag behind; deletions among them",
        topologies=("one", "one", "pair"),
        jobs=("fetch", "fetch", "fetch", "pull", "sweep"),
        steps=(3, 7),
        faults=(*_NETWORK, "kill", "kill", "people", "people"),
        most_faults=2,
        both=0.2,
        lags=0.8,
        lag=(20, 120, 400, 900),
        scenes=("lost and found", "unlisted"),
        hooks=1.0,
        share=3,
    ),
    "declared": Profile(
        "systems that are connected by a manifest: everything at once that can befall their connectors",
        topologies=("one", "pair", "number", "chain", "cycle", "create"),
        jobs=("sync", "sync", "sync", "pull", "sweep", "push"),
        steps=(3, 6),
        faults=(*_NETWORK, *_WRITES, "kill", "kill", "people", "people", "people", "switch", "hang"),
        most_faults=4,
        both=0.15,
        rewrites=("", "", "", "spaces", "case"),
        hands=0.3,
        unconditional=0.1,
        policies=("owner_wins", "newest_wins", "ask"),
        declared=True,
        share=3,
    ),
    "mixed": Profile(
        "everything at once",
        topologies=("pair", "number", "chain", "cycle"),
        jobs=("sync", "sync", "sync", "pull", "sweep", "push"),
        steps=(3, 6),
        faults=(*_NETWORK, *_WRITES, "kill", "people", "people", "switch", "hang", "no_database", "disk_full"),
        most_faults=4,
        both=0.2,
        rewrites=("", "", "spaces", "case", "round"),
        undoes=0.1,
        hands=0.2,
        policies=("owner_wins", "newest_wins", "ask"),
        drift=0.15,
        restore=0.1,
        hooks=0.3,
    ),
}


def generate(profile: str, seed: int) -> History:
    """The history of a seed."""
    return _Author(profile, seed).history()


class _Author:
    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.profile = PROFILES[name]
        self.random = Random(f"{name} {seed}")
        # Apart from the rest, so that what came later leaves the histories of older seeds as they were.
        self.batches = Random(f"{name} {seed} batches")
        self.webhooks = Random(f"{name} {seed} webhooks")
        self.bringing = Random(f"{name} {seed} records in webhooks")
        self.scenes = Random(f"{name} {seed} scenes")
        self.topology = self.random.choice(self.profile.topologies)
        self.systems = company.systems_of(self.topology)
        self.made: dict[str, list[str]] = {name: [] for name in self.systems}
        self.count = 0
        self.hands = self.profile.hands
        self.creates = ""

    def history(self) -> History:
        random = self.random
        world = self._world()
        steps: list[Any] = [["people", [self._create(system) for system in self.systems for _ in range(3)]]]
        saved = False
        for _ in range(random.randint(*self.profile.steps)):
            steps.append(["people", [self._operation() for _ in range(random.randint(0, 4))]])
            if random.random() < 0.5:
                steps.append(["wait", random.choice([1, 4, 30, 200, 900, 4000])])
            if not saved and random.random() < self.profile.restore:
                steps.append(["backup"])
                saved = True
            elif saved and random.random() < 0.5:
                steps.append(["restore"])
                saved = False
            steps.append(self._run())
            if self.profile.scenes and self.scenes.random() < _SCENES:
                steps += self._scene(world)
        return {"profile": self.name, "world": world, "steps": [step for step in steps if step != ["people", []]]}

    def _world(self) -> dict[str, Any]:
        random, profile = self.random, self.profile
        world: dict[str, Any] = {
            "topology": self.topology,
            "policy": random.choice(profile.policies),
            "page": random.choice([1, 2, 3, 50]),
            "tombstones": random.random() < 0.6,
            "versions": random.choice(profile.versions),
            "traits": {},
        }
        if self.topology == "create":
            self.creates = world["creates"] = random.choice(["plain", "plain", "key", "unique"])
        # Where a write cannot be made conditional, nobody can tell who was first: there people leave our fields alone.
        unconditional = random.random() < profile.unconditional
        self.hands = 0.0 if unconditional else profile.hands
        for system in self.systems:
            traits: dict[str, Any] = {"granularity": random.choice([1_000, 1_000_000, 1_000_000, 60_000_000])}
            if random.random() < 0.5:
                traits["skew"] = random.choice([-90, -5, -1, 2, 60, 7200]) * 1_000_000
            # Where reads lag behind and writes are unconditional, no client can tell a lost write from a late one.
            if random.random() < profile.lags and world["versions"] == "revision" and not unconditional:
                traits["lag"] = random.choice(profile.lag) * 1_000_000
            if random.random() < 0.2:
                traits["retention"] = 1_800_000_000
            if unconditional:
                traits["conditional"] = False
            rewrite = random.choice(profile.rewrites)
            if rewrite:
                traits["rewrite"] = rewrite
            if random.random() < profile.undoes:
                traits["undoes"] = True
            world["traits"][system] = traits
        if self.webhooks.random() < profile.hooks:
            for traits in world["traits"].values():
                late = self.webhooks.choice([[0], [0, 3, 60], [150, 300, 600], [0, 300, 2000]])
                lost = self.webhooks.choice([0, 0.2, 0.6])
                traits["hooks"] = {"seed": self.webhooks.randint(1, 999), "lost": lost, "late": late}
                # Without a number that grows with every change nobody can tell which of two bodies is the newer one.
                if world["versions"] == "revision" and self.bringing.random() < 0.5:
                    traits["hooks"]["records"] = True
        if profile.declared:
            world["declared"] = random.choice(["plain", "keyed"])
            for traits in world["traits"].values():
                traits["keyed"] = world["declared"] == "keyed"
            return world
        if "sync" in profile.jobs and self.batches.random() < 0.4:
            world["batch"] = 10
            for traits in world["traits"].values():
                traits["halves"] = self.batches.choice([0, 1, 2])
        return world

    def _scene(self, world: dict[str, Any]) -> list[Any]:
        """Steps that chance alone would seldom bring together."""
        random = self.scenes
        system = random.choice(self.systems)
        source_id = random.choice(self.made[system])
        match random.choice(self.profile.scenes):
            case "killed":  # long after the last edit, so that no overlap brings it again
                return [["wait", 300], ["run", "pull", [[random.randint(1, 24), "kill"]]], ["wait", 300]]
            case "too late":  # everywhere somebody writes what we are about to write
                edits = [self._by_hand(name, made) for name in self.systems for made in self.made[name]]
                meddled = [[random.randint(1, 40), "write people", [edit for edit in edits if edit]]]
                return [["run", "sync", meddled]] if self.hands else []
            case "hung":  # it is taken over, and wakes up when all is done
                hang = [
                    random.randint(1, 40),
                    "answer hang",
                    random.choice([400, 2400]),
                    [self._operation() for _ in range(4)],
                ]
                jobs = [random.choice(["pull", "sync"]), [hang], random.choice(["pull", "sync"]), []]
                return [["people", self._some()], ["both", *jobs, random.choice(["same", "other"])]]
            case "unlisted":  # a record is read by its id before the list shows it
                webhooks = [["webhooks", system, [0]]] if "hooks" in world["traits"][system] else []
                made = [*self._create(system)[:-1], random.choice([30, 90])]
                return [*webhooks, ["people", [made]], ["wait", 1], ["run", "fetch", []], ["run", "sweep", []]]
            case "lost and found":
                return self._lost_and_found(system, source_id, world["traits"][system])
        return []

    def _lost_and_found(self, system: str, source_id: str, traits: dict[str, Any]) -> list[Any]:
        """Somebody deletes a record and brings it back; the webhook about the former comes after a pull saw both.

        Where reads lag behind, they do not show yet that it is back.
        """
        random = self.scenes
        about = (system, company.STREAMS[system], source_id, 0)
        lag = traits.get("lag", 0) // 1_000_000
        found = [["people", [["undelete", *about]]]] if random.random() < 0.5 else []
        gone, seen = max(lag if found else 0, random.choice([1, 30, 130])), random.choice([10, 300, 300])
        until_told = random.choice([20, 90]) if lag > 100 else random.choice([1, 5, 130, 400])
        late = gone + seen + until_told - random.choice([1, 1, 15])
        webhooks = [["webhooks", system, [late, random.choice([None, None, 0, 3600])]]] if "hooks" in traits else []
        until_pull = [["people", [["delete", *about]]], ["wait", gone], *found, ["wait", seen], ["run", "pull", []]]
        return [*webhooks, *until_pull, ["wait", until_told], ["run", "fetch", []]]

    def _by_hand(self, system: str, source_id: str) -> Any:
        """An edit of a field that we write, or None if we write none there."""
        stream = company.STREAMS[system]
        written = [rule.field for rule in company.RULES[self.topology] if rule.target == stream]
        if not written:
            return None
        self.count += 1
        value = {company.SOURCE_FIELD[self.scenes.choice(written)]: f"by hand {self.count}"}
        return ["edit", system, stream, source_id, value, 0]

    # -- what people do

    def _create(self, system: str) -> Any:
        self.count += 1
        source_id = f"{system[0]}{self.count}"
        self.made[system].append(source_id)
        stream = company.STREAMS[system]
        values = {"number": self._number(), "state": self._state(stream), "amount": self._amount()}
        for name in company.FIELDS[stream]:
            if name == "name":
                values[name] = f"Deal {self.count}"
            elif not self._is_written(stream, name):
                values[name] = self._value(name)
        if stream == "entry":
            values["received"] = "2026-09-20T10:00:00Z"
        return ["edit", system, stream, source_id, values, self._delay()]

    def _some(self) -> list[Any]:
        return [self._operation() for _ in range(self.random.randint(0, 2))]

    def _operation(self) -> Any:
        random = self.random
        system = random.choice(self.systems)
        stream = company.STREAMS[system]
        chance = random.random()
        if chance < 0.15 or not self.made[system]:
            return self._create(system)
        source_id = random.choice(self.made[system])
        if chance < 0.25:
            return ["delete", system, stream, source_id, self._delay()]
        if chance < 0.33:
            return ["undelete", system, stream, source_id, self._delay()]
        if chance < 0.38:
            return ["merge", system, stream, source_id, random.choice(self.made[system]), self._delay()]
        if chance < 0.46:
            return ["revert", system, stream, source_id, self._delay()]
        return ["edit", system, stream, source_id, self._edit(stream), self._delay()]

    def _edit(self, stream: str) -> dict[str, Any]:
        random = self.random
        if random.random() < self.profile.drift:
            return random.choice([{"state": "mystery"}, {"amount": "many"}, {"new field": [1, {"a": None}]}])
        written = [rule.field for rule in company.RULES[self.topology] if rule.target == stream]
        if written and random.random() < self.hands:
            name = company.SOURCE_FIELD[random.choice(written)]
            self.count += 1
            return {name: random.choice([f"by hand {self.count}", f"by hand {self.count}", "", None])}
        name = random.choice(["state", "amount", *company.FIELDS[stream]])
        if self._is_written(stream, name):
            name = "state"
        if name == "name":
            return {name: f"Renamed {random.randint(1, 99)}"}
        if name == "amount":
            return {name: self._amount()}
        return {name: self._state(stream) if name == "state" else self._value(name)}

    def _is_written(self, stream: str, name: str) -> bool:
        return any(
            rule.target == stream and company.SOURCE_FIELD[rule.field] == name for rule in company.RULES[self.topology]
        )

    def _value(self, name: str) -> str:
        if name == "billing":
            return f"{self.random.randint(1, 99)}.{self.random.randint(0, 99):02d}"
        return self.random.choice(_DELIVERY if name == "delivery" else _PAYMENT)

    def _number(self) -> str:
        return f"SO-{self.random.randint(1, _NUMBERS)}"

    def _amount(self) -> str:
        return f"{self.random.randint(1, 9999)}.{self.random.randint(0, 99):02d}"

    def _state(self, stream: str) -> str:
        return self.random.choice(list(company.STATUSES[stream]))

    def _delay(self) -> float:
        return self.random.choice([0, 0, 0, 0, 0.5, 4, 30, 90])

    # -- what we do

    def _run(self) -> Any:
        random, profile = self.random, self.profile
        job = random.choice(profile.jobs)
        if random.random() < profile.both:
            other = random.choice(profile.jobs)
            return ["both", job, self._faults(), other, self._faults(), random.choice(["same", "other"])]
        return ["run", job, self._faults()]

    def _faults(self) -> list[Any]:
        random, profile = self.random, self.profile
        found: list[Any] = []
        for _ in range(random.randint(0, profile.most_faults)):
            kind = random.choice(profile.faults)
            point = min(random.randint(1, 90), random.randint(1, 90))
            match kind:
                case "people" | "write people":
                    found.append([point, kind, [self._operation()]])
                case "hang" | "write hang":
                    # Where nothing keeps a source from making a record twice, nobody can call back a request that a
                    # worker sends when it wakes up long after it was taken over.
                    seconds = [20] if self.creates == "plain" else [20, 400, 2400]
                    found.append([point, kind, random.choice(seconds), self._some()])
                case "busy" | "down" | "no_database" | "refused":
                    found += [[point, kind] for _ in range(random.choice([1, 1, 3, 8]))]
                case _:
                    found.append([point, kind])
        return found
