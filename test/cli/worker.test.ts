import { describe, expect, it } from "vitest";
import { statusLine } from "../../src/cli/queue-flag.ts";
import { run } from "./run.ts";

describe("lora-lego worker", () => {
  it("needs a queue, says where the rest is explained, and what its flags default to", async () => {
    expect((await run(["worker"])).stderr).toContain("error: required option '--queue <url>' not specified");
    const { code, stdout } = await run(["worker", "--help"]);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("(repeatable; default: the working folder)");
    expect(stdout).toContain("docs/distributed.md");
  });

  it.each([
    [["worker", "--queue", "host:6379"], 2, "Expected redis://host:6379, or rediss:// for TLS."],
    [
      ["merge", "a", "b", "--out", "c", "--queue", "http://host"],
      2,
      "Expected redis://host:6379, or rediss:// for TLS.",
    ],
    [
      ["worker", "--queue", "redis://:secret@127.0.0.1:1"],
      1,
      /^error: Redis at redis:\/\/127\.0\.0\.1:1 does not answer \(.*ECONNREFUSED.*\); start redis-server there, or correct --queue\.\n$/,
    ],
    [["worker", "--queue", "redis://127.0.0.1:1", "--root", "missing"], 2, /missing/],
    ...[
      ["merge", "a", "b", "--out", "c"],
      ["bench", "--config", "bench.yaml"],
      ["tune", "a", "b", "--base", "base.gguf", "--tasks", "dev.jsonl", "--out", "c"],
    ].map((words): [string[], number, string] => [
      [...words, "--threads", "2", "--queue", "redis://127.0.0.1:1"],
      2,
      "error: --threads does nothing with --queue; leave it out, and pass --lanes to lora-lego worker.",
    ]),
  ])("refuses %j", async (words, status, message) => {
    const { code, stderr } = await run(words);
    if (typeof message === "string") expect(stderr).toContain(message);
    else expect(stderr).toMatch(message);
    expect(code).toBe(status);
  });
});

describe("a queue without the package bullmq", () => {
  const hook = `export async function resolve(name, context, next) {
    if (name === "bullmq") throw new Error("gone");
    return next(name, context);
  }`;
  const data = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(data(hook))});`;

  it.each([["worker"], ["merge", "a", "b", "--out", "c"]])(
    "says which npm install is missing: %s",
    async (...words) => {
      const env = { NODE_OPTIONS: `--import=${data(register)}` };
      const { code, stderr } = await run([...words, "--queue", "redis://127.0.0.1:1"], { env });
      expect(stderr).toContain(
        "error: A queue needs the package bullmq, which is not installed; run npm install bullmq@5",
      );
      expect(code).toBe(2);
    },
  );
});

describe("what a producer says", () => {
  const working = ["q", "k", "v", "o", "up"].map((job, i) => ({ worker: `pc${i}:7`, job }));

  it.each([
    [{ handedOn: 0, working: [] }, "120 jobs done, 83 a minute, 104 to go; nobody is at work"],
    [{ handedOn: 0, working: working.slice(0, 1) }, "120 jobs done, 83 a minute, 104 to go; pc0:7 has q"],
    [
      { handedOn: 2, working },
      "120 jobs done, 83 a minute, 104 to go, 2 handed on after their worker went silent; pc0:7 has q, pc1:7 has k, pc2:7 has v, pc3:7 has o, and 1 more work",
    ],
  ])("names who works on what (%#)", (some, line) => {
    expect(statusLine({ done: 120, perMinute: 83.4, waiting: 104, ...some })).toBe(line);
  });
});
