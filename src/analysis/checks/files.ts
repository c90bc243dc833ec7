import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import type { VariantId } from "../../adapter/variants.ts";
import { FORMATS, type WrittenFormat } from "../../convert/formats.ts";
import { convertTo } from "./convert-to.ts";
import { type Finding, fails } from "./finding.ts";

/** Whether a consumer loads files of this format, under these names. */
export function checkFiles(adapter: Adapter, consumer: Consumer): Finding[] {
  const { id, title, formats } = consumer;
  // Adapters of other methods have no format to convert from; checkVariants reports them.
  if (adapter.format === "foreign") return [];
  if (formats.includes(adapter.format)) return checkNames(adapter, consumer);
  const to = formats[0]!;
  const held: readonly VariantId[] = FORMATS[to as WrittenFormat].variants;
  if (adapter.variants.some((variant) => !held.includes(variant.id)))
    return [fails(`${title} loads ${formats.join(" and ")} files, but this is ${adapter.format}.`)];
  return [
    fails(
      `${title} does not load ${adapter.format} files; convert it with ${convertTo(to, adapter)}, and check the result with --for ${id}.`,
    ),
  ];
}

function checkNames({ fileNames }: Adapter, { title, files }: Consumer): Finding[] {
  const { weights, config, sharded } = fileNames;
  if (sharded && !files.sharded) {
    return [
      fails(
        `${title} reads the weights from one file, but these are in shards (${weights}); write one file with lora-lego merge --method cat.`,
      ),
    ];
  }
  const found: Finding[] = [];
  const named = files.weights;
  if (named !== null && !sharded && !named.includes(weights)) {
    found.push(
      fails(`${title} finds weights only as ${named.join(" or ")}, but these are in ${weights}; rename the file.`),
    );
  }
  if (files.config !== null && config !== null && config !== files.config) {
    found.push(fails(`${title} finds the config only as ${files.config}, but this is ${config}; rename the file.`));
  }
  return found;
}
