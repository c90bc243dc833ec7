"""The nine tasks of minibench, after those of the paper: seven seen in training, two unseen (snli, wnli).

A row is a prompt, the words to choose from and the right one. Each task mixes rows that show their answer on the surface
(`easy`: the base model knows them) with rows that do not. Train, dev and test rows never share a prompt: a checksum of the prompt
decides where it belongs.
"""

import random
import zlib
from dataclasses import dataclass

import world as w

SEEN = ("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2")
UNSEEN = ("snli", "wnli")
YES_NO = ("yes", "no")
THREE = ("yes", "maybe", "no")
EASY_SHARE = 0.2


@dataclass(frozen=True)
class Row:
    task: str
    prompt: str
    choices: tuple
    answer: str
    easy: bool


def split_of(prompt):
    """test for a tenth of all prompts, dev for another, train for the rest."""
    return {0: "test", 1: "dev"}.get(zlib.crc32(prompt.encode()) % 10, "train")


# --- one sentence ---

def cola(rng, easy):
    good = rng.random() < 0.5
    sentence, bad = grammar_case(rng, easy)
    return f"sentence : {sentence if good else bad} . acceptable ?", ("acceptable", "unacceptable"), 0 if good else 1


def grammar_case(rng, easy):
    """A good sentence and the same spoilt: in an easy row several words change places, in another one word is wrong."""
    sentence = w.say(rng, w.draw_fact(rng, (0, 2)), passive=False if easy else None)
    words = sentence.split()
    if easy:
        while (mixed := rng.sample(words, len(words))) == words or " ".join(mixed[:2]) == " ".join(words[:2]):
            pass
        return sentence, " ".join(mixed)
    ways = [spoil_article, spoil_order, spoil_double, spoil_gap]
    while True:
        spoilt = rng.choice(ways)(rng, list(words))
        if spoilt is not None and spoilt != words:
            return sentence, " ".join(spoilt)


def spoil_article(rng, words):
    places = [i for i, word in enumerate(words[:-1]) if word == "the"]
    if not places:
        return None
    i = rng.choice(places)
    words[i], words[i + 1] = words[i + 1], words[i]
    return words


def spoil_order(rng, words):
    i = rng.randrange(len(words) - 1)
    words[i], words[i + 1] = words[i + 1], words[i]
    return words


def spoil_double(rng, words):
    i = rng.randrange(len(words))
    return words[: i + 1] + words[i:]


def spoil_gap(rng, words):
    verbs = {word for verb in w.VERBS for word in verb} | {"the"}
    i = rng.choice([i for i, word in enumerate(words) if word in verbs])
    return words[:i] + words[i + 1 :]


def sst2(rng, easy):
    review, good = review_case(rng, easy)
    return f"review : {review} . feeling ?", ("positive", "negative"), 0 if good else 1


def review_case(rng, easy):
    """A review and whether it is good. An easy one says so plainly; another negates, or takes back what it says first."""
    good = rng.random() < 0.5
    work = rng.choice(rng.choice(w.WORKS))
    plus, minus = (w.GOOD, w.BAD) if good else (w.BAD, w.GOOD)
    very = rng.choice(["", "very ", "truly "])
    if easy:
        forms = [
            f"the {work} was {very}{rng.choice(plus)} and {rng.choice(plus)}",
            f"a {rng.choice(plus)} {work} with a {rng.choice(plus)} ending",
            f"i found the {work} {very}{rng.choice(plus)}",
        ]
    else:
        forms = [
            f"the {work} was not {very}{rng.choice(minus)}",
            f"the {work} was {rng.choice(minus)} at first but {very}{rng.choice(plus)} in the end",
            f"i hoped for a {rng.choice(minus)} {work} and got a {rng.choice(plus)} one",
            f"though {rng.choice(minus)} in parts the {work} was {very}{rng.choice(plus)}",
        ]
    return rng.choice(forms), good


# --- two sentences ---

