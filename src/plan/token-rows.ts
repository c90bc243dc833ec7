import type { Adapter, TensorRef, TokenRows } from "../adapter/adapter.ts";
import { commonDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { plural } from "../core/plural.ts";
import { orderlessSum } from "../core/sum.ts";
import { tokensKey } from "../formats/peft-folder/inner-keys.ts";
import { withoutPeftPrefix } from "../formats/peft-folder/keys.ts";
import type { ExtrasPolicy } from "../recipe/recipe.ts";
import type { ExtrasPlan } from "./extras.ts";
import type { ExtraSource, PlannedExtra } from "./merge-plan.ts";
import type { MergeParts } from "./plan-parts.ts";

/** Trained rows of the result, and their tokens by embedding. */
export interface TokenRowsPlan extends ExtrasPlan {
  readonly tokenIndices: ReadonlyMap<string, readonly number[]>;
}

/** A trained row of one input. */
interface Row {
  readonly input: number;
  readonly tensor: TensorRef;
}

/**
 * Merge trained rows of embeddings (trainable_token_indices). A row replaces the base's, so it is no delta: a row that all adapters
 * train is averaged by their weights, and one that a single adapter trains is kept. Any other would need the base's row. The policy
 * "first" takes each row from the first adapter that has it, "drop" leaves all out.
 *
 * @param beside keys of the heads and other full tensors of the result
 * @throws RefusedError for rows that some adapters train and others do not, and for embeddings that are changed in another way too
 */
export function planTokenRows(parts: MergeParts, beside: readonly string[], policy: ExtrasPolicy): TokenRowsPlan {
  const { adapters, selection } = parts;
  const used = [...adapters.keys()].filter((t) => selection.used[t] && parts.weights[t] !== 0);
  const embeddings = [...new Set(used.flatMap((t) => [...adapters[t]!.tokenRows.keys()]))].sort();
  const none = { extras: [], skipped: [], warnings: [], tokenIndices: new Map() };
  if (embeddings.length === 0) return none;
  if (policy === "drop") {
    const skipped = used.flatMap((input) =>
      [...adapters[input]!.tokenRows.values()].map(({ tensor }) => ({ input, tensor: tensor.name })),
    );
    const text = `The trained token rows of ${embeddings.join(" and ")} are left out, and with them what they were trained for.`;
    return { ...none, skipped, warnings: [{ id: "extras-dropped", text }] };
  }
  const merged = embeddings.map((embedding) => {
    refuseTwice(parts, beside, embedding);
    const rows = rowsOf(adapters, used, embedding);
    const sources = Array.from(rows, ([token, own]) => sourcesOf(parts, used, embedding, token, own, policy));
    return { embedding, tokens: [...rows.keys()], extra: extraOf(adapters, embedding, sources) };
  });
  return {
    ...none,
    ...(policy === "first" && notFirst(adapters, used, embeddings)),
    extras: merged.map(({ extra }) => extra),
    tokenIndices: new Map(merged.map(({ embedding, tokens }) => [embedding, tokens])),
  };
}

/** What is not written where the first adapter's rows are taken: those that others have of the same tokens. */
function notFirst(
  adapters: readonly Adapter[],
  used: readonly number[],
  embeddings: readonly string[],
): Pick<ExtrasPlan, "skipped" | "warnings"> {
  const lacking = embeddings.flatMap((embedding) => {
    const rows = [...rowsOf(adapters, used, embedding).values()];
    return used.flatMap((input) => {
      const own = rows.filter((all) => all.some((row) => row.input === input));
      const lost = own.filter(([first]) => first!.input !== input).length;
      return lost === 0 ? [] : [{ input, embedding, lost, all: lost === own.length }];
    });
  });
  return {
    skipped: lacking
      .filter(({ all }) => all)
      .map(({ input, embedding }) => ({ input, tensor: adapters[input]!.tokenRows.get(embedding)!.tensor.name })),
    warnings: lacking.map(({ input, embedding, lost }) => {
      const text = `${plural(lost, "trained token row")} of ${embedding} that ${adapters[input]!.name} shares with an adapter before it ${lost === 1 ? "is" : "are"} written as that one has ${lost === 1 ? "it" : "them"}; its own ${lost === 1 ? "is" : "are"} left out.`;
      return { id: "extras-first", text };
    }),
  };
}

/** The trained rows of an embedding by token, in ascending order. */
function rowsOf(adapters: readonly Adapter[], used: readonly number[], embedding: string): Map<number, Row[]> {
  const rows = new Map<number, Row[]>();
  for (const input of used) {
    const { name, tokenRows } = adapters[input]!;
    const own = tokenRows.get(embedding);
    for (const [i, token] of (own?.indices ?? []).entries()) {
      if (own!.indices.indexOf(token) !== i) {
        throw new RefusedError(
          `${name}: ${own!.tensor.name} has two rows for token ${token}; save the adapter again with each token once.`,
        );
      }
      rows.set(token, [...(rows.get(token) ?? []), { input, tensor: rowAt(own!, i) }]);
    }
  }
  return new Map([...rows].sort(([one], [other]) => one - other));
}

function rowAt({ indices, tensor }: TokenRows, i: number): TensorRef {
  const bytes = (tensor.end - tensor.begin) / indices.length;
  const begin = tensor.begin + i * bytes;
  return { ...tensor, shape: tensor.shape.slice(1), begin, end: begin + bytes };
}

/** Where a row comes from, with the share of each. */
function sourcesOf(
  { adapters, weights }: MergeParts,
  used: readonly number[],
  embedding: string,
  token: number,
  rows: readonly Row[],
  policy: ExtrasPolicy,
): readonly ExtraSource[] {
  const [first] = rows as [Row];
  if (rows.length === 1 || policy === "first") return [{ ...first, share: 1 }];
  const lacking = used.find((t) => !rows.some(({ input }) => input === t));
  const names = rows.map(({ input }) => adapters[input]!.name).join(" and ");
  if (lacking !== undefined) {
    throw new RefusedError(
      `Token ${token} of ${embedding} is trained by ${names}, but not by ${adapters[lacking]!.name}, so its merged row would need the base's, which no adapter holds; merge ${names} first, or pass --extras first or drop.`,
    );
  }
  const total = orderlessSum(used.map((t) => weights[t]!));
  if (total === 0) {
    throw new UsageError("The weights sum to 0, so token rows have no average; pass --extras first or drop.");
  }
  return rows.map((row) => ({ ...row, share: weights[row.input]! / total }));
}

function extraOf(
  adapters: readonly Adapter[],
  embedding: string,
  parts: readonly (readonly ExtraSource[])[],
): PlannedExtra {
  const all = parts.flat();
  const [first] = all as [ExtraSource];
  for (const { input, tensor } of all) {
    if (tensor.shape.join() !== first.tensor.shape.join()) {
      throw new RefusedError(
        `The rows of ${embedding} have ${plural(first.tensor.shape[0]!, "number")} in ${adapters[first.input]!.name} and ${tensor.shape[0]} in ${adapters[input]!.name}; merge adapters of one base model.`,
      );
    }
    if (!isFactorDtype(tensor.dtype)) {
      throw new RefusedError(
        `${adapters[input]!.name} stores ${tensor.name} as ${tensor.dtype}, which rows of an embedding cannot be; save the adapter again as F32, F16 or BF16.`,
      );
    }
  }
  const dtypes = new Set(all.map(({ tensor }) => tensor.dtype));
  const copied = dtypes.size === 1 && parts.every((sources) => sources.length === 1);
  const dtype = copied ? first.tensor.dtype : commonDtype([...dtypes]);
  const shape = [parts.length, ...first.tensor.shape];
  return { key: tokensKey(embedding), dtype, shape, parts, scaled: false, begin: 0, end: 0 };
}

/** Refuse an embedding whose rows are trained by one adapter, and which another changes as a whole: PEFT loads no adapter with both. */
function refuseTwice({ modules }: MergeParts, beside: readonly string[], embedding: string): void {
  const module = modules.find(({ name }) => name === embedding);
  const whole = beside.find((key) => withoutPeftPrefix(key) === `${embedding}.weight`);
  if (module === undefined && whole === undefined) return;
  throw new RefusedError(
    `${embedding} would get ${module === undefined ? "a whole tensor" : "a delta"} from one adapter and trained token rows (trainable_token_indices) from another, which PEFT cannot load together; leave the ${module === undefined ? "tensor and the rows out with --extras drop" : `delta out with --exclude ${embedding}, or the rows with --extras drop`}.`,
  );
}
