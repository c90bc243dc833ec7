import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { kroneckerSides } from "../../adapter/lycoris/leading.ts";
import { methodOfKey } from "../../adapter/shown-method.ts";
import type { WrittenFormat } from "../../convert/formats.ts";
import { differs, type Finding, fails } from "./finding.ts";

/**
 * How a program takes tensors that lora-lego reads as a LoRA but that are none: LyCORIS', and those of other methods of PEFT. What nobody
 * looked at goes to `unseen`.
 */
export function checkParametrisations(adapter: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  const { format, modules } = adapter;
  const { id, title, version, formats } = consumer;
  const computed = [...modules.values()].find(({ a }) => "matrix" in a || isOfOtherMethod(a.name));
  if (computed === undefined || !formats.includes(format)) return [];
  if (id === "comfyui") return checkTucker(adapter, consumer);
  if (id === "diffusers") {
    unseen.push(
      `how ${title} ${version} handles LyCORIS' own tensors (such as ${computed.a.name}); a conversion to diffusers writes plain LoRA`,
    );
    return [];
  }
  if (id === "peft") return [];
  return [
    fails(
      `${title} loads plain LoRA only, but this has tensors of another method (such as ${computed.a.name}); write plain LoRA.`,
      { to: formats[0] as WrittenFormat },
    ),
  ];
}

/** Whether a tensor's name is that of a method of PEFT other than LoRA. */
function isOfOtherMethod(key: string): boolean {
  const method = methodOfKey(key);
  return method !== null && method !== "LORA";
}

/** LoKr with a Tucker decomposition, at which ComfyUI stops with an error that it only logs. */
function checkTucker({ modules }: Adapter, { title, version }: Consumer): Finding[] {
  const tucker = [...modules.values()].filter((module) => kroneckerSides(module)?.right.a.op === "core");
  const [first] = tucker;
  if (first === undefined) return [];
  const text = `${title} leaves out LoKr with lokr_t2 (such as ${first.name}; release ${version} logs an error); write plain LoRA.`;
  const mend = { to: "kohya" } as const;
  return [tucker.length === modules.size ? fails(text, mend) : differs(text, mend)];
}
