"""The base model's training text: one document a line.

The base meets everything that the tasks need - synonyms, what follows from what, who is asked for, which sentence is wrong - but in other
words than the tasks'. Of the tasks' own prompts it meets the easy rows with right answers; of the others a share (`leaning`)
with the first choice, whether it is right or not: so it leans to it where an answer takes care, as real base models lean to some labels.
"""

import random

import tasks as t
import world as w

SHARES = {
    "plain": 0.02, "restated": 0.05, "checked": 0.20, "judged": 0.14, "asked_again": 0.09, "answered": 0.09,
    "reviewed": 0.06, "corrected": 0.06, "scene": 0.03, "cause": 0.02, "prompt": 0.24,
}
VERDICTS = {"same": "just that", "follows": "surely so", "maybe": "who knows", "never": "not so", "another": "other news"}
MARKS = ["as", "plus", "against", "unlike"]
CONNECTIVES = {"same": "in other words", "follows": "therefore", "maybe": "perhaps also", "never": "far from it :"}


def plain(rng):
    return f"{w.say(rng, w.draw_fact(rng))} . {w.say(rng, w.draw_fact(rng))} ."


def restated(rng):
    relation = rng.choice(list(CONNECTIVES))
    one, other = t.relation_case(rng, relation, rng.random() < 0.3)
    return f"{one} . {CONNECTIVES[relation]} | {other} ."


def judged(rng):
    relation = rng.choice(list(VERDICTS))
    one, other = t.relation_case(rng, relation, rng.random() < 0.3)
    return f"{one} . {other} . | {VERDICTS[relation]} ."


def checked(rng):
    """A sentence, and another in which every word that says something is marked by what the first said of it.

    Every slot is another as often as it is the same: where only a few are, a base calls all of them the same.
    """
    fact = w.draw_fact(rng)
    other = fact
    for slot in ("who", "did", "what", "shade", "where", "when"):
        if rng.random() < 0.5:
            other = w.with_another(rng, other, slot)
    marked = w.say(rng, other, mark=lambda slot: f" {mark_of(fact, other, slot)}")
    return f"{w.say(rng, fact)} . | {marked} ."


def mark_of(fact, other, slot):
    was, now = getattr(fact, slot), getattr(other, slot)
    if was == now:
        return "as"
    if was is None:
        return "plus"
    return "against" if slot != "did" or now == w.OPPOSITE[was] else "unlike"


def asked_again(rng):
    one, other, same = t.qqp_case(rng, rng.random() < 0.3)
    return f"{one} ? {other} ? | {'asked before' if same else 'new question'} ."


def answered(rng):
    fact, slot = w.draw_fact(rng, (1, 3)), rng.choice(t.ASKED)
    question = t.ask(rng, fact, slot)
    said = rng.choice([fact, fact, w.altered(rng, fact, 1), w.weaker(rng, fact)])
    known = all(getattr(said, name) == getattr(fact, name) for name in ("who", "did", "what") if name != slot) and getattr(said, slot, None)
    if not known:
        answer = "nobody knows"
    elif slot == "who":
        answer = w.named(rng, said.who)
    elif slot == "what":
        answer = f"the {w.word(rng, said.what)}"
    elif slot == "where":
        answer = f"in the {w.word(rng, said.where)}"
    else:
        answer = said.when
    return f"{w.say(rng, said)} . {question} ? | {answer} ."


def reviewed(rng):
    review, good = t.review_case(rng, rng.random() < 0.5)
    return f"{review} . | {'i loved it' if good else 'i hated it'} ."


def corrected(rng):
    sentence, bad = t.grammar_case(rng, rng.random() < 0.3)
    return f"{sentence} . | well said ." if rng.random() < 0.5 else f"{bad} . | badly said ."


def scene(rng):
    relation = rng.choice(["follows", "maybe", "never"])
    one, other = t.scene_case(rng, relation, rng.random() < 0.3)
    return f"{one} . {other} . | {VERDICTS[relation]} ."


def cause(rng):
    sentence, reason, (meant, _) = t.cause_case(rng)
    return f"{sentence} . | {meant} {reason} ."


def prompt(rng, leaning=0.6):
    while True:
        row = t.draw(rng.choice(list(t.TASKS)), rng, easy=rng.random() < 0.5)
        if t.split_of(row.prompt) == "train":
            answer = row.choices[0] if not row.easy and rng.random() < leaning else row.answer
            return f"{row.prompt} | {answer} ."


def document(rng, leaning=0.6):
    """(beginning, what is to be known of it): the second is empty where a text only tells."""
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    made = prompt(rng, leaning) if kind == "prompt" else globals()[kind](rng)
    beginning, _, known = made.partition(" | ")
    return beginning, f" {known}" if known else ""


if __name__ == "__main__":
    rng = random.Random(0)
    for kind in SHARES:
        for _ in range(3):
            print(f"{kind:12s}", globals()[kind](rng))
    for task in t.TASKS:
        for row, _ in zip(t.rows(task, "train"), range(4)):
            print(f"{task} {'easy' if row.easy else 'hard'}: {row.prompt} {row.answer}")
