import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../src/adapter/adapter.ts";
import { PEFT_TYPES } from "../src/adapter/shown-method.ts";
import { writerOf } from "../src/convert/convert.ts";
import { WRITTEN_FORMATS, type WrittenFormat } from "../src/convert/formats.ts";
import { LoraLegoError } from "../src/core/errors.ts";
import { isLoraLike } from "../src/formats/peft-folder/lora-like-config.ts";
import { openAdapterPath } from "../src/node/input/adapter-path.ts";
import { makePlan } from "../src/plan/plan.ts";
import { ALONE, openCase } from "./support/peft-cases.ts";

const SHARED = fileURLToPath(new URL("../../shared", import.meta.url));
const WEIGHTS = /\.(safetensors|bin|pt|gguf)$/;

/** Every folder that holds weights or a config, and every file of weights that is not the only one of its folder. */
function inputsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !/^(bases|models)$/.test(name));
  const inside = names.filter((name) => statSync(join(folder, name)).isDirectory());
  const weights = names.filter((name) => WEIGHTS.test(name));
  const own = weights.length > 0 || names.includes("adapter_config.json") ? [folder] : [];
  const files = weights.length > 1 ? weights.map((name) => join(folder, name)) : [];
  return [...own, ...files, ...inside.flatMap((name) => inputsIn(join(folder, name)))];
}
const INPUTS = ["cases", "corpus"].flatMap((name) => inputsIn(join(SHARED, name)));

/** What came of an attempt: nothing to say, or the message of its refusal. */
type Outcome = string | null;

async function outcomeOf(attempt: () => unknown): Promise<Outcome> {
  try {
    await attempt();
    return null;
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    return error.message;
  }
}

/** Merging an adapter with itself, and writing it in every format. */
async function outcomesOf(adapter: Adapter): Promise<Map<string, Outcome>> {
  const outcomes = new Map([["merge", await outcomeOf(() => makePlan([adapter, adapter], { method: "cat" }))]]);
  for (const id of WRITTEN_FORMATS) {
    outcomes.set(id, await outcomeOf(async () => (await writerOf(id)).convert(adapter, null)));
  }
  return outcomes;
}

/** The way out that a refusal names: what follows its last semicolon. */
function wayOut(message: string): string {
  return message.includes(";") ? message.slice(message.lastIndexOf(";") + 1) : "";
}

/** Formats that a way out names instead. */
function advised(message: string): WrittenFormat[] {
  return WRITTEN_FORMATS.filter((id) => new RegExp(`\\b${id}\\b`).test(wayOut(message)));
}

/** Whether a way out asks for something else than another format: another input, an option, another command, training again. */
const ELSEWHERE =
  /\b(pass|save|train|retrain|keep|add|leave|remove|download|copy|repair|fuse|choose|use)\b|lora-lego (merge|fuse|resize|extract)|--from-init|convert --base/;

/** A command to copy, whatever formats it names. */
const COMMAND = /lora-lego merge \S+ .*--out /;

/** Whether a refusal leads to something that works, or out of what was tried here. */
function leadsOn(id: string, outcomes: ReadonlyMap<string, Outcome>, before: readonly string[] = []): boolean {
  const message = outcomes.get(id)!;
  if (message === null) return true;
  const others = advised(message);
  if (COMMAND.test(wayOut(message))) return true;
  if (/\bmerge it into a folder\b/.test(wayOut(message))) return outcomes.get("merge") === null;
  if (others.length === 0) return ELSEWHERE.test(wayOut(message));
  return others.some((next) => !before.includes(next) && leadsOn(next, outcomes, [...before, id]));
}

function isOneSentence(message: string): boolean {
  return !message.includes("\n") && message.endsWith(".") && !/[a-z)"]\. [A-Z]/.test(message);
}

describe.skipIf(INPUTS.length === 0)(`all inputs (skipped where ${SHARED} is absent)`, () => {
  it.each(INPUTS.map((path) => [relative(SHARED, path), path]))(
    "%s opens, or is refused with a way out",
    async (_, path) => {
      let opened: Awaited<ReturnType<typeof openAdapterPath>> | undefined;
      const refusal = await outcomeOf(async () => {
        opened = await openAdapterPath(path);
      });
      if (opened === undefined) {
        expect(isOneSentence(refusal!), refusal!).toBe(true);
        expect(wayOut(refusal!), refusal!).toMatch(ELSEWHERE);
        return;
      }
      try {
        const outcomes = await outcomesOf(opened.adapter);
        for (const [id, message] of outcomes) {
          if (message === null) continue;
          expect(isOneSentence(message), message).toBe(true);
          expect(leadsOn(id, outcomes), `${id}: ${message}`).toBe(true);
        }
      } finally {
        opened.close();
      }
    },
  );

  it("are many", () => {
    expect(INPUTS.length).toBeGreaterThan(100);
  });
});

describe("methods of PEFT", () => {
  const open = (method: string): Promise<Adapter> =>
    openCase({
      config: { peft_type: method, target_modules: ["q"] },
      tensors: { [`base_model.model.q.${method.toLowerCase()}_x`]: [[1]] },
    });

  it.each([...PEFT_TYPES, "BONE", "A_NEW_ONE"].filter((method) => method !== "LORA"))(
    "%s is read, or refused by name in one sentence with a way out",
    async (method) => {
      const [variant] = (await open(method)).variants;
      const refusal = `it ${variant!.text}`;
      expect(refusal).toContain(`peft_type "${method}"`);
      expect(isOneSentence(refusal), refusal).toBe(true);
      expect(wayOut(refusal), refusal).toMatch(ELSEWHERE);
      // A method that is read lacks its tensors here, or says what it needs.
      if (isLoraLike(method)) expect(refusal).toMatch(/but no tensors of that method|convert --base DIR/);
      else if (method !== "A_NEW_ONE") expect(refusal).toMatch(/", which /);
    },
  );

  it.each(ALONE.map((each) => [each.name, each] as const))("%s goes on to a format", async (_, each) => {
    const outcomes = await outcomesOf(await openCase(each));
    expect(outcomes.get("merge")).toBeNull();
    for (const id of outcomes.keys()) expect(leadsOn(id, outcomes), `${id}: ${outcomes.get(id)}`).toBe(true);
  });
});

it("a refusal that leads back to itself, or nowhere, would be noticed", () => {
  const circle = new Map<string, Outcome>([
    ["kohya", "a: no place; convert it to diffusers."],
    ["diffusers", "a: no place; convert it to kohya."],
    ["mlx", "a: no place; convert it to peft or kohya."],
    ["gguf", "a: no place."],
    ["peft", null],
  ]);
  expect([...circle.keys()].map((id) => leadsOn(id, circle))).toEqual([false, false, true, false, true]);
});
