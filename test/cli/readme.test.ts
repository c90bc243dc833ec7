import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

const ADAPTERS = "examples/minibench/llama/all";

it("the README shows what its first command prints", async () => {
  const [, command, printed] =
    /^```\nlora-lego merge (.+) --out merged\n```\n\nIt prints:\n\n```\n(.*?)```/ms.exec(
      readFileSync("README.md", "utf8"),
    ) ?? [];
  const out = join(tempFolder(), "merged");
  const { code, stdout } = await run([
    "merge",
    ...command!.split(" ").map((name) => join(ADAPTERS, name)),
    "--out",
    out,
  ]);
  expect(code).toBe(0);
  expect(stdout.replace(out, "merged").trimEnd()).toBe(printed!.trimEnd());
});
