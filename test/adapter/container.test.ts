import { describe, expect, it } from "vitest";
import { sourceText } from "../../src/adapter/container.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { filled, memoryFolder, rejection } from "../support/memory-folder.ts";
import { checkpoint, dict, tensor } from "../support/torch.ts";

const DOWN = "lora_unet_x.lora_down.weight";
const UP = "lora_unet_x.lora_up.weight";
const open = (file: string, bytes: Uint8Array) => openAdapter(memoryFolder("it", { [file]: bytes }));
/** A file that begins with these bytes and ends soon. */
function beginning(...head: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes.set(head);
  return bytes;
}

describe("the container of an adapter", () => {
  const safetensors = encodeSafetensors([filled(DOWN, [1, 2]), filled(UP, [2, 1])], { ss_sd_model_name: "base" });
  const torch = checkpoint(dict({ [DOWN]: tensor(), [UP]: tensor({ size: [2, 1], stride: [1, 1] }) }));

  it.each(["x.safetensors", "x.bin", "x.gguf"])(
    "is safetensors by its first bytes, whatever its name: %s",
    async (file) => {
      const { modules, metadata } = await open(file, safetensors);
      expect([...modules.keys()]).toEqual(["lora_unet_x"]);
      expect([...metadata]).toEqual([["ss_sd_model_name", "base"]]);
    },
  );

  it.each(["x.safetensors", "x.bin", "x.pth"])("is PyTorch's zip archive by its first bytes: %s", async (file) => {
    const { modules, metadata } = await open(file, torch);
    expect(modules.get("lora_unet_x")).toMatchObject({ in: 2, out: 2, rank: 1 });
    expect(metadata).toEqual(new Map());
  });

  const pickle = /^it\/x\.safetensors is a bare Python pickle, not a checkpoint of torch\.save;/;
  const noSafetensors = /^it\/x\.safetensors is truncated or not a safetensors file:/;
  it.each([
    ["GGUF", "x.safetensors", [0x47, 0x47, 0x55, 0x46], RefusedError, /^it\/x\.safetensors is GGUF version 0/],
    ["a pickle of protocol 2", "x.safetensors", [0x80, 2], RefusedError, pickle],
    ["a pickle of protocol 5", "x.safetensors", [0x80, 5], RefusedError, pickle],
    ["nothing known by an earlier protocol", "x.safetensors", [0x80, 1], FormatError, noSafetensors],
    ["nothing known by a later protocol", "x.safetensors", [0x80, 6], FormatError, noSafetensors],
    ["nothing known by another first byte", "x.safetensors", [0x81, 2], FormatError, noSafetensors],
    [
      "what its name says, where the bytes tell nothing",
      "x.bin",
      [1],
      FormatError,
      /^it\/x\.bin is .* PyTorch checkpo/,
    ],
    ["what its name says, GGUF too", "x.gguf", [1], FormatError, /^it\/x\.gguf is damaged or not a GGUF file/],
  ])("is %s, and refused as that", async (_, file, head, kind, words) => {
    const error = await rejection(open(file, beginning(...head)));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(words);
  });
});

describe("a text beside the weights", () => {
  it("is read up to its limit and refused beyond it", async () => {
    const text = memorySource("config.json", new TextEncoder().encode("{ }"));
    expect(await sourceText(text, "it/config.json", 3)).toBe("{ }");
    await expect(sourceText(text, "it/config.json", 2)).rejects.toThrow(
      new FormatError("it/config.json has 3 bytes, too many for a JSON config; use the adapter's or model's own file."),
    );
  });
});
