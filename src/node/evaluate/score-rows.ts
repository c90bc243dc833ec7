import { basename } from "node:path";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { maximum } from "../../core/maximum.ts";
import type { ChoiceScore } from "../../evaluate/metrics.ts";
import type { TaskRow } from "../../evaluate/task-rows.ts";
import type { LlamaContext, LlamaModel, LlamaSequence } from "./llama.ts";

/** Tokens and rows computed at once, over all contexts. */
const BATCH_TOKENS = 2048;
const BATCH_ROWS = 32;
/** Probabilities cover the whole vocabulary. */
const EVERY_TOKEN = { temperature: 1, topK: 0, topP: 1, minP: 0 };

/** A GGUF adapter on top of the base model. */
export interface ScaledAdapter {
  readonly filePath: string;
  readonly scale: number;
}

/** A row in tokens: the start that all choices share, and the rest of each. */
interface TokenRow {
  readonly prompt: readonly number[];
  readonly choices: readonly (readonly number[])[];
}

/**
 * The log-probability of every choice of every row, continuing its prompt after one space. Keys and values are kept in f32, so that a
 * score does not depend on which rows are computed together.
 *
 * Each thread has a context of its own with some of the rows. Threads that share a context wait for each other at every product, which
 * takes longer than the product in a small model, and far longer on a machine that does other work too.
 *
 * @param adapters added to the base model together
 * @throws FormatError for a row longer than the model's context; RefusedError for adapters that llama.cpp does not load
 */
export async function scoreRows(
  model: LlamaModel,
  adapters: readonly ScaledAdapter[],
  rows: readonly TaskRow[],
  threads: number,
  onRow: () => void = () => {},
  signal?: AbortSignal,
): Promise<ChoiceScore[][]> {
  const tokens = rows.map((row) => tokenRow(model, row));
  const longest = maximum(tokens.map(lengthOf));
  if (longest > model.trainContextSize) {
    const row = rows[tokens.findIndex((candidate) => lengthOf(candidate) === longest)]!;
    throw new FormatError(
      `A row of ${row.task} has ${longest} tokens, but the model was trained on ${model.trainContextSize} (its prompt begins ${JSON.stringify(row.prompt.slice(0, 40))}); shorten it.`,
    );
  }
  const lanes = Math.min(threads, rows.length);
  const share = (all: number): number => Math.max(1, Math.floor(all / lanes));
  const sequences = Math.min(share(BATCH_ROWS), Math.ceil(rows.length / lanes), share(BATCH_TOKENS / longest));
  const room = {
    sequences,
    contextSize: longest + 1,
    batchSize: sequences * longest,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
  };
  const scores = new Array<ChoiceScore[]>(rows.length);
  let next = 0;
  const scoreOn = async (sequence: LlamaSequence): Promise<void> => {
    while (next < rows.length) {
      signal?.throwIfAborted();
      const i = next++;
      scores[i] = await scoreRow(sequence, tokens[i]!);
      onRow();
    }
  };
  const contexts: LlamaContext[] = [];
  try {
    while (contexts.length < lanes) contexts.push(await contextWith(model, adapters, room));
    const free = contexts.flatMap((context) => Array.from({ length: sequences }, () => context.getSequence()));
    await Promise.all(free.map(scoreOn));
    return scores;
  } finally {
    for (const context of contexts) await context.dispose();
  }
}

/** @throws RefusedError when llama.cpp takes the model alone, but not with the adapters */
async function contextWith(
  model: LlamaModel,
  adapters: readonly ScaledAdapter[],
  options: object,
): Promise<LlamaContext> {
  if (adapters.length === 0) return model.createContext(options);
  try {
    return await model.createContext({ ...options, lora: { adapters } });
  } catch (error) {
    const names = adapters.map(({ filePath }) => basename(filePath)).join(" and ");
    throw new RefusedError(
      `llama.cpp does not load ${names} on this base model (${(error as Error).message.split("\n")[0]}); pass an adapter of that base model, and convert it again.`,
    );
  }
}

function lengthOf({ prompt, choices }: TokenRow): number {
  return prompt.length + Math.max(...choices.map((choice) => choice.length));
}

/** Prompt and choice are tokenized as one text, so that words at the border keep the tokens that the model knows. */
function tokenRow(model: LlamaModel, { prompt, choices }: TaskRow): TokenRow {
  const { bos, shouldPrependBosToken } = model.tokens;
  const begin = shouldPrependBosToken && bos !== null ? [bos] : [];
  const texts = choices.map((choice) => [...begin, ...model.tokenize(`${prompt} ${choice}`)]);
  const alone = [...begin, ...model.tokenize(prompt)];
  const shared = Math.min(...texts.map((text) => Math.min(commonLength(alone, text), text.length - 1)));
  return { prompt: alone.slice(0, shared), choices: texts.map((text) => text.slice(shared)) };
}

function commonLength(one: readonly number[], other: readonly number[]): number {
  const differs = one.findIndex((token, i) => token !== other[i]);
  return differs < 0 ? Math.min(one.length, other.length) : differs;
}

async function scoreRow(sequence: LlamaSequence, { prompt, choices }: TokenRow): Promise<ChoiceScore[]> {
  await sequence.clearHistory();
  const first = [...new Set(choices.map((choice) => choice[0]!))];
  const result = await evaluate(sequence, prompt, [first]);
  const scores: ChoiceScore[] = [];
  for (const choice of choices) {
    let logProbability = result[0]!(choice[0]!);
    if (choice.length > 1) {
      const before = choice.slice(0, -1);
      const after = await evaluate(
        sequence,
        before,
        before.map((_, i) => [choice[i + 1]!]),
      );
      for (const [i, of] of after.entries()) logProbability += of(choice[i + 1]!);
      await sequence.eraseContextTokenRanges([{ start: prompt.length, end: sequence.nextTokenIndex }]);
    }
    scores.push({ logProbability, tokens: choice.length });
  }
  return scores;
}

/** Log-probabilities after the last tokens: entry i of `wanted` lists the tokens to score after token n - wanted.length + i. */
async function evaluate(
  sequence: LlamaSequence,
  tokens: readonly number[],
  wanted: readonly (readonly number[])[],
): Promise<((token: number) => number)[]> {
  const skipped = tokens.length - wanted.length;
  const results = await sequence.controlledEvaluate(
    tokens.map((token, i) =>
      i < skipped
        ? token
        : [
            token,
            {
              generateNext: {
                logits: { filter: { tokens: wanted[i - skipped]!, includeTop: 1 } },
                totalLogitWeight: true,
                options: EVERY_TOKEN,
              },
            },
          ],
    ),
  );
  return wanted.map((_, i) => {
    const { logits, totalLogitWeight } = results[skipped + i]!.next;
    const greatest = maximum(logits!.values());
    const total = greatest + Math.log(totalLogitWeight!);
    return (token) => logits!.get(token)! - total;
  });
}
