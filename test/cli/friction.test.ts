import { copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { encodeTensor, randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

let folder = "";
const EXISTS = ["--out", "there"];

beforeAll(async () => {
  folder = tempFolder();
  for (const [t, name] of ["a", "b"].entries()) writeAdapter(join(folder, "adapters", name), randomAdapter(t));
  for (const name of ["README.md", "LICENSE", "list.json"]) writeFileSync(join(folder, "adapters", name), "{}");
  await run(["merge", "adapters/a", "--out", "there"], { cwd: folder });
});

describe.concurrent("a path that a shell lists beside adapters", () => {
  const listed = ["LICENSE", "README.md", "a", "b", "list.json"].map((name) => join("adapters", name));

  it.each(["merge", "compare", "audit", "inspect", "check", "verify"])(
    "is left out by %s with a notice",
    async (command) => {
      const flags: Record<string, string[]> = {
        merge: ["--dry-run"],
        check: ["--for", "peft"],
        compare: ["--methods", "svd"],
      };
      const { code, stderr } = await run([command, ...listed, ...(flags[command] ?? [])], { cwd: folder });
      expect([0, 1]).toContain(code);
      const notices = lines(stderr).filter((line) => line.endsWith("is no adapter by its name, and is left out."));
      expect(notices.map((line) => line.split(" ")[0])).toEqual(
        ["LICENSE", "README.md", "list.json"].map((name) => join("adapters", name)),
      );
    },
  );

  it("is named as what it is where it stands alone, with the folder of the adapter", async () => {
    writeFileSync(join(folder, "adapters/a/README.md"), "A card.");
    const { code, stderr } = await run(["check", "adapters/a/README.md"], { cwd: folder });
    expect([code, stderr]).toEqual([
      2,
      "error: adapters/a/README.md is a text by its name, no adapter; pass the adapter's folder, adapters/a.\n",
    ]);
  });

  it("is named as what it is in the current folder", async () => {
    const { code, stderr } = await run(["inspect", "README.md"], { cwd: join(folder, "adapters/a") });
    expect([code, stderr]).toEqual([
      2,
      "error: README.md is a text by its name, no adapter; pass the current folder (./), which holds the adapter.\n",
    ]);
  });

  it("is refused where it stands alone, and where it may hold an adapter", async () => {
    const alone = await run(["inspect", "adapters/README.md"], { cwd: folder });
    expect([alone.code, alone.stderr]).toEqual([expect.any(Number), expect.stringMatching(/^error: /)]);
    expect(alone.code).toBeGreaterThan(0);
    writeFileSync(join(folder, "packed.zip"), "");
    const packed = await run(["merge", "adapters/a", "packed.zip", "--dry-run"], { cwd: folder });
    expect([packed.code, packed.stderr]).toEqual([expect.any(Number), expect.stringMatching(/^error: .*packed\.zip/)]);
    mkdirSync(join(folder, "notes.txt"));
    expect((await run(["merge", "adapters/a", "notes.txt", "--dry-run"], { cwd: folder })).code).toBeGreaterThan(0);
  });

  it.each(["merge", "compare", "audit"])("is no reason for %s to take one adapter alone", async (command) => {
    const out = command === "merge" ? ["--out", "alone"] : [];
    const args = [command, join("adapters", "a"), ...listed.slice(0, 2), ...out];
    const { code, stderr } = await run(args, { cwd: folder });
    const [kept, licence, readme] = ["a", "LICENSE", "README.md"].map((name) => join("adapters", name));
    const whys = [licence, readme].map((path) => `${path} is no adapter by its name`).join("; ");
    expect([code, stderr]).toEqual([
      2,
      `error: Of these 3 paths only ${kept} is an adapter: ${whys}. Name another adapter, or ${kept} alone.\n`,
    ]);
    expect(existsSync(join(folder, "alone"))).toBe(false);
  });

  it("is a config that lies beside its weights: both are one adapter", async () => {
    const files = ["adapter_config.json", "adapter_model.safetensors"].map((name) => join("adapters", "a", name));
    const merged = await run(["merge", ...files, join("adapters", "b"), "--dry-run", "--json"], { cwd: folder });
    expect(merged.stderr).toBe(`${files[0]} is the config of adapter_model.safetensors, and is left out.\n`);
    expect(JSON.parse(merged.stdout).inputs).toHaveLength(2);
    const one = await run(["audit", ...files], { cwd: folder });
    expect([one.code, one.stderr]).toEqual([
      2,
      expect.stringMatching(/^error: Of these 2 paths only \S+ is an adapter/),
    ]);
  });
});

describe.concurrent("a folder that holds no adapter itself", () => {
  it("stands for the adapters in it, beside texts and a base model, by natural order", async () => {
    const set = join(folder, "set");
    for (const [t, name] of ["r2", "r10"].entries()) writeAdapter(join(set, name), randomAdapter(t));
    mkdirSync(join(set, "base"));
    for (const name of ["config.json", "model.safetensors"]) writeFileSync(join(set, "base", name), "{}");
    writeFileSync(join(set, "notes.md"), "");
    const { code, stdout, stderr } = await run(["audit", "."], { cwd: set });
    expect([code, lines(stderr)]).toEqual([
      0,
      [". holds no adapter itself, and the adapters in it are taken: r2, r10."],
    ]);
    expect(stdout).toMatch(/^ {2}lora-lego merge r2 r10 --out merged$/m);
    const from = await run(["merge", "set", "--out", "of-set"], { cwd: folder });
    expect([from.code, from.stdout]).toEqual([
      0,
      expect.stringContaining("lora-lego audit of-set --of set/r2 set/r10"),
    ]);
  });

  it("stands for the adapters in it without the merges among them, if there are others", async () => {
    const mixed = join(folder, "mixed");
    for (const [t, name] of ["a", "b"].entries()) writeAdapter(join(mixed, name), randomAdapter(t));
    expect((await run(["merge", ".", "--out", "m"], { cwd: mixed })).code).toBe(0);
    const { stderr } = await run(["merge", ".", "--dry-run"], { cwd: mixed });
    expect(lines(stderr)[0]).toBe(
      ". holds no adapter itself, and the adapters in it are taken: a, b; merges are left out: m.",
    );
    const merges = join(folder, "merges");
    for (const name of ["m1", "m2"])
      await run(["merge", "mixed/a", "mixed/b", "--out", join(merges, name)], { cwd: folder });
    expect(lines((await run(["merge", "merges", "--dry-run"], { cwd: folder })).stderr)[0]).toMatch(
      /are taken: m1, m2\.$/,
    );
  });

  it("names archives, which have to be unpacked", async () => {
    writeFileSync(join(folder, "style.zip"), "PK");
    const alone = await run(["inspect", "style.zip"], { cwd: folder });
    expect([alone.code, lines(alone.stderr)]).toEqual([
      2,
      ["error: style.zip is an archive; unpack it, and pass the folder with the adapter."],
    ]);
    const beside = await run(["merge", "adapters/a", "adapters/b", "style.zip", "--dry-run"], { cwd: folder });
    expect(lines(beside.stderr)[0]).toBe("style.zip is an archive, which has to be unpacked first, and is left out.");
  });

  it("stands for its files of weights, where these are adapters of their own", async () => {
    const files = join(folder, "files");
    mkdirSync(files);
    for (const name of ["a", "b"]) {
      copyFileSync(join(folder, "adapters", name, "adapter_model.safetensors"), join(files, `${name}.safetensors`));
    }
    const { stderr } = await run(["inspect", "files"], { cwd: folder });
    expect(lines(stderr)[0]).toBe(
      "files holds no adapter itself, and the adapters in it are taken: a.safetensors, b.safetensors.",
    );
  });

  it("is refused as before where nothing in it is an adapter, or all are checkpoints of one", async () => {
    mkdirSync(join(folder, "empty"));
    const empty = await run(["merge", "empty", "--dry-run"], { cwd: folder });
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringMatching(/^error: empty holds no adapter: expected /)]);
    for (const step of [100, 200]) writeAdapter(join(folder, "run", `checkpoint-${step}`), randomAdapter(step));
    const trained = await run(["merge", "run", "--dry-run"], { cwd: folder });
    expect(trained.stderr).toMatch(/^error: run holds no adapter itself but 2 folders .*; pass one of them\.$/m);
  });
});

