import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError, RefusedError, UsageError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { openAdapterPath, openAdapters } from "../../src/node/input/adapter-path.ts";
import { encodeTensor, randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { strided } from "../support/strided.ts";

const WEIGHTS = "adapter_model.safetensors";

/** The names that adapters at these paths get. */
async function namesOf(...paths: string[]): Promise<string[]> {
  const opened = await openAdapters(paths);
  for (const { close } of opened) close();
  return opened.map(({ adapter }) => adapter.name);
}

describe("openAdapters", () => {
  it("names an adapter by its folder, however the path is written", async () => {
    const folder = writeAdapter(join(tempFolder(), "math"), randomAdapter(1));
    for (const path of [folder, `${folder}/`, `${folder}/../math`, relative(process.cwd(), folder)]) {
      expect(await namesOf(path)).toEqual(["math"]);
    }
    expect(await namesOf(join(folder, WEIGHTS))).toEqual(["math"]);
    expect(await namesOf(join(folder, "adapter_config.json"))).toEqual(["math"]);
  });

  it("tells of adapters in folders inside of a folder, but not of those beside a file", async () => {
    const folder = writeAdapter(join(tempFolder(), "math"), randomAdapter(1));
    writeAdapter(join(folder, "other"), randomAdapter(2));
    const noticesOf = async (path: string): Promise<string[]> => {
      const { adapter, close } = await openAdapterPath(path);
      close();
      return adapter.notices.map(({ id }) => id);
    };
    expect(await noticesOf(folder)).toEqual(["more-adapters"]);
    expect(await noticesOf(join(folder, "adapter_config.json"))).toEqual(["more-adapters"]);
    expect(await noticesOf(join(folder, WEIGHTS))).toEqual([]);
  });

  it("names folders of one name with their parents, and the same folder twice by number", async () => {
    const root = tempFolder();
    const paths = ["one/final", "two/final", "math"].map((name) => writeAdapter(join(root, name), randomAdapter(1)));
    expect(await namesOf(...paths)).toEqual(["one/final", "two/final", "math"]);
    const [first, second] = await namesOf(paths[2]!, paths[2]!);
    expect(first).toMatch(/math \(1\)$/);
    expect(second).toMatch(/math \(2\)$/);
  });

  it("refuses a pipe as such, whatever lies beside it", async (test) => {
    if (process.platform === "win32") return test.skip("no named pipes among files");
    const folder = writeAdapter(join(tempFolder(), "math"), randomAdapter(1));
    for (const file of ["p.safetensors", "adapter_config.pipe.json"]) {
      const pipe = join(folder, file);
      spawnSync("mkfifo", [pipe]);
      await expect(openAdapters([pipe])).rejects.toThrow(
        new UsageError(`${pipe} is a pipe or device, not a regular file; save its output to a file and pass that.`),
      );
    }
    await expect(openAdapters(["/dev/null"])).rejects.toThrow("/dev/null is a pipe or device");
  });

  it("closes every file when one of the adapters cannot be opened", async (test) => {
    if (process.platform !== "linux") return test.skip("open files are listed by /proc");
    const root = tempFolder();
    const good = writeAdapter(join(root, "good"), randomAdapter(1));
    const bad = writeAdapter(join(root, "bad"), randomAdapter(2, { config: { r: 3 } }));
    await expect(openAdapters([good, bad])).rejects.toThrow("bad");
    expect(openFilesIn(root)).toEqual([]);
    const [opened] = await openAdapters([good]);
    expect(openFilesIn(root)).toContain(join(good, WEIGHTS));
    opened!.close();
    expect(openFilesIn(root)).toEqual([]);
  });
});

function openFilesIn(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      return []; // the descriptor that listed the folder
    }
  });
}

