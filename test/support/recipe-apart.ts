import { RECIPE_KEY } from "../../src/formats/recipe-key.ts";

/** A safetensors file without its recipe, and that. */
export function recipeApart(bytes: Uint8Array): {
  readonly recipe: string | undefined;
  readonly rest: readonly unknown[];
} {
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)));
  const { [RECIPE_KEY]: recipe, ...metadata } = header.__metadata__;
  return { recipe, rest: [{ ...header, __metadata__: metadata }, Buffer.from(bytes.subarray(end)).toString("hex")] };
}