describe.concurrent("a mistake in the inputs", () => {
  it("is answered with the neighbour that was meant, or the address on the Hub that it looks like", async () => {
    const told = async (path: string): Promise<string> => (await run(["inspect", path], { cwd: folder })).stderr;
    symlinkSync("nothing", join(folder, "gone"));
    expect(await told("gone")).toMatch(/^error: gone is a broken link: what it points to is not there;/);
    expect(await told("adaptors")).toBe("error: There is no file or folder adaptors; did you mean adapters?\n");
    expect(await told("alice/math")).toMatch(
      /; pass the folder that holds adapter_config\.json, or hf:\/\/alice\/math for one on the Hub\.$/m,
    );
  });

  it.each([
    ["merge", ["merge", "adapters/a", "adapters/b", "--weights", "1", ...EXISTS], /2 adapters but 1 weight/],
    ["a path", ["merge", "adapters/a", "adapters/c", ...EXISTS], /no file or folder adapters\/c/],
  ])("of %s is told before that the output exists", async (_, args, expected) => {
    const { code, stderr } = await run(args, { cwd: folder });
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(expected);
  });

  it("of a recipe is told before that the output exists", async () => {
    writeFileSync(join(folder, "recipe.yaml"), "adapters: [adapters/a, adapters/b]\nexclude: [nowhere]\nout: there\n");
    const { code, stderr } = await run(["run", "recipe.yaml"], { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/exclude pattern "nowhere" matches no module/)]);
  });
});

