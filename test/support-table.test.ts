import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { GGUF_FAMILIES } from "../src/adapter/names/gguf-families.ts";
import { MLX_FAMILIES } from "../src/adapter/names/mlx.ts";
import { openAdapter } from "../src/adapter/open.ts";
import { writerOf } from "../src/convert/convert.ts";
import { memorySource } from "../src/core/bytes.ts";
import { DENOISERS } from "../src/families/families.ts";
import { encodeSafetensors } from "../src/formats/safetensors/write.ts";

const root = new URL("../", import.meta.url);
interface Tool {
  supportTable(lib: object): Promise<string[]>;
  pageWith(page: string, lines: readonly string[]): string;
}

it("docs/formats/support.md says what the code reads and writes, and what programs found", async () => {
  const { supportTable, pageWith } = (await import(new URL("tools/support-table.mjs", root).href)) as Tool;
  const lib = { GGUF_FAMILIES, MLX_FAMILIES, DENOISERS, openAdapter, writerOf, memorySource, encodeSafetensors };
  const page = readFileSync(new URL("docs/formats/support.md", root), "utf8");
  const lines = await supportTable(lib);
  expect(lines.length).toBeGreaterThan(100);
  expect(page).toBe(pageWith(page, lines));
});
