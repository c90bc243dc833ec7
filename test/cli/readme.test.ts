import { cpSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

const ADAPTERS = "examples/minibench/llama/all";

it("the README shows what its first command prints", async () => {
  const [, command, printed] =
    /^```\nlora-lego (merge .+ --out merged)\n```\n\nIt prints:\n\n```\n(.*?)```/ms.exec(
      readFileSync("README.md", "utf8"),
    ) ?? [];
  const folder = tempFolder();
  cpSync(ADAPTERS, folder, { recursive: true });
  const { code, stdout } = await run(command!.split(" "), { cwd: folder });
  expect(code).toBe(0);
  expect(stdout.trimEnd()).toBe(printed!.trimEnd());
});