def relation_case(rng, relation, easy):
    """Two sentences of which the second is the same as, follows from, may be or contradicts the first, or is another.

    In an easy pair that agrees the second repeats the first or a part of it word by word; in an easy pair that does not, the opposite is
    said in the same words, or more is said.
    """
    fact, other = fact_pair(rng, relation, easy)
    if not easy:
        return w.say(rng, fact), w.say(rng, other, kind=relation == "follows" and rng.random() < 0.3)
    state = rng.randrange(1 << 30)
    return w.say(random.Random(state), fact, passive=False), w.say(random.Random(state), other, passive=False)


def fact_pair(rng, relation, easy):
    modifiers = {"same": (0, 2), "follows": (1, 3), "maybe": (0, 2), "never": (0, 2), "another": (0, 2)}[relation]
    fact = w.draw_fact(rng, modifiers)
    other = {
        "same": lambda: fact,
        "follows": lambda: w.weaker(rng, fact),
        "maybe": lambda: w.stronger(rng, fact),
        "never": lambda: w.opposite(rng, fact),
        "another": lambda: w.altered(rng, fact, 3 if easy else 1),
    }[relation]()
    return fact, other


def mnli(rng, easy):
    relation = rng.choice(["follows", "maybe", "never"])
    one, other = relation_case(rng, relation, easy)
    return f"premise : {one} . hypothesis : {other} . true ?", THREE, ["follows", "maybe", "never"].index(relation)


def rte(rng, easy):
    relation = rng.choice(["follows", "follows", "maybe", "never"])
    one, other = relation_case(rng, relation, easy)
    return f"text : {one} . claim : {other} . entailed ?", YES_NO, 0 if relation == "follows" else 1


def mrpc(rng, easy):
    relation = rng.choice(["same", "another"])
    one, other = relation_case(rng, relation, easy)
    return f"first : {one} . second : {other} . equal ?", YES_NO, 0 if relation == "same" else 1


def ask(rng, fact, slot):
    """A question after one slot of a fact; the others are given."""
    did, what = w.word(rng, fact.did), w.thing_words(rng, fact)
    who = w.named(rng, fact.who)
    place = f" in the {w.word(rng, fact.where)}" if fact.where and slot != "where" else ""
    if slot == "who":
        return f"who {did} {what}{place}"
    if slot == "what":
        return f"what was {did} by {who}{place}"
    return f"{slot} was {what} {did} by {who}"


ASKED = ["who", "what", "where", "when"]


def qqp_case(rng, easy):
    same = rng.random() < 0.5
    fact, slot = w.draw_fact(rng, (0, 1)), rng.choice(ASKED)
    if same:
        other, other_slot = fact, slot
    elif easy:
        other, other_slot = w.draw_fact(rng, (0, 1)), rng.choice(ASKED)
    elif rng.random() < 0.3:
        other, other_slot = fact, w.another(rng, ASKED, slot)
    else:
        other_slot = slot
        changed = {"who": ["did", "what"], "what": ["did", "who"]}.get(slot, ["who", "did", "what"])
        name = rng.choice(changed)
        options = {"who": w.PEOPLE, "did": w.VERBS, "what": w.THING_LIST}[name]
        other = w.replace(fact, **{name: w.another(rng, options, getattr(fact, name))})
    if easy and same:
        state = rng.randrange(1 << 30)
        return ask(random.Random(state), fact, slot), ask(random.Random(state), other, slot), same
    return ask(rng, fact, slot), ask(rng, other, other_slot), same


def qqp(rng, easy):
    one, other, same = qqp_case(rng, easy)
    return f"question : {one} ? question : {other} ? duplicate ?", YES_NO, 0 if same else 1


