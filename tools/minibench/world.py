"""The small world that all of minibench's text speaks of: words with their synonyms, opposites and kinds, and facts made of them.

A fact is who did what to which thing, where and when. It is said in many ways (synonyms, active or passive, time first or last),
and altered in ways whose meaning is known: the same, less said, more said, the opposite, another.
"""

from dataclasses import dataclass, replace

NAMES = "anna clara emma grace iris kate mary olga ben david frank henry jack liam noah paul".split()
ROLES = [
    ("teacher", "tutor"), ("doctor", "physician"), ("lawyer", "attorney"), ("pilot", "aviator"),
    ("singer", "vocalist"), ("thief", "robber"), ("farmer", "grower"), ("soldier", "fighter"),
]
THINGS = {
    "vehicle": [("car", "automobile"), ("boat", "ship"), ("bike", "bicycle")],
    "garment": [("coat", "jacket"), ("hat", "cap"), ("shirt", "blouse")],
    "building": [("house", "home"), ("shop", "store"), ("barn", "shed")],
    "container": [("cup", "mug"), ("bag", "sack"), ("box", "crate")],
    "artwork": [("picture", "image"), ("statue", "sculpture"), ("vase", "urn")],
}
OPPOSITES = [
    (("bought", "purchased"), ("sold", "traded")),
    (("fixed", "repaired"), ("damaged", "harmed")),
    (("found", "discovered"), ("lost", "misplaced")),
    (("opened", "unlocked"), ("closed", "shut")),
    (("lifted", "raised"), ("dropped", "lowered")),
    (("cleaned", "washed"), ("soiled", "stained")),
    (("built", "constructed"), ("destroyed", "wrecked")),
    (("praised", "applauded"), ("blamed", "criticized")),
]
ADJECTIVES = [
    [("big", "large"), ("small", "tiny")],
    [("old", "ancient"), ("new", "modern")],
    [("cheap", "inexpensive"), ("costly", "expensive")],
    [("red",), ("blue",), ("green",)],
]
PLACES = [("garden", "yard"), ("forest", "woods"), ("market", "bazaar"), ("station", "depot"), ("city", "town"), ("valley", "glen")]
TIMES = ["on monday", "on friday", "on sunday", "in spring", "in summer", "in winter"]

PEOPLE = [(name,) for name in NAMES] + ROLES
VERBS = [verb for pair in OPPOSITES for verb in pair]
OPPOSITE = {verb: other for pair in OPPOSITES for verb, other in (pair, pair[::-1])}
THING_LIST = [thing for things in THINGS.values() for thing in things]
KIND = {thing: kind for kind, things in THINGS.items() for thing in things}
SHADES = [shade for group in ADJECTIVES for shade in group]
RIVALS = {shade: [other for other in group if other != shade] for group in ADJECTIVES for shade in group}


@dataclass(frozen=True)
class Fact:
    who: tuple
    did: tuple
    what: tuple
    shade: tuple | None = None
    where: tuple | None = None
    when: str | None = None


def draw_fact(rng, modifiers=(0, 3)):
    """A fact with a number of modifiers (shade, place, time) between the two given."""
    chosen = rng.sample(["shade", "where", "when"], rng.randint(*modifiers))
    return Fact(
        rng.choice(PEOPLE), rng.choice(VERBS), rng.choice(THING_LIST),
        rng.choice(SHADES) if "shade" in chosen else None,
        rng.choice(PLACES) if "where" in chosen else None,
        rng.choice(TIMES) if "when" in chosen else None,
    )


def another(rng, options, taken):
    """One of the options that is not the one taken."""
    while (option := rng.choice(options)) == taken:
        pass
    return option


def word(rng, concept):
    """A word for a concept: mostly its first, so that what is meant is mostly said in the same word."""
    return concept[0] if rng.random() < 0.6 else rng.choice(concept)


def named(rng, person):
    return person[0] if person[0] in NAMES else f"the {word(rng, person)}"


def thing_words(rng, fact, kind=False, mark=lambda slot: ""):
    noun = KIND[fact.what] if kind else word(rng, fact.what)
    shade = f" {word(rng, fact.shade)}{mark('shade')}" if fact.shade else ""
    return f"the{shade} {noun}{mark('what')}"


