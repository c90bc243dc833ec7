import { describe, expect, it } from "vitest";
import { freeName, groupDropped, hasMoreThan, joined, leftOut, nameAmong } from "../../src/browser/dropped.ts";

const files = (...paths: string[]) => paths.map((path) => ({ path, blob: new Blob([path]) }));
const grouped = (...paths: string[]) =>
  groupDropped(files(...paths)).map(({ name, files: own }) => [name, Object.keys(own)]);

describe("dropped files", () => {
  it("make one adapter of each folder that holds one, at any depth", () => {
    expect(
      grouped(
        "set/b/adapter_model.safetensors",
        "set/b/adapter_config.json",
        "set/a10/adapter_model.safetensors",
        "set/a9/adapter_model.bin",
        "set/notes.txt",
      ),
    ).toEqual([
      ["a9", ["adapter_model.bin"]],
      ["a10", ["adapter_model.safetensors"]],
      ["b", ["adapter_model.safetensors", "adapter_config.json"]],
    ]);
  });

  it("are named where they lie by themselves and are part of no adapter", () => {
    const left = (...paths: string[]) => {
      const dropped = files(...paths);
      return leftOut(dropped, groupDropped(dropped));
    };
    expect(left("hello.txt", "cola/adapter_model.safetensors", "cola/notes.txt")).toEqual(["hello.txt"]);
    expect(left("one.safetensors", "preview.png")).toEqual(["preview.png"]);
    expect(left("adapter_config.json", "adapter_model.safetensors", "readme.md")).toEqual([]);
    expect(left("hello.txt")).toEqual([]);
  });

  it("are one adapter where a config lies beside the weights, else one each", () => {
    expect(grouped("adapter_model.safetensors", "adapter_config.json")).toEqual([
      ["adapter", ["adapter_model.safetensors", "adapter_config.json"]],
    ]);
    expect(grouped("one.safetensors", "two.gguf", "readme.md")).toEqual([
      ["one", ["one.safetensors"]],
      ["two", ["two.gguf"]],
    ]);
    const sharded = ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors", "m.safetensors.index.json"];
    expect(grouped(...sharded)).toEqual([["adapter", sharded]]);
  });

  it("without any adapter are handed on all the same, so that opening them says what is missing", () => {
    expect(grouped("folder/notes.txt")).toEqual([["folder", ["notes.txt"]]]);
    expect(grouped("notes.txt")).toEqual([["notes.txt", ["notes.txt"]]]);
    expect(grouped()).toEqual([]);
  });

  it("in a folder of single files are one adapter each, which image models have", () => {
    expect(grouped("sam/lora_rank8.safetensors", "sam/lora_rank2.safetensors", "sam/readme.md")).toEqual([
      ["lora_rank2", ["lora_rank2.safetensors"]],
      ["lora_rank8", ["lora_rank8.safetensors"]],
    ]);
    expect(grouped("one/adapter_model.safetensors", "one/other.safetensors")).toHaveLength(1);
  });

  it("that have one name are told apart by the folders around them", () => {
    expect(nameAmong([], "cola", "set/qv/cola")).toBe("cola");
    expect(nameAmong(["cola"], "cola", "set/qv/cola")).toBe("qv/cola");
    expect(nameAmong(["cola", "qv/cola"], "cola", "set/qv/cola")).toBe("set/qv/cola");
    expect(nameAmong(["cola", "qv/cola"], "cola", "qv/cola")).toBe("cola (2)");
    expect(groupDropped(files("qv/cola/adapter_config.json"))).toMatchObject([{ name: "cola", path: "qv/cola" }]);
  });

  it("get names that are not taken", () => {
    expect(freeName("a", [])).toBe("a");
    expect(freeName("a", ["a", "a (2)"])).toBe("a (3)");
  });
});

describe("two that are one adapter's weights and its config", () => {
  const folder = (path: string) => groupDropped(files(path))[0]!;
  const [weights, config] = [folder("adapter_model.safetensors"), folder("adapter_config.json")];

  it("make one, whichever comes first, with the name that one of them has", () => {
    const both = ["adapter_config.json", "adapter_model.safetensors"];
    for (const whole of [joined(weights, config), joined(config, weights)]) {
      expect(whole?.name).toBe("adapter");
      expect(Object.keys(whole!.files).sort()).toEqual(both);
    }
    expect(joined(config, folder("math.safetensors"))?.name).toBe("math");
  });

  it("are not one where one of them came in a folder, which names another adapter", () => {
    expect(joined(folder("math/adapter_config.json"), weights)).toBeNull();
    expect(joined(config, folder("math/adapter_model.safetensors"))).toBeNull();
  });

  it("are no two of one kind, nor a whole adapter and a file", () => {
    const [whole] = groupDropped(files("math/adapter_config.json", "math/adapter_model.safetensors"));
    expect([joined(weights, weights), joined(config, config), joined(whole!, config)]).toEqual([null, null, null]);
  });

  it("are known where they come together later", () => {
    const own = files("adapter_model.safetensors", "adapter_config.json");
    const [whole] = groupDropped(own);
    const alone = (blob: Blob) => groupDropped([{ path: "adapter_model.safetensors", blob }])[0]!;
    const same = alone(own[0]!.blob);
    expect(hasMoreThan(whole!, same)).toBe(true);
    expect(hasMoreThan(same, whole!)).toBe(false);
    expect(hasMoreThan(whole!, whole!)).toBe(false);
    expect(hasMoreThan(whole!, alone(new Blob(["other weights"])))).toBe(false);
    const later = new File([own[0]!.blob], "adapter_model.safetensors", { lastModified: 1 });
    expect(hasMoreThan(whole!, alone(later))).toBe(false);
  });
});
