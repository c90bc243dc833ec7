import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { isEmbeddingName, isHeadName } from "../../adapter/names/vocabulary.ts";
import { formatShape } from "../../core/shape.ts";
import { withoutPeftPrefix } from "../../formats/peft-folder/keys.ts";
import type { BaseFacts } from "../base-facts.ts";
import { finder } from "./base-places.ts";
import { type Finding, fails } from "./finding.ts";

const isWorded = (name: string): boolean => isEmbeddingName(name) || isHeadName(name);

/** Whether an adapter's full tensors have the sizes of the base's own. */
export function checkExtraSizes({ extras }: Adapter, { extras: loads }: Consumer, base: BaseFacts): Finding[] {
  if (loads !== "all") return [];
  const find = base.modules === null ? () => null : finder(base.modules);
  for (const [key, { shape }] of extras) {
    const name = withoutPeftPrefix(key).replace(/\.weight$/, "");
    const found = find(name);
    const vocabulary = base.config?.vocabSize ?? null;
    if (found !== null && found.shape !== null && found.shape.join() !== shape.join()) {
      return [
        fails(
          `its own ${name} is ${formatShape(shape)}, but ${found.key} of ${base.name} is ${formatShape(found.shape)}; ${resize(name)}.`,
        ),
      ];
    }
    if (found === null && isWorded(name) && vocabulary !== null && shape[0] !== vocabulary) {
      return [
        fails(
          `its own ${name} has ${shape[0]} tokens, but ${base.name} has vocab_size ${vocabulary}; ${resize(name)}.`,
        ),
      ];
    }
  }
  return [];
}

function resize(name: string): string {
  const pass = "pass the base that it was trained on";
  return isWorded(name) ? `resize the base's vocabulary to the adapter's before loading it, or ${pass}` : pass;
}
