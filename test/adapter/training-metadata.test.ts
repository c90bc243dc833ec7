import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { mergedMetadata, plainMetadata, triggerWords } from "../../src/adapter/training-metadata.ts";
import { openLycoris } from "../support/lycoris.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { written } from "../support/written.ts";

type Fields = Readonly<Record<string, string>>;
const merged = (files: readonly Fields[], families: readonly string[] = ["flux1"]): Fields => {
  const adapters = files.map((fields) => ({ metadata: new Map(Object.entries(fields)), modules: new Map() }));
  const forwards = Object.fromEntries(mergedMetadata(adapters, families));
  expect(Object.fromEntries(mergedMetadata(adapters.toReversed(), families))).toEqual(forwards);
  for (const value of Object.values(forwards)) expect(value).toBeTypeOf("string");
  return forwards;
};

describe("metadata of a merge", () => {
  it("of one adapter are its own, but for arguments that name ranks", () => {
    const own = { ss_output_name: "a", "modelspec.title": "A", "modelspec.date": "2025", software: "x", ss_seed: "1" };
    expect(merged([{ ...own, ss_network_args: "{}" }])).toEqual(own);
  });

  it("of several are what all of them say, without what names one file", () => {
    const shared = { ss_optimizer: "AdamW", ss_output_name: "a", ss_session_id: "1", "modelspec.date": "2025" };
    expect(
      merged([
        { ...shared, ss_seed: "1" },
        { ...shared, ss_seed: "2" },
      ]),
    ).toEqual({ ss_optimizer: "AdamW" });
    expect(merged([{ ...shared }, {}])).toEqual({});
    expect(merged([{ ss_seed: "1" }, { ss_seed: "1" }, { ss_seed: "2" }])).toEqual({});
  });

  it("keep the model that all name which name one", () => {
    const model = { ss_base_model_version: "flux1", "modelspec.architecture": "flux-1-dev/lora" };
    expect(merged([model, {}, model])).toEqual(model);
    expect(merged([model, { ...model, ss_base_model_version: "flux1-schnell" }])).toEqual({
      "modelspec.architecture": "flux-1-dev/lora",
    });
  });

  it("unite tags with the largest count of each, so that one file twice says the same", () => {
    const one = { ss_tag_frequency: '{"10_zkz":{"zkz":10,"sky":2},"5_b":{"b":5}}' };
    const two = { ss_tag_frequency: '{"10_zkz":{"sky":3,"sea":1}}' };
    expect(merged([one, two])).toEqual({
      ss_tag_frequency: '{"5_b":{"b":5},"10_zkz":{"zkz":10,"sky":3,"sea":1}}',
    });
    const [twice, single] = [merged([two, two]), merged([two, {}])];
    expect(twice).toEqual(two);
    expect(single).toEqual(two);
    const odds = [
      "",
      "[]",
      "3",
      "null",
      '{"a":1}',
      '{"a":null}',
      '{"a":{"b":"c"}}',
      '{"a":[1]}',
      '{"a":{"b":1},"c":3}',
    ];
    for (const odd of odds) {
      expect(merged([{ ss_tag_frequency: odd }, two])).toEqual(two);
      expect(merged([{ ss_tag_frequency: odd }, {}])).toEqual({});
    }
  });

  it("unite trigger words and other lists", () => {
    const one = { "modelspec.trigger_phrase": "zkz style, portrait", "modelspec.tags": "style" };
    const two = { "modelspec.trigger_phrase": "portrait , abc", "modelspec.tags": "face, style" };
    expect(merged([one, two])).toEqual({
      "modelspec.trigger_phrase": "abc, portrait, zkz style",
      "modelspec.tags": "face, style",
    });
  });

  it("have a title and sources made of what the inputs call themselves, not of folders and files", () => {
    expect(merged([{ "modelspec.title": "Ink" }, {}, { ss_output_name: "face" }])).toEqual({
      "modelspec.title": "face + Ink + 1 untitled",
      "modelspec.merged_from": "face, Ink",
    });
    expect(merged([{ "modelspec.title": "Ink" }, { "modelspec.title": "face" }])).toEqual({
      "modelspec.title": "face + Ink",
      "modelspec.merged_from": "face, Ink",
    });
    expect(merged([{ ss_optimizer: "x" }, { ss_optimizer: "x" }])).toEqual({ ss_optimizer: "x" });
  });

  it("name the network module that all name, else that of the family, and invent none", () => {
    const own = { ss_network_module: "networks.lora_of_somebody" };
    const other = { ss_network_module: "lycoris.kohya" };
    expect(merged([own, own])).toEqual(own);
    expect(merged([own, other])).toEqual({ ss_network_module: "networks.lora_flux" });
    expect(merged([own, other], ["wan"])).toEqual({ ss_network_module: "networks.lora_wan" });
    expect(merged([own, other], ["flux1", "chroma"])).toEqual({ ss_network_module: "networks.lora_flux" });
    for (const families of [["flux1", "hunyuan-video"], ["pixart"], []]) {
      expect(merged([own, other], families)).toEqual({});
    }
    expect(merged([{}, {}])).toEqual({});
  });

  it("name no module and arguments of LoKr once that is plain LoRA, whether it is merged or converted", async () => {
    const said = { ss_network_module: "lycoris.kohya", ss_network_args: '{"algo": "lokr"}', ss_seed: "1" };
    const read = await openLycoris({ lokr_w1: [[1, 2]], lokr_w2: [[1], [2]] });
    const lokr = { ...read, metadata: new Map(Object.entries(said)) };
    const flux = { ss_seed: "1", ss_network_module: "networks.lora_flux" };
    for (const found of [plainMetadata(lokr, ["flux1"]), mergedMetadata([lokr, lokr], ["flux1"])]) {
      expect(Object.fromEntries(found)).toEqual(flux);
    }
    expect(Object.fromEntries(plainMetadata(lokr, []))).toEqual({ ss_seed: "1" });
    expect(Object.fromEntries(plainMetadata({ ...lokr, modules: new Map() }, []))).toEqual(said);
    const files = await written(lokr, "kohya");
    const there = await openAdapter(memoryFolder("there", { "x.safetensors": files["adapter.safetensors"]! }));
    expect([...there.metadata.keys()].filter((key) => key.startsWith("ss_")).sort()).toEqual([
      "ss_network_alpha",
      "ss_network_dim",
      "ss_seed",
    ]);
  });
});

describe("trigger words", () => {
  const words = (fields: Fields) => triggerWords({ metadata: new Map(Object.entries(fields)) });

  it("are those that the file names, else the commonest tag of each data set", () => {
    const ss_tag_frequency = '{"1_b":{"sky":3,"bob":9,"amy":9},"1_a":{"amy ":4},"1_c":{}}';
    expect(words({ "modelspec.trigger_phrase": "zkz style,, b", ss_tag_frequency })).toEqual(["zkz style", "b"]);
    expect(words({ "modelspec.trigger_phrase": " ", ss_tag_frequency })).toEqual(["amy"]);
    expect(words({ ss_tag_frequency: '{"1_b":{"bob":9},"1_a":{"amy":4}}' })).toEqual(["bob", "amy"]);
  });

  it("are none where the file says nothing", () => {
    expect(words({})).toEqual([]);
    expect(words({ ss_tag_frequency: "odd" })).toEqual([]);
  });
});
