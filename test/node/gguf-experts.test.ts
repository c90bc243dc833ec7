import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { layoutGguf } from "../../src/formats/gguf/layout.ts";
import { configOfGguf } from "../../src/node/evaluate/base-gguf-file.ts";
import { tempFolder } from "../support/pico.ts";

it("a base's GGUF file says how many experts its layers have", async () => {
  const path = join(tempFolder(), "base.gguf");
  const { header } = layoutGguf(
    [
      ["general.architecture", "qwen3moe"],
      ["qwen3moe.expert_count", { uint32: 8 }],
    ],
    [],
  );
  writeFileSync(path, header);
  expect(JSON.parse(await configOfGguf(path))).toMatchObject({ model_type: "qwen3_moe", num_experts: 8 });
});
