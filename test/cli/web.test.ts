import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MockWeb } from "../support/mock-web.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const FILES = ["adapter_config.json", "adapter_model.safetensors"];
const SECRET = /s3cret|pass0/;
const folder = tempFolder();
const env = { HF_HOME: join(folder, "hf") };

let web: MockWeb;
/** Addresses with all that is secret in one, and the same without. */
let secret: string[];
let plain: string[];
beforeAll(async () => {
  web = await MockWeb.start();
  for (const [i, name] of ["alice", "bob"].entries()) {
    const local = writeAdapter(join(folder, "local", name), randomAdapter(i));
    for (const file of FILES) web.files.set(`/x/${name}/${file}`, new Uint8Array(readFileSync(join(local, file))));
  }
  plain = ["alice", "bob"].map((name) => `${web.origin}/x/${name}`);
  secret = plain.map((address) => `${address.replace("//", "//me:pass0@")}?sig=s3cret`);
});
afterAll(() => web.stop());

/** Every file below a folder, as text. */
function textsBelow(path: string): string[] {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
}

describe("adapters at addresses on the command line", () => {
  it("are merged by range on two threads, and from the recipe again, to the bytes of files on disk", async () => {
    const local = ["alice", "bob"].map((name) => join(folder, "local", name));
    const [disk, streamed, again] = ["disk", "streamed", "again"].map((name) => join(folder, name)) as string[];
    expect((await run(["merge", ...local, "--out", disk!])).code).toBe(0);
    const merged = await run(["merge", ...plain, "--stream", "--threads", "2", "--out", streamed!], { env });
    expect([merged.code, merged.stdout]).toEqual([0, expect.stringContaining(`${plain[0]!.slice(7)}`)]);
    expect(merged.stdout).toContain(`--of ${plain.join(" ")}`);
    expect((await run(["run", join(streamed!, "recipe.yaml"), "--out", again!], { env })).code).toBe(0);
    const weights = (path: string): Buffer => readFileSync(join(path, FILES[1]!));
    expect(weights(streamed!).equals(weights(disk!))).toBe(true);
    expect(weights(again!).equals(weights(disk!))).toBe(true);
  });

  it("are told without query, user and password by every command, in all that it prints and writes", async () => {
    const out = join(folder, "told");
    const commands = [
      ["merge", ...secret, "--rank", "2", "--out", join(out, "merged"), "--report", join(out, "report.json")],
      ["merge", ...secret, "--dry-run"],
      ["audit", ...secret],
      ["audit", join(out, "merged"), "--of", ...secret],
      ["check", secret[0]!],
      ["inspect", ...secret, "--stream"],
      ["compare", ...secret],
      ["verify", ...secret],
      ["convert", secret[0]!, "--to", "peft", "--out", join(out, "peft")],
      ["resize", secret[0]!, "--rank", "1", "--out", join(out, "small")],
      ["inspect", secret[0]!, "--json"],
    ];
    for (const words of commands) {
      const { code, stdout, stderr } = await run(words, { env });
      expect([words[0], code, stderr]).toEqual([words[0], 0, expect.not.stringMatching(SECRET)]);
      expect(stdout).not.toMatch(SECRET);
    }
    const recipe = join(out, "own.yaml");
    writeFileSync(recipe, `adapters: ["${secret[0]}", "${secret[1]}"]\nmethod: cat\n`);
    const ran = await run(["run", recipe, "--out", join(out, "ran")], { env });
    expect([ran.code, ran.stdout + ran.stderr]).toEqual([0, expect.not.stringMatching(SECRET)]);
    writeFileSync(recipe, "");
    for (const text of [...textsBelow(out), ...textsBelow(env.HF_HOME)]) expect(text).not.toMatch(SECRET);
    expect(web.requests.some(({ query }) => query === "?sig=s3cret")).toBe(true);
  });

  it("are refused in one line that tells no secret", async () => {
    const gone = `${web.origin.replace("//", "//me:pass0@")}/gone.safetensors?sig=s3cret`;
    const { code, stderr } = await run(["inspect", gone], { env });
    expect([code, lines(stderr)]).toEqual([
      1,
      [expect.stringMatching(/^error: 127.*\/gone\.safetensors: 127.* has no such file \(status 404\)/)],
    ]);
    const twice = await run(["merge", `${plain[0]}?id=1`, `${plain[0]}?id=2`, "--out", join(folder, "x")], { env });
    expect([twice.code, lines(twice.stderr)]).toEqual([2, [expect.stringMatching(/is passed with two queries/)]]);
    for (const { stderr: said } of [{ stderr }, twice]) expect(said).not.toMatch(SECRET);
  });

  it("are not opened by the page", async () => {
    const { code, stderr } = await run(["ui", plain[0]!, "--no-open"], { env });
    expect([code, stderr]).toEqual([
      2,
      `error: ${plain[0]} is an address, which the page does not read; download it, and pass its file or folder.\n`,
    ]);
  });
});