describe("openAdapterPath", () => {
  it("says that there is nothing at a path", async () => {
    await expect(openAdapterPath("no/such/adapter")).rejects.toThrow(
      new UsageError("There is no file or folder no/such/adapter; pass the folder that holds adapter_config.json."),
    );
  });

  it("opens the one adapter of a folder whose browser put (1) behind the names", async () => {
    const folder = writeAdapter(join(tempFolder(), "a"), randomAdapter(1));
    renameSync(join(folder, WEIGHTS), join(folder, "adapter_model (1).safetensors"));
    renameSync(join(folder, "adapter_config.json"), join(folder, "adapter_config (1).json"));
    const { adapter, close } = await openAdapterPath(folder);
    close();
    expect([...adapter.modules.keys()]).toEqual(["layers.0.q_proj", "layers.1.q_proj"]);
  });

  it("lists several adapters of one folder, and opens the one that is passed itself", async () => {
    const folder = writeAdapter(join(tempFolder(), "both"), randomAdapter(1));
    renameSync(join(folder, WEIGHTS), join(folder, "first.safetensors"));
    cpSync(join(folder, "first.safetensors"), join(folder, "second.safetensors"));
    await expect(openAdapterPath(folder)).rejects.toThrow(
      "both holds several adapters (first.safetensors, second.safetensors); pass one of these files.",
    );
    const { adapter, folder: home, files, close } = await openAdapterPath(join(folder, "second.safetensors"));
    close();
    expect(adapter.name).toBe("second.safetensors");
    expect(home).toBe(folder);
    expect(files.map(({ path }) => path)).toEqual([join(folder, "second.safetensors")]);
  });

  it("prefers the weights that are passed to those of the usual name beside them", async () => {
    const folder = writeAdapter(join(tempFolder(), "both"), randomAdapter(1));
    const other = writeAdapter(join(tempFolder(), "other"), randomAdapter(1, { modules: { only: { in: 2, out: 3 } } }));
    cpSync(join(other, WEIGHTS), join(folder, "step-200.safetensors"));
    const { adapter, close } = await openAdapterPath(join(folder, "step-200.safetensors"));
    close();
    expect([...adapter.modules.keys()]).toEqual(["only"]);
  });

  it("lists the folders that hold adapters, links among them, and no others", async () => {
    const root = tempFolder();
    const folder = join(root, "run");
    for (const name of ["checkpoint-100", "checkpoint-20"]) writeAdapter(join(folder, name), randomAdapter(1));
    mkdirSync(join(folder, "logs"));
    symlinkSync(writeAdapter(join(root, "elsewhere"), randomAdapter(1)), join(folder, "linked"));
    await expect(openAdapterPath(folder)).rejects.toThrow(
      new RefusedError(
        "run holds no adapter itself but 3 folders with adapters (checkpoint-100, checkpoint-20, linked); pass one of them.",
      ),
    );
  });

  it("follows links to files, as the Hub's cache has them", async () => {
    const root = tempFolder();
    const blobs = writeAdapter(join(root, "blobs"), randomAdapter(1));
    const snapshot = join(root, "snapshot");
    mkdirSync(snapshot);
    for (const file of readdirSync(blobs)) symlinkSync(join("..", "blobs", file), join(snapshot, file));
    const { adapter, close } = await openAdapterPath(snapshot);
    close();
    expect(adapter.name).toBe("snapshot");
    expect(adapter.modules.size).toBe(2);
  });

  it("says which file is a link to nothing", async () => {
    const folder = writeAdapter(join(tempFolder(), "pruned"), randomAdapter(1));
    renameSync(join(folder, WEIGHTS), join(dirname(folder), "gone"));
    symlinkSync(join(folder, "nowhere"), join(folder, WEIGHTS));
    await expect(openAdapterPath(folder)).rejects.toThrow(
      new FormatError(`pruned/${WEIGHTS} is missing or a broken link; download or copy the adapter again.`),
    );
  });

  describe("of sharded weights", () => {
    const [first, second] = ["adapter_model-00001-of-00002.safetensors", "adapter_model-00002-of-00002.safetensors"];
    const keys = ["base_model.model.q.lora_A.weight", "base_model.model.q.lora_B.weight"] as const;

    function writeShards(): string {
      const folder = join(tempFolder(), "sharded");
      mkdirSync(folder);
      writeFileSync(join(folder, first!), encodeSafetensors([encodeTensor(keys[0], [[1, 2, 3]])]));
      writeFileSync(join(folder, second!), encodeSafetensors([encodeTensor(keys[1], [[4], [5]])]));
      const index = { metadata: { total_size: 20 }, weight_map: { [keys[0]]: first, [keys[1]]: second } };
      writeFileSync(join(folder, `${WEIGHTS}.index.json`), JSON.stringify(index));
      const config = { peft_type: "LORA", r: 1, lora_alpha: 1, target_modules: ["q"] };
      writeFileSync(join(folder, "adapter_config.json"), JSON.stringify(config));
      return folder;
    }

    it("reads them through their folder, their index or any shard", async () => {
      const folder = writeShards();
      for (const path of [folder, join(folder, `${WEIGHTS}.index.json`), join(folder, second!)]) {
        const { adapter, files, close } = await openAdapterPath(path);
        close();
        const { a, b } = adapter.modules.get("q")!;
        expect([a, b].map((half) => files[strided(half).file]!.path)).toEqual([
          join(folder, first!),
          join(folder, second!),
        ]);
      }
    });

    it("names the shard that is missing", async () => {
      const folder = writeShards();
      renameSync(join(folder, second!), join(folder, "elsewhere"));
      await expect(openAdapterPath(folder)).rejects.toThrow(`sharded/${second} is missing`);
    });
  });
});
