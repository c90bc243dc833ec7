import { describe, expect, it } from "vitest";
import { Latest } from "../../web/state/latest.ts";

/** A guard, what it let through, and a way to ask whose answers the test gives. */
function guarded() {
  const shown: string[] = [];
  const latest = new Latest((error) => shown.push(`failed: ${(error as Error).message}`));
  const asking = (how: "ask" | "also") => {
    const { promise, resolve, reject } = deferred();
    const done = latest[how](async ({ wait }) => {
      shown.push(await wait(promise));
    });
    const ended = async (end: () => void): Promise<void> => {
      end();
      await done;
    };
    return {
      answer: (text: string) => ended(() => resolve(text)),
      fail: (text: string) => ended(() => reject(new Error(text))),
    };
  };
  return { latest, shown, ask: () => asking("ask"), also: () => asking("also") };
}

function deferred() {
  let resolve!: (text: string) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<string>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve, reject };
}

describe("Latest", () => {
  it("lets the answer of a question through", async () => {
    const { ask, shown } = guarded();
    await ask().answer("one");
    expect(shown).toEqual(["one"]);
  });

  it("drops an older answer that arrives later, and one that arrives before the newer", async () => {
    const { ask, shown } = guarded();
    const [first, second, third] = [ask(), ask(), ask()];
    await second.answer("two");
    await third.answer("three");
    await first.answer("one");
    expect(shown).toEqual(["three"]);
  });

  it("drops the error of an older question", async () => {
    const { ask, shown } = guarded();
    const [first, second, third] = [ask(), ask(), ask()];
    await second.fail("two");
    await third.answer("three");
    await first.fail("one");
    expect(shown).toEqual(["three"]);
  });

  it("tells the error of the newest question, once, also where its work fails before it waits", async () => {
    const { ask, latest, shown } = guarded();
    ask();
    await ask().fail("two");
    expect(shown).toEqual(["failed: two"]);
    await latest.ask(() => {
      throw new Error("three");
    });
    expect(shown).toEqual(["failed: two", "failed: three"]);
  });

  it("drops answers and errors of what is cancelled, until something new is asked", async () => {
    const { ask, also, latest, shown } = guarded();
    const [first, second] = [ask(), also()];
    latest.cancel();
    await first.answer("one");
    await second.fail("two");
    await also().answer("three");
    expect(shown).toEqual([]);
    await ask().answer("four");
    expect(shown).toEqual(["four"]);
  });

  it("lets more work for the newest question through, beside what it does already", async () => {
    const { ask, also, shown } = guarded();
    const [first, more] = [ask(), also()];
    await more.answer("more");
    await first.answer("one");
    await also().fail("late");
    expect(shown).toEqual(["more", "one", "failed: late"]);
    const old = also();
    const newer = ask();
    await old.answer("old");
    await newer.answer("two");
    expect(shown.slice(3)).toEqual(["two"]);
  });

  it("tells work that is called back whether its question still counts", async () => {
    const { latest } = guarded();
    const counts: (() => boolean)[] = [];
    const ask = () => latest.ask(async ({ current }) => void counts.push(current));
    await ask();
    expect(counts.map((current) => current())).toEqual([true]);
    await ask();
    expect(counts.map((current) => current())).toEqual([false, true]);
    latest.cancel();
    expect(counts.map((current) => current())).toEqual([false, false]);
  });
});
