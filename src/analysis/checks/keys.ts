import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { type Finding, fails } from "./finding.ts";

/** Whether a consumer finds tensors under names that lora-lego sees through: those of wrapped models, and those without PEFT's prefix. */
export function checkKeys({ notices, format }: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  const { id, title, version, formats } = consumer;
  if (!formats.includes(format)) return [];
  const [odd] = notices.filter(
    ({ id: notice }) => notice === "wrapped-names" || (notice === "bare-names" && id !== "vllm"),
  );
  if (odd === undefined) return [];
  if (id === "peft" || id === "vllm" || id === "tgi") {
    const to = formats[0]!;
    return [
      fails(`${title} finds tensors by their exact names: ${odd.text} Write them with lora-lego convert --to ${to}.`),
    ];
  }
  unseen.push(`whether ${title} ${version} finds the names: ${odd.text.replace(/\.$/, "")}`);
  return [];
}