def say(rng, fact, passive=None, kind=False, mark=lambda slot: ""):
    """A sentence of the fact, without a full stop; `kind` names the thing by its kind (a vehicle for a car), `mark` follows a slot's word."""
    who, did, what = f"{named(rng, fact.who)}{mark('who')}", f"{word(rng, fact.did)}{mark('did')}", thing_words(rng, fact, kind, mark)
    passive = rng.random() < 0.2 if passive is None else passive
    core = f"{what} was {did} by {who}" if passive else f"{who} {did} {what}"
    if fact.where:
        core += f" in the {word(rng, fact.where)}{mark('where')}"
    if fact.when is None:
        return core
    when = f"{fact.when}{mark('when')}"
    return f"{when} {core}" if rng.random() < 0.2 else f"{core} {when}"


def weaker(rng, fact):
    """A fact that follows from this one: at least one modifier less. Needs one."""
    present = [slot for slot in ("shade", "where", "when") if getattr(fact, slot)]
    dropped = rng.sample(present, rng.randint(1, len(present)))
    return replace(fact, **{slot: None for slot in dropped})


def stronger(rng, fact):
    """A fact that says one thing more than this one, so that it may be or not. Needs a modifier that is absent."""
    absent = [slot for slot in ("shade", "where", "when") if not getattr(fact, slot)]
    slot = rng.choice(absent)
    return replace(fact, **{slot: rng.choice({"shade": SHADES, "where": PLACES, "when": TIMES}[slot])})


def with_another(rng, fact, slot):
    """A fact of which one slot is another: half of the time the opposite or a rival, where the slot has any; a modifier may go or come."""
    taken = getattr(fact, slot)
    options = {"who": PEOPLE, "did": VERBS, "what": THING_LIST, "shade": [*SHADES, None], "where": [*PLACES, None], "when": [*TIMES, None]}
    if taken is not None and slot in ("did", "shade") and rng.random() < 0.5:
        return replace(fact, **{slot: OPPOSITE[taken] if slot == "did" else rng.choice(RIVALS[taken])})
    return replace(fact, **{slot: another(rng, options[slot], taken)})


def opposite(rng, fact):
    """A fact that cannot be together with this one: the opposite was done, or a modifier is another."""
    ways = ["did", "did"] + [slot for slot in ("shade", "where", "when") if getattr(fact, slot)]
    way = rng.choice(ways)
    if way == "did":
        return replace(fact, did=OPPOSITE[fact.did])
    if way == "shade":
        return replace(fact, shade=rng.choice(RIVALS[fact.shade]))
    if way == "where":
        return replace(fact, where=another(rng, PLACES, fact.where))
    return replace(fact, when=another(rng, TIMES, fact.when))


def altered(rng, fact, slots):
    """A fact about something else: so many of who, what was done and to what are others, without saying the opposite."""
    options = {"who": PEOPLE, "did": VERBS, "what": THING_LIST}
    for slot in rng.sample(list(options), slots):
        taken = getattr(fact, slot)
        choices = [option for option in options[slot] if slot != "did" or option != OPPOSITE[taken]]
        fact = replace(fact, **{slot: another(rng, choices, taken)})
    return fact


# Scenes: what a picture shows. Another corner of the world, for the unseen task snli.
FOLK = {"man": "person", "woman": "person", "boy": "child", "girl": "child"}
ACTS = [
    ("is playing", "the guitar", "an instrument"), ("is playing", "the piano", "an instrument"),
    ("is eating", "an apple", "fruit"), ("is eating", "a banana", "fruit"),
    ("is walking", "a dog", "an animal"), ("is feeding", "a horse", "an animal"),
    ("is reading", "a novel", "a text"), ("is holding", "a camera", "a device"),
]
STILL = ["is sleeping", "is resting"]
SPOTS = ["on a bench", "near a fence", "by a lake", "under a tree"]
WEAR = ["in a red coat", "in a green shirt", "in a blue hat"]

# Causes: who is meant by the second half. For the unseen task wnli.
CAUSES = [  # verb, reason, whether the first person is the one of whom the reason speaks
    ("thanked", "had helped", False), ("helped", "was in need", False), ("paid", "had worked", False),
    ("feared", "was angry", False), ("comforted", "was sad", False), ("admired", "was brave", False),
    ("called", "wanted to talk", True), ("visited", "felt lonely", True), ("asked", "did not know", True),
    ("followed", "was curious", True), ("told", "had seen it", True), ("bored", "talked too long", True),
]

# Reviews.
WORKS = [("film", "movie"), ("story", "tale"), ("song", "tune"), ("book", "volume"), ("show", "play"), ("meal", "dish")]
GOOD = "great lovely brilliant moving charming funny clever fresh superb warm delightful gripping".split()
BAD = "awful dull clumsy boring weak stale silly dreadful bland tedious cold messy".split()
