import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { type Finding, fails } from "./finding.ts";

/** Whether a consumer loads files of this format, under these names. */
export function checkFiles(adapter: Adapter, consumer: Consumer): Finding[] {
  const { id, title, formats } = consumer;
  // Adapters of other methods have no format to be converted from; what they are is said by itself.
  if (adapter.format === "foreign") return [];
  if (formats.includes(adapter.format)) return checkNames(adapter, consumer);
  if (adapter.variants.length > 0)
    return [fails(`${title} loads ${formats.join(" and ")} files, and this is ${adapter.format}.`)];
  const to = formats[0]!;
  return [
    fails(
      `${title} does not load ${adapter.format} files; write it with lora-lego convert --to ${to}, and check that with --for ${id}.`,
    ),
  ];
}

function checkNames({ fileNames }: Adapter, { title, files }: Consumer): Finding[] {
  const { weights, config, sharded } = fileNames;
  if (sharded && !files.sharded) {
    return [
      fails(
        `${title} reads the weights from one file, but these lie in shards (${weights}); write one file with lora-lego merge --method cat.`,
      ),
    ];
  }
  const found: Finding[] = [];
  const named = files.weights;
  if (named !== null && !sharded && !named.includes(weights)) {
    found.push(
      fails(`${title} finds weights as ${named.join(" or ")} alone, but these are ${weights}; rename the file.`),
    );
  }
  if (files.config !== null && config !== null && config !== files.config) {
    found.push(fails(`${title} finds the config as ${files.config} alone, but this is ${config}; rename the file.`));
  }
  return found;
}
