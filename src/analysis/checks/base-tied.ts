import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { isEmbeddingName, isHeadName } from "../../adapter/names/vocabulary.ts";
import { withoutPeftPrefix } from "../../formats/peft-folder/keys.ts";
import type { BaseFacts } from "../base-facts.ts";
import { differs, type Finding, fails } from "./finding.ts";

/** The effect of a changed embedding or head if the base has one tensor for both. */
export function checkTied(
  { modules, extras }: Adapter,
  consumer: Consumer,
  base: BaseFacts,
  unseen: string[],
): Finding[] {
  const { id, title, version } = consumer;
  const changed = [
    ...modules.keys(),
    ...Array.from(extras.keys(), (key) => withoutPeftPrefix(key).replace(/\.weight$/, "")),
  ];
  const head = changed.find(isHeadName);
  const embedding = changed.find(isEmbeddingName);
  const name = head ?? embedding;
  if (name === undefined || base.tied === false) return [];
  if (base.tied === null) {
    unseen.push(`whether ${base.name} ties its head to its embedding, which decides what a change of ${name} means`);
    return [];
  }
  const way = "leave it out with lora-lego merge --exclude, or fuse the adapter into the base, which unties them";
  if (id === "llamacpp") {
    return [
      fails(`it changes ${name}, but ${base.name} ties head and embedding, and ${title} adapts neither then; ${way}.`),
    ];
  }
  if (id === "mlx") {
    if (head !== undefined)
      return [
        fails(`it changes ${head}, but ${base.name} ties head and embedding, so ${title} has no ${head}; ${way}.`),
      ];
    return [
      differs(
        `it changes ${name}, but ${base.name} ties head and embedding, so ${title} changes the head too; ${way}.`,
      ),
    ];
  }
  if (id !== "peft") {
    unseen.push(`how ${title} ${version} handles a change of ${name} if the base ties head and embedding`);
  }
  return [];
}
