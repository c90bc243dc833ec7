import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import type { VariantId } from "../../adapter/variants.ts";
import { FORMATS, type WrittenFormat } from "../../convert/formats.ts";
import { type Finding, fails } from "./finding.ts";
import { isReadOnBase } from "./variants.ts";

/** Whether a consumer loads files of this format, under these names. */
export function checkFiles(adapter: Adapter, consumer: Consumer): Finding[] {
  const { id, title, formats } = consumer;
  // Adapters of other methods have no format to convert from; checkVariants reports them.
  if (adapter.format === "foreign") return [];
  if (formats.includes(adapter.format)) return checkNames(adapter, consumer);
  const to = formats[0]!;
  const held: readonly VariantId[] = FORMATS[to as WrittenFormat].variants;
  if (adapter.variants.some((variant) => !held.includes(variant.id)))
    return [
      fails(
        `${title} loads ${formats.join(" and ")} files, but this is ${adapter.format}.`,
        // What is read on its base becomes plain LoRA.
        adapter.variants.every(isReadOnBase) ? { to: to as WrittenFormat } : undefined,
      ),
    ];
  return [
    fails(
      `${title} does not load ${adapter.format} files; convert it to ${to}, and check the result with --for ${id}.`,
      { to: to as WrittenFormat },
    ),
  ];
}

function checkNames({ fileNames, format }: Adapter, { title, files }: Consumer): Finding[] {
  const mend = { to: format as WrittenFormat };
  const { weights, config, sharded } = fileNames;
  if (sharded && !files.sharded) {
    return [
      fails(`${title} reads the weights from one file, but these are in shards (${weights}); write one file.`, mend),
    ];
  }
  const found: Finding[] = [];
  const named = files.weights;
  if (named !== null && !sharded && !named.includes(weights)) {
    found.push(
      fails(
        `${title} finds weights only as ${named.join(" or ")}, but these are in ${weights}; rename the file.`,
        mend,
      ),
    );
  }
  if (files.config !== null && config !== null && config !== files.config) {
    found.push(
      fails(`${title} finds the config only as ${files.config}, but this is ${config}; rename the file.`, mend),
    );
  }
  return found;
}