def qnli_case(rng, easy):
    """A question and a sentence that answers it or not: what is asked for is not said, or it is said of something else."""
    answers = rng.random() < 0.5
    slot = rng.choice(ASKED)
    needed = {"where": ["where"], "when": ["when"]}.get(slot, [])
    while True:
        fact = w.draw_fact(rng, (1, 2))
        if all(getattr(fact, name) for name in needed):
            break
    question = ask(rng, fact, slot)
    if answers:
        return question, w.say(rng, fact), True
    if easy:
        return question, w.say(rng, w.draw_fact(rng, (0, 2))), False
    if needed and rng.random() < 0.5:
        return question, w.say(rng, w.replace(fact, **{slot: None})), False
    changed = rng.choice({"who": ["did", "what"], "what": ["did", "who"]}.get(slot, ["who", "did", "what"]))
    options = {"who": w.PEOPLE, "did": w.VERBS, "what": w.THING_LIST}[changed]
    return question, w.say(rng, w.replace(fact, **{changed: w.another(rng, options, getattr(fact, changed))})), False


def qnli(rng, easy):
    question, sentence, answers = qnli_case(rng, easy)
    return f"question : {question} ? passage : {sentence} . answered ?", YES_NO, 0 if answers else 1


# --- unseen ---

def scene_case(rng, relation, easy):
    folk, (act, thing, kind) = rng.choice(list(w.FOLK)), rng.choice(w.ACTS)
    spot, wear = rng.choice(w.SPOTS), rng.choice(w.WEAR)
    scene = f"a {folk} {wear} {act} {thing} {spot}" if rng.random() < 0.5 else f"a {folk} {act} {thing} {spot}"
    if relation == "follows":
        subject = folk if easy else rng.choice([folk, w.FOLK[folk]])
        return scene, f"a {subject} {act} {thing}" if easy else rng.choice([f"a {subject} {act} {kind}", f"a {subject} {act} {thing}", f"a {subject} is {spot}"])
    if relation == "maybe":
        if wear in scene:
            scene = f"a {folk} {act} {thing} {spot}"
        return scene, rng.choice([f"a {folk} {wear} {act} {thing}", f"a {folk} {act} {thing} {rng.choice(w.TIMES)}"])
    still = rng.choice(w.STILL)
    other_act = w.another(rng, w.ACTS, (act, thing, kind))
    return scene, f"a {folk} {still} {spot}" if easy else rng.choice([f"a {folk} {still}", f"a {folk} {act} {thing} {w.another(rng, w.SPOTS, spot)}", f"a {folk} {other_act[0]} {other_act[1]} {spot}"])


def snli(rng, easy):
    relation = rng.choice(["follows", "maybe", "never"])
    scene, caption = scene_case(rng, relation, easy)
    return f"scene : {scene} . caption : {caption} . true ?", THREE, ["follows", "maybe", "never"].index(relation)


def cause_case(rng):
    """A sentence with a pronoun, what it gives as the reason, and its two people, the one who is meant first."""
    verb, reason, first = rng.choice(w.CAUSES)
    women = rng.random() < 0.5
    one, other = rng.sample(w.NAMES[:8] if women else w.NAMES[8:], 2)
    return f"{one} {verb} {other} because {'she' if women else 'he'} {reason}", reason, (one, other) if first else (other, one)


def wnli(rng, easy):
    """A wrong reading names the other person, an easy wrong one somebody who is not in the story."""
    sentence, reason, (meant, not_meant) = cause_case(rng)
    right = rng.random() < 0.5
    if easy:
        not_meant = rng.choice([name for name in w.NAMES if name not in (meant, not_meant)])
    return f"story : {sentence} . reading : {meant if right else not_meant} {reason} . entailed ?", YES_NO, 0 if right else 1


TASKS = {f.__name__: f for f in (cola, mnli, mrpc, qnli, qqp, rte, sst2, snli, wnli)}


def draw(task, rng, easy=None):
    easy = rng.random() < EASY_SHARE if easy is None else easy
    prompt, choices, answer = TASKS[task](rng, easy)
    return Row(task, prompt, choices, choices[answer], easy)


def rows(task, split, seed=0):
    """An endless stream of the task's rows of a split."""
    rng = random.Random(f"{seed} {task} {split}")
    while True:
        row = draw(task, rng)
        if split_of(row.prompt) == split:
            yield row