it("a dry run needs no output, and has one line for modules that differ in numbers of their paths alone", async () => {
  const { code, stdout } = await run(["merge", "cola", "rte", "--dry-run"], { cwd: "examples/minibench/llama/all" });
  expect(code).toBe(0);
  expect(lines(stdout)).toHaveLength(13);
  expect(stdout).toMatch(/^The result would hold 28 modules by tsv, /);
  expect(stdout).toMatch(/^model\.layers\.\*\.self_attn\.q_proj \(4\) +linear +128 +128 +2 × 6 +6$/m);
});

describe.concurrent("a path of another kind than is wanted", () => {
  it.each([
    ["check", "adapters/a", "--base", "adapters/b"],
    ["fuse", "adapters/a", "--base", "adapters/b", "--out", "fused"],
  ])("is named as an adapter where %s wants a base model", async (...args) => {
    const { code, stderr } = await run(args, { cwd: folder });
    expect([code, stderr]).toEqual([
      2,
      "error: adapters/b is an adapter, not a base model; pass the model that it was trained on (its adapter_config.json may name it).\n",
    ]);
  });

  it("is the folder of a recipe, which is named", async () => {
    const merged = await run(["run", "there"], { cwd: folder });
    expect([merged.code, merged.stderr]).toEqual([
      2,
      "error: there is a folder; pass the recipe in it: there/recipe.yaml.\n",
    ]);
    const other = await run(["run", "adapters"], { cwd: folder });
    expect(other.stderr).toBe("error: adapters is a folder without a recipe.yaml; pass the path of a YAML file.\n");
  });

  it("is missing, which eval says before it looks for llama.cpp", async () => {
    writeFileSync(join(folder, "rows.jsonl"), '{"prompt":"a","choices":["x","y"],"answer":"x"}\n');
    const args = ["eval", "--base", "adapters", "--adapter", "gone", "--tasks", "rows.jsonl"];
    const { code, stderr } = await run(args, { cwd: folder });
    expect([code, stderr]).toEqual([2, "error: There is no file or folder gone; pass an adapter's folder or file.\n"]);
  });
});

