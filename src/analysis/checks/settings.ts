import type { Adapter } from "../../adapter/adapter.ts";
import { type Consumer, isOneHead } from "../../adapter/consumers.ts";
import type { WrittenFormat } from "../../convert/formats.ts";
import { areMany, differs, type Finding, fails } from "./finding.ts";

/** A merge for the program writes such settings anew. */
const FITTED = { fitted: true } as const;
/** Tensors other than factors that ComfyUI reads. */
const SIDE_TENSOR = /\.(diff|diff_b|w_norm|b_norm|set_weight|reshape_weight)$/;

/** Whether a consumer takes the config's settings and the tensors other than factors; unknown fields go to `unseen`. */
export function checkSettings(adapter: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  const { unknownFields } = adapter;
  if (unknownFields.length > 0) {
    unseen.push(`what ${unknownFields.join(", ")} in its config means, which lora-lego does not know`);
  }
  return [
    ...checkExtras(adapter, consumer, unseen),
    ...(consumer.id === "vllm" ? checkVllm(adapter, consumer) : []),
    ...(consumer.id === "sglang" ? checkTargets(adapter, consumer) : []),
  ];
}

function checkExtras(
  adapter: Adapter,
  { id, title, version, formats, models, extras: loads }: Consumer,
  unseen: string[],
): Finding[] {
  const keys = [...adapter.extras.keys()];
  const [first] = loads === "side-tensors" ? keys.filter((key) => !SIDE_TENSOR.test(key)) : keys;
  if (loads === "all" || first === undefined || (loads === "one-head" && isOneHead(keys))) return [];
  if (id === "diffusers") {
    // For some families it reads differences of biases, for others it leaves them out.
    unseen.push(`how ${title} ${version} handles tensors other than factors (such as ${first})`);
    return [];
  }
  if (models === "image") return [differs(`${title} leaves out tensors other than factors (such as ${first}).`)];
  const what = loads === "one-head" ? "factors and one classifier or score" : "factors only";
  return [
    fails(
      `${title} loads ${what}, but there ${areMany(keys.length, "is another tensor", " other tensors")} (such as ${first}); leave ${keys.length === 1 ? "it" : "them"} out, if the task does not need ${keys.length === 1 ? "it" : "them"}.`,
      { to: formats[0] as WrittenFormat, extras: "drop" },
    ),
  ];
}

/** What vLLM refuses because of the config alone (peft_helper.py). */
function checkVllm({ peft, modulesToSave }: Adapter, { title }: Consumer): Finding[] {
  const found: Finding[] = [];
  if (peft !== null && peft.bias !== "none") {
    found.push(fails(`${title} refuses bias "${peft.bias}" in a config; write "none".`, FITTED));
  }
  const others = modulesToSave.filter((name) => name !== "classifier" && name !== "score");
  if (others.length > 0) {
    found.push(
      fails(
        `${title} refuses modules_to_save in a config except classifier and score, but this has ${others.join(", ")}; write none.`,
        FITTED,
      ),
    );
  }
  return found;
}

/** What SGLang takes as target_modules: a list, "all" or "all-linear"; embeddings and heads only if listed. */
function checkTargets({ peft, modules }: Adapter, { title }: Consumer): Finding[] {
  const targets = peft?.targets;
  if (targets === undefined || targets === null) return [];
  if (typeof targets === "string") {
    if (targets === "all" || targets === "all-linear") return [];
    return [
      fails(
        `${title} reads target_modules as a list, "all" or "all-linear", but this is the expression "${targets}"; write a list.`,
        FITTED,
      ),
    ];
  }
  const listed = new Set(targets.map((target) => target.slice(target.lastIndexOf(".") + 1)));
  const left = [...modules.keys()].find((name) => {
    const last = name.slice(name.lastIndexOf(".") + 1);
    return (last === "embed_tokens" || last === "lm_head") && !listed.has(last);
  });
  if (left === undefined) return [];
  return [differs(`${title} skips ${left}, which target_modules does not list; list it.`, FITTED)];
}
