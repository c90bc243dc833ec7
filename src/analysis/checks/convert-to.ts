import type { Adapter, DialectId } from "../../adapter/adapter.ts";
import { mlxName } from "../../adapter/names/mlx.ts";
import { isTiable } from "../../convert/refuse-tied.ts";

/** The command that writes an adapter in a format, with the flag that GGUF and, for names that models differ in, MLX cannot do without. */
export function convertTo(format: DialectId, { modules }: Adapter): string {
  const based = format === "gguf" || (format === "mlx" && [...modules.values()].some(isNamedByBase));
  return `lora-lego convert --to ${format}${based ? " --base-config BASE/config.json" : ""}`;
}

function isNamedByBase(module: { readonly name: string }): boolean {
  return isTiable(module) || mlxName(null, module.name) === null;
}
