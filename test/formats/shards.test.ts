import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.ts";
import type { SafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { layoutSafetensors } from "../../src/formats/safetensors/layout.ts";
import { joinShards, readShardIndex } from "../../src/formats/safetensors/shards.ts";

const NAME = "model.safetensors.index.json";
const FIRST = "model-00001-of-00002.safetensors";
const SECOND = "model-00002-of-00002.safetensors";

const indexOf = (weight_map: unknown) =>
  readShardIndex(JSON.stringify({ metadata: { total_size: 8 }, weight_map }), NAME);

function shard(...names: string[]): SafetensorsHeader {
  const { tensors, header } = layoutSafetensors(names.map((name) => ({ name, dtype: "F32", shape: [1] })));
  return { tensors, metadata: new Map(), headerBytes: header.byteLength };
}

function refuses(action: () => unknown, ...parts: string[]): void {
  expect(action).toThrow(FormatError);
  for (const part of [NAME, ...parts]) expect(action).toThrow(part);
}

describe("readShardIndex", () => {
  it("lists each file once, sorted, and the file of each tensor", () => {
    const index = indexOf({ b: SECOND, a: FIRST, c: SECOND, __proto__x: FIRST });
    expect(index.files).toEqual([FIRST, SECOND]);
    expect(index.weightMap.get("b")).toBe(SECOND);
    expect(index.weightMap.size).toBe(4);
  });

  it("ignores everything but weight_map", () => {
    expect(readShardIndex(`{"weight_map":{"a":"${FIRST}"},"metadata":null,"x":[1]}`, NAME).files).toEqual([FIRST]);
  });

  it("refuses a text that is no index", () => {
    refuses(() => readShardIndex("{", NAME), "line 1, column 2");
    refuses(() => readShardIndex("[]", NAME), 'must have an object "weight_map"');
    refuses(() => readShardIndex("{}", NAME), "but has nothing");
    refuses(() => indexOf(["a"]), 'but has ["a"]');
    refuses(() => readShardIndex('{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', NAME), "occurs twice");
  });

  it("refuses shard names that could lead out of the folder, or are no safetensors files", () => {
    const names = [
      "",
      "..",
      "../x.safetensors",
      "..\\x.safetensors",
      "/x.safetensors",
      "d/x.safetensors",
      "C:x.safetensors",
    ];
    for (const file of [
      ...names,
      "x\0.safetensors",
      "x\n.safetensors",
      ".safetensors",
      "x.bin",
      "x.safetensors ",
      1,
      null,
    ]) {
      refuses(() => indexOf({ a: file }), 'tensor "a" is listed in', "a plain *.safetensors file name");
    }
  });
});

describe("joinShards", () => {
  const index = indexOf({ a: FIRST, b: FIRST, c: SECOND });

  it("gives every tensor with its shard and its place in it", () => {
    const headers = new Map([
      [SECOND, shard("c")],
      [FIRST, shard("a", "b")],
    ]);
    const joined = joinShards(index, headers);
    expect([...joined].map(([name, { file }]) => [name, file])).toEqual([
      ["a", FIRST],
      ["b", FIRST],
      ["c", SECOND],
    ]);
    expect(joined.get("b")!.info).toBe(headers.get(FIRST)!.tensors.get("b"));
  });

  const join = (first: SafetensorsHeader, second?: SafetensorsHeader) => {
    const headers = new Map([[FIRST, first]]);
    if (second !== undefined) headers.set(SECOND, second);
    return () => joinShards(index, headers);
  };

  it("refuses a missing shard", () => {
    refuses(join(shard("a", "b")), `the shard ${SECOND} is missing`, "download");
  });

  it("refuses a tensor that is in another shard than the index says", () => {
    refuses(join(shard("a"), shard("b", "c")), `"b" should be in ${FIRST}, but is in ${SECOND}`);
  });

  it("refuses a tensor that is in no shard", () => {
    refuses(join(shard("a"), shard("c")), `"b" should be in ${FIRST}, but is in no shard`);
  });

  it("refuses a tensor that is in two shards", () => {
    refuses(join(shard("a", "b"), shard("b", "c")), `"b" is in two shards, ${FIRST} and ${SECOND}`);
  });

  it("refuses a tensor that the index does not list", () => {
    refuses(join(shard("a", "b"), shard("c", "d")), `${SECOND}: tensor "d" is not listed`);
  });
});
