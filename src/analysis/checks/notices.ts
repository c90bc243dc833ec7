import type { Adapter, Notice } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import type { WrittenFormat } from "../../convert/formats.ts";
import { differs, type Finding, fails, note } from "./finding.ts";

/** Notices from reading the adapter: how a consumer handles its names, and all others unchanged. */
export function checkNotices(adapter: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  const odd = oddNames(adapter, consumer);
  // checkSettings reports unknown fields, as not looked at.
  const others = adapter.notices.filter((notice) => notice !== odd && notice.id !== "unknown-field");
  const notes = others.map(({ id, text }) =>
    id === "misapplied" && consumer.id === "llamacpp" ? differs(text) : note(text),
  );
  return odd === undefined ? notes : [...checkNames(odd, consumer, unseen), ...notes];
}

/** The notice about names of wrapped models or without PEFT's prefix, if they decide whether tensors are found. */
function oddNames({ notices, format }: Adapter, { id, formats }: Consumer): Notice | undefined {
  if (!formats.includes(format)) return undefined;
  return notices.find(({ id: notice }) => notice === "wrapped-names" || (notice === "bare-names" && id !== "vllm"));
}

/** Whether a consumer finds tensors under such names. */
function checkNames(odd: Notice, { id, title, version, formats }: Consumer, unseen: string[]): Finding[] {
  if (id === "peft" || id === "vllm" || id === "tgi") {
    return [
      fails(`${title} finds tensors by their exact names: ${odd.text} A conversion writes these.`, {
        to: formats[0] as WrittenFormat,
      }),
    ];
  }
  unseen.push(`whether ${title} ${version} finds the names: ${odd.text.replace(/\.$/, "")}`);
  return [];
}
