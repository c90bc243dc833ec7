import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { FormatError, type RefusedError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import {
  filled,
  keyOf,
  linear,
  type MemoryFiles,
  memoryFolder,
  peftFiles,
  rejection,
} from "../support/memory-folder.ts";
import { strided } from "../support/strided.ts";

const open = (files: MemoryFiles): Promise<Adapter> => openAdapter(memoryFolder("mine", files));

async function refuses(
  kind: typeof FormatError | typeof RefusedError,
  files: MemoryFiles,
  ...parts: string[]
): Promise<void> {
  const error = await rejection(open(files));
  expect(error).toBeInstanceOf(kind);
  for (const part of ["mine", ...parts]) expect(error.message).toContain(part);
}

const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";
const files = peftFiles([...linear("layers.0.q"), filled(keyOf("head", "weight"), [2, 3])]);

/** The same adapter in shards, in the given order of tensors. */
function shards(...parts: (readonly ReturnType<typeof filled>[])[]): MemoryFiles {
  const name = (i: number): string => `adapter_model-0000${i + 1}-of-0000${parts.length}.safetensors`;
  const weightMap = Object.fromEntries(parts.flatMap((part, i) => part.map((tensor) => [tensor.name, name(i)])));
  return {
    [CONFIG]: files[CONFIG]!,
    "adapter_model.safetensors.index.json": JSON.stringify({ metadata: {}, weight_map: weightMap }),
    ...Object.fromEntries(parts.map((part, i) => [name(i), encodeSafetensors(part)])),
  };
}

describe("openAdapter", () => {
  it("reads the headers alone", async () => {
    const reads: [string, number, number][] = [];
    const watched = memoryFolder("mine", files, [], (source) => ({
      ...source,
      read(offset, into) {
        reads.push([source.name, offset, into.byteLength]);
        return source.read(offset, into);
      },
    }));
    const { modules } = await openAdapter(watched);
    const dataBegins = Math.min(...Array.from(modules.values(), ({ a }) => strided(a).begin));
    // The first bytes, the length of the header, and the header.
    expect(reads.filter(([name]) => name === `mine/${WEIGHTS}`).length).toBe(3);
    for (const [name, offset, length] of reads) {
      if (name === `mine/${WEIGHTS}`) expect(offset + length).toBeLessThanOrEqual(dataBegins);
    }
  });

  it("gives the same adapter from shards, each tensor in its own file", async () => {
    const [a, b] = linear("layers.0.q") as [ReturnType<typeof filled>, ReturnType<typeof filled>];
    const [a1, b1] = linear("layers.1.q") as [typeof a, typeof b];
    const one = await open(peftFiles([a, b, a1, b1]));
    const many = await open(shards([b, a1], [b1], [a]));
    const plain = ({ a: _, b: __, ...module }: { a: unknown; b: unknown }) => module;
    expect([...many.modules.keys()].sort()).toEqual([...one.modules.keys()].sort());
    for (const [name, module] of many.modules) expect(plain(module)).toEqual(plain(one.modules.get(name)!));
    const module = many.modules.get("layers.0.q")!;
    expect(many.files.map(({ name }) => name)).toEqual(
      [1, 2, 3].map((i) => `mine/adapter_model-0000${i}-of-00003.safetensors`),
    );
    expect([module.a, module.b, many.modules.get("layers.1.q")!.b].map((half) => strided(half).file)).toEqual([
      2, 0, 1,
    ]);
    expect(strided(module.a).end).toBe(many.files[2]!.size);
  });

  it("refuses shards that do not fit their index, and an index that names a missing one", async () => {
    const [a, b] = linear("q") as [ReturnType<typeof filled>, ReturnType<typeof filled>];
    const sound = shards([a], [b]);
    const [, , first, second] = Object.keys(sound) as [string, string, string, string];
    await refuses(FormatError, { ...sound, [first]: sound[second]!, [second]: sound[first]! }, "should be in");
    const { [second]: _, ...incomplete } = sound;
    await refuses(FormatError, incomplete, second);
    await refuses(FormatError, { ...sound, "adapter_model.safetensors.index.json": "{}" }, "weight_map");
  });

  it("names the config and the weights that it cannot read", async () => {
    await refuses(FormatError, { ...files, [CONFIG]: "{" }, `mine/${CONFIG}`, "line 1");
    await refuses(FormatError, { ...files, [WEIGHTS]: new Uint8Array(3) }, `mine/${WEIGHTS}`);
    await refuses(FormatError, { ...files, [CONFIG]: new Uint8Array([0x7b, 0xff, 0x7d]) }, `mine/${CONFIG}`, "UTF-8");
    await refuses(FormatError, { ...files, [CONFIG]: new Uint8Array((4 << 20) + 1) }, `mine/${CONFIG}`, "too many");
  });

  it("reads a config with a byte order mark, as some editors write it", async () => {
    expect((await open({ ...files, [CONFIG]: `\ufeff${files[CONFIG]}` })).modules.size).toBe(1);
  });

  it("knows Git LFS pointers in place of the weights and of the config", async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 123\n`;
    await refuses(FormatError, { ...files, [WEIGHTS]: pointer }, `mine/${WEIGHTS}`, "Git LFS pointer", "git lfs pull");
    await refuses(FormatError, { ...files, [CONFIG]: pointer }, `mine/${CONFIG}`, "Git LFS pointer", "git lfs pull");
  });

  it("asks for the config that is missing", async () => {
    await refuses(FormatError, { [WEIGHTS]: files[WEIGHTS]! }, "no adapter_config.json next to it", "add it");
  });

  it.each([
    [["checkpoint-10", "checkpoint-20"], null],
    [["checkpoint-10", "style"], "style"],
    [["a", "b", "c", "d"], "a, b, c, d"],
    [["a", "b", "c", "d", "e"], "a, b, c, d, ..."],
  ])(
    "says which adapters in subfolders it does not read, checkpoints of its own aside: of %j %s",
    async (folders, shown) => {
      const text = `mine holds more adapters in subfolders (${shown}), which are not read; pass the ones that you want separately.`;
      const { notices } = await openAdapter(memoryFolder("mine", files, folders));
      expect(notices).toEqual(shown === null ? [] : [{ id: "more-adapters", text }]);
    },
  );

  it("reads tensor names of 1000 characters", async () => {
    const name = "q".repeat(1000 - keyOf("", "lora_A.weight").length);
    expect((await open(peftFiles(linear(name)))).modules.size).toBe(1);
  });

  it("refuses tensor names of more than 1000 characters without repeating them", async () => {
    const tensors = linear("q".repeat(1000));
    const error = await rejection(open(peftFiles(tensors)));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain("more than 1000");
    expect(error.message.length).toBeLessThan(400);
    expect((await open(peftFiles(linear("q".repeat(900))))).modules.size).toBe(1);
  });
});
