import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { writerOf } from "../../src/convert/convert.ts";
import { hashingSink, inHashedSafetensors } from "../../src/convert/tensor-hashes.ts";
import { writeConversion } from "../../src/convert/write-conversion.ts";
import { memorySink } from "../../src/core/bytes.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { encodeTensor } from "../support/pico.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const MIB = 1 << 20;

/** A kohya file of one linear module, read and written again. @param columns of A */
async function writtenAgain(columns: number, metadata: Record<string, string>) {
  const key = "lora_unet_down_blocks_1_attentions_0_proj_in";
  const row = Array.from({ length: columns }, (_, i) => (i % 251) / 8 - 15);
  const tensors = [
    encodeTensor(`${key}.lora_down.weight`, [row]),
    encodeTensor(`${key}.lora_up.weight`, [[1], [2]]),
    encodeTensor(`${key}.alpha`, 1),
  ];
  const adapter = await openAdapter(memoryFolder("mine", { "x.safetensors": encodeSafetensors(tensors, metadata) }));
  const conversion = (await writerOf("kohya")).convert(adapter, null);
  const { bytes } = await (async () => {
    const sink = memorySink(conversion.layout.size);
    await writeConversion(adapter, conversion, sink);
    return sink;
  })();
  const again = await openAdapter(memoryFolder("again", { "x.safetensors": bytes }));
  const start = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)) + 8;
  return { tensors, bytes, data: bytes.slice(start), said: again.metadata };
}

describe("the hashes of a kohya file", () => {
  it("are SHA-256 of its tensors, and of 64 KiB behind the first MiB as if it had its ss_ metadata alone", async () => {
    const mine = { ss_output_name: "x".repeat(300), "modelspec.title": "y".repeat(70), sshs_model_hash: "of before" };
    const { tensors, data, said } = await writtenAgain(300_000, mine);
    expect(said.get("modelspec.title")).toBe(mine["modelspec.title"]);
    expect(said.get("sshs_model_hash")).toBe(sha256(data));
    const trained = { ss_output_name: mine.ss_output_name, ss_network_alpha: "1", ss_network_dim: "1" };
    const bare = encodeSafetensors(tensors, trained);
    expect(bare.slice(-data.length)).toEqual(data);
    expect(bare.length).toBeGreaterThan(MIB + 65536);
    expect(said.get("sshs_legacy_hash")).toBe(sha256(bare.subarray(MIB, MIB + 65536)).slice(0, 8));
  });

  it("take what there is of a file that ends within these 64 KiB, and nothing of one that ends before", async () => {
    const { tensors, said } = await writtenAgain((MIB + 1000) / 4, {});
    const bare = encodeSafetensors(tensors, { ss_network_alpha: "1", ss_network_dim: "1" });
    expect(bare.length).toBeLessThan(MIB + 65536);
    expect(said.get("sshs_legacy_hash")).toBe(sha256(bare.subarray(MIB)).slice(0, 8));
    const small = await writtenAgain(4, {});
    expect(small.said.get("sshs_legacy_hash")).toBe(sha256(new Uint8Array()).slice(0, 8));
    expect(small.said.get("sshs_model_hash")).toBe(sha256(small.data));
  });

  it("reach into a header that is longer than a MiB", async () => {
    const tags = JSON.stringify({ set: { tag: 1, [`long ${"z".repeat(MIB)}`]: 1 } });
    const { tensors, said } = await writtenAgain(4, { ss_tag_frequency: tags });
    const bare = encodeSafetensors(tensors, { ss_network_alpha: "1", ss_network_dim: "1", ss_tag_frequency: tags });
    expect(said.get("sshs_legacy_hash")).toBe(sha256(bare.subarray(MIB, MIB + 65536)).slice(0, 8));
  });

  it("leave the file's size and its other bytes as they were planned", async () => {
    const { bytes, data } = await writtenAgain(4, { ss_seed: "1" });
    expect(bytes.length % 8).toBe(data.length % 8);
    const again = await writtenAgain(4, { ss_seed: "1" });
    expect(again.bytes).toEqual(bytes);
  });

  it("refuse bytes that are not written one after the other", async () => {
    const content = { kind: "bytes", bytes: new Uint8Array(4) } as const;
    const conversion = inHashedSafetensors([{ name: "a", dtype: "F32", shape: [1], content }], {});
    const sink = await hashingSink(memorySink(conversion.layout.size), conversion, {});
    await expect(sink.write(0, new Uint8Array(4))).rejects.toThrow("do not follow");
  });
});
