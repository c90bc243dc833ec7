import type { Adapter } from "../adapter/adapter.ts";
import { CONSUMER_IDS, type Consumer, type ConsumerId, consumerById } from "../adapter/consumers.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import { type BaseFacts, configFacts } from "../analysis/base-facts.ts";
import { checkOpened } from "../analysis/check.ts";
import { LoraLegoError } from "../core/errors.ts";
import { parseModelConfig } from "../formats/model-config.ts";
import { makePlan } from "../plan/plan.ts";
import { planOutput } from "../plan/plan-output.ts";
import { plannedAdapter } from "../plan/planned-adapter.ts";
import { refuseGgufInputs } from "../plan/refuse-gguf-inputs.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { loadsSingleFile, refuseUnmade, SINGLE_FILE } from "./made-for.ts";

/** A program, and why it would not load the merge of some adapters; null where nothing is known against it. */
export interface Program {
  readonly for: ConsumerId;
  readonly title: string;
  readonly against: string | null;
}

/**
 * Refuse a merge whose result the single file that its program loads cannot hold, from headers alone.
 *
 * @throws RefusedError as `convertFor` does
 */
export async function refuseUnheld(
  adapters: readonly Adapter[],
  recipe: Recipe,
  baseConfig: AdapterText | null,
): Promise<void> {
  if (recipe.for === undefined || !loadsSingleFile(consumerById(recipe.for))) return;
  const plan = makePlan(adapters, recipe);
  await planOutput(SINGLE_FILE, { for: recipe.for }, { plan, adapters, baseConfig });
}

/** Which programs load what is merged of these adapters, from headers and configs alone. @param baseConfig of their base model, where it is known */
export async function programsFor(
  adapters: readonly Adapter[],
  baseConfig: AdapterText | null,
): Promise<readonly Program[]> {
  return Promise.all(
    CONSUMER_IDS.map(async (id) => {
      const consumer = consumerById(id);
      return { for: id, title: consumer.title, against: await whyNot(adapters, consumer, baseConfig) };
    }),
  );
}

/** Why a program would not load the merge; null also where no merge of them can be planned, for whatever reason. */
async function whyNot(
  adapters: readonly Adapter[],
  consumer: Consumer,
  baseConfig: AdapterText | null,
): Promise<string | null> {
  const recipe: Recipe = { extras: "drop", allowPartial: true };
  const asked: Recipe = { ...recipe, for: consumer.id };
  try {
    refuseGgufInputs(makePlan(adapters, recipe), adapters);
  } catch (error) {
    if (error instanceof LoraLegoError) return null;
    throw error;
  }
  try {
    refuseUnmade(asked);
    await refuseUnheld(adapters, asked, baseConfig);
    if (loadsSingleFile(consumer)) return null;
    const merged = await plannedAdapter("the result", makePlan(adapters, asked), adapters);
    const base = baseConfig === null ? null : baseFactsOf(baseConfig);
    const { findings } = checkOpened({ ...merged, format: "peft" }, consumer, base);
    return findings.find(({ level }) => level !== "note")?.text ?? null;
  } catch (error) {
    if (error instanceof LoraLegoError) return error.message;
    throw error;
  }
}

function baseFactsOf({ text, where }: AdapterText): BaseFacts {
  return configFacts(where, parseModelConfig(text, where));
}
