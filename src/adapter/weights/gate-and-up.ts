import { isJsonObject, parseStrictJson } from "../../formats/json.ts";
import { parseModelConfig } from "../../formats/model-config.ts";
import type { AdapterText } from "../dialect.ts";
import { expertOf, GATE_UP, roleOf } from "../experts.ts";
import type { AdapterModule } from "../read-adapter.ts";
import { composed, cutFactor, piecesAt } from "./cut.ts";

/** Models of transformers 5 whose experts have the rows of gate and up in turn; others have gate's first. */
const IN_TURN = ["gpt_oss", "openai_privacy_filter"];

/** Whether the experts of a model have the rows of gate and up in turn, where they are one weight. */
export function areInTurn(modelType: string | null): boolean {
  return modelType !== null && IN_TURN.includes(modelType);
}

/** What a base's config.json says of these rows; null without one, and for parts of image pipelines, whose config has no model_type. */
export function inTurnBy(config: AdapterText | null): boolean | null {
  const fields = config === null ? null : parseStrictJson(config.text, config.where);
  if (!isJsonObject(fields) || !("model_type" in fields)) return null;
  return areInTurn(parseModelConfig(config!.text, config!.where).modelType);
}

/** Gate and up of an expert that has them as one weight, under the names of two; other modules as they are. Halves of zeros are left out. */
export function halvesOf(module: AdapterModule, inTurn: boolean): readonly AdapterModule[] {
  const place = expertOf(module.name);
  const out = module.out / 2;
  if (place?.projection !== GATE_UP || !Number.isInteger(out)) return [module];
  return ["gate_proj", "up_proj"].flatMap((own, i) => {
    const b = inTurn ? cutFactor(module.b, i, out, 2) : cutFactor(module.b, i * out, out);
    return b === null ? [] : [{ ...module, name: `${place.layer}.experts.${place.expert}.${own}`, out, b }];
  });
}

/** An expert's gate or up alone as rows of both, of which the others are zero; other modules as they are. */
export function asRowsOfBoth(module: AdapterModule, inTurn: boolean): AdapterModule {
  const role = roleOf(expertOf(module.name)?.projection ?? "");
  if (role === null || role === "down") return module;
  const out = 2 * module.out;
  const entry = role === "gate" ? 0 : inTurn ? 1 : module.out;
  const pieces = piecesAt(module.b, 0, entry, 1, inTurn ? 2 : 1);
  return { ...module, out, b: composed(module.rank, out, pieces) };
}