describe.concurrent("a merge", () => {
  beforeAll(() => run(["merge", "adapters/a", "adapters/b", "--out", "ab"], { cwd: folder }));

  it("is told from one of its parts where both are merged", async () => {
    const { code, stderr } = await run(["merge", "ab", "adapters/b", "--out", "again"], { cwd: folder });
    expect(code).toBe(0);
    expect(stderr).toContain(
      "warning: ab was made of a, b (its recipe.yaml), so b counts twice; merge the adapters themselves, with --weights for more of one. [counts-twice]\n",
    );
    const { stdout } = await run(["merge", "ab", "adapters/b", "--out", "told", "--json"], { cwd: folder });
    expect(JSON.parse(stdout).warnings[0].id).toBe("counts-twice");
    expect((await run(["merge", "adapters/a", "adapters/b", "--out", "apart"], { cwd: folder })).stderr).not.toContain(
      "twice",
    );
  });

  it("is no set with some of its parts: the audit names them all, and recommends no merge of the rest", async () => {
    const { code, stdout } = await run(["audit", "../ab", "b"], { cwd: join(folder, "adapters") });
    expect([code, stdout.replaceAll(/\s+/g, " ")]).toEqual([
      1,
      expect.stringContaining("merge the adapters themselves (lora-lego audit a b says how), with --weights"),
    ]);
    expect(stdout).toContain("There is no merge to recommend: what speaks against one stands above.");
    expect(stdout).not.toContain("lora-lego merge");
    const whole = await run(["audit", "../ab", "a", "b"], { cwd: join(folder, "adapters") });
    expect(whole.stdout).toMatch(/^ {2}lora-lego merge a b --out/m);
    const twice = await run(["audit", "a", "a"], { cwd: join(folder, "adapters") });
    expect([twice.code, twice.stdout]).toEqual([1, expect.stringContaining("There is no merge to recommend")]);
  });

  it("of an adapter that is passed twice ends with the merge of each once", async () => {
    const { stdout } = await run(["merge", "a", "a", "b", "--out", "../twice"], { cwd: join(folder, "adapters") });
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      /Without adapters\/a \(2\), so that nothing counts twice\. .*lora-lego merge a b .*--out \.\.\/twice-2 /,
    );
    const audit = await run(["audit", "../twice", "--of", "a", "a", "b"], { cwd: join(folder, "adapters") });
    expect(audit.stdout.replaceAll(/\s+/g, " ")).toMatch(
      / note: .*; keep one of them, unless it is to count more than once\./,
    );
  });

  it("is told where it is audited alone, with what audits how it went", async () => {
    const { stdout, stderr } = await run(["audit", "ab"], { cwd: folder });
    expect(stderr).toContain("ab is a merge by its recipe.yaml. How it went: lora-lego audit ab --of a b\n");
    expect(stdout).toContain("One adapter has nothing to be merged with: name the others too.");
  });
});

describe.concurrent("a folder with folders of folders", () => {
  it("says which of them hold more adapters, and which to pass where all do", async () => {
    const cwd = tempFolder();
    const of = (path: string) => cpSync(join(folder, "adapters/a"), join(cwd, path), { recursive: true });
    for (const path of ["grp/a", "grp/c", "grp/sub/b", "deep/sub/b"]) of(path);
    const { code, stderr } = await run(["inspect", "grp"], { cwd });
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(
        "grp holds no adapter itself, and the adapters in it are taken: a, c; adapters deeper in it are left out, so pass grp/sub too.\n",
      ),
    ]);
    expect(await run(["inspect", "deep"], { cwd })).toMatchObject({
      code: 2,
      stderr: "error: deep holds no adapter itself, but folders in it do; pass deep/sub.\n",
    });
  });
});

describe.concurrent("a path that is not there", () => {
  it.each([
    ["https://huggingface.co/me/mine", "for this adapter on the Hub pass hf://me/mine."],
    ["https://huggingface.co/me/mine/tree/main/sub/", "for this adapter on the Hub pass hf://me/mine/sub."],
    [
      "https://hf.co/me/mine/blob/v2/adapter_model.safetensors?x=1",
      "for this adapter on the Hub pass hf://me/mine@v2.",
    ],
    [
      "https://huggingface.co/me/mine/tree/main/checkpoint-v1.0",
      "for this adapter on the Hub pass hf://me/mine/checkpoint-v1.0.",
    ],
    ["https://huggingface.co/me/mine/resolve/main/sub/weights", "for this adapter on the Hub pass hf://me/mine/sub."],
    ["https://huggingface.co/me", "pass hf://owner/name."],
  ])("may be the address of a page: %s", async (address, way) => {
    const { code, stderr } = await run(["inspect", address]);
    expect([code, stderr]).toEqual([
      2,
      `error: ${address.replace(/\/?(?:\?.*)?$/, "")} is a page of the Hub; ${way}\n`,
    ]);
  });
});

describe("a folder of folders", () => {
  it("stands for the files of those that hold several", async () => {
    const cwd = tempFolder();
    writeAdapter(join(cwd, "set/a"), randomAdapter(1));
    mkdirSync(join(cwd, "set/b"));
    for (const name of ["one", "two"]) {
      const [a, b] = [encodeTensor("w_a_000", [[1, 2]]), encodeTensor("w_b_000", [[3]])];
      writeFileSync(join(cwd, `set/b/${name}.safetensors`), encodeSafetensors([a, b], {}));
    }
    const { code, stdout, stderr } = await run(["inspect", "set"], { cwd });
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("the adapters in it are taken: a, one.safetensors, two.safetensors"),
    ]);
    expect(stdout.match(/ (?:LoRA|adapter) for /g)).toHaveLength(3);
  });
});
