import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { extractAdapter } from "../../src/node/extract-adapter.ts";
import { fuseModel } from "../../src/node/fuse-model.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { encodeTensor, tempFolder } from "../support/pico.ts";

it("fuses into one file and extracts from two, whatever else lies beside them", async () => {
  const folder = tempFolder();
  const at = (name: string): string => join(folder, name);
  const write = (name: string, tensors: readonly ReturnType<typeof encodeTensor>[]): void =>
    writeFileSync(at(name), encodeSafetensors(tensors));
  const square = [
    [1, 2],
    [3, 4],
  ];
  const stem = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q";
  write("sd.safetensors", [encodeTensor(`${stem}.weight`, square)]);
  write("other.safetensors", [encodeTensor("other.weight", square)]);
  const key = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q";
  write("lora.safetensors", [
    encodeTensor(`${key}.lora_down.weight`, [[1, 1]]),
    encodeTensor(`${key}.lora_up.weight`, [[1], [2]]),
  ]);
  const fused = await fuseModel([at("lora.safetensors")], { base: at("sd.safetensors"), out: at("fused") });
  expect(fused).toMatchObject({ base: "sd.safetensors", fused: 1 });
  expect(readdirSync(at("fused")).sort()).toEqual(["README.md", "sd.safetensors"]);
  const options = { base: at("sd.safetensors"), tuned: at("fused/sd.safetensors"), out: at("again"), rank: 2 };
  expect((await extractAdapter(options)).modules).toHaveLength(1);
  const { adapter, close } = await openAdapterPath(at("again"));
  close();
  expect([...adapter.modules.keys()]).toEqual(["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"]);
  await expect(fuseModel([at("lora.safetensors")], { base: at("fused/README.md"), out: at("no") })).rejects.toThrow(
    /README\.md is a file, but not in safetensors; pass a model folder/,
  );
});
