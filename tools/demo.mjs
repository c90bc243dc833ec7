/** The demo: merge the bundled example adapters by LoRA-LEGO and print what merged with what. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const adapters = readdirSync(join(root, "examples/adapters"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => join("examples/adapters", entry.name));
const words = ["merge", ...adapters, "--out", "demo-merged", "--force"];
console.log(`\n$ lora-lego ${words.join(" ")}\n`);
const { status } = spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...words], {
  cwd: root,
  stdio: "inherit",
});
if (status === 0)
  console.log(
    "\ndemo-merged/ is a PEFT adapter: load it with PeftModel.from_pretrained, or pass it to any server that takes one.",
  );
process.exitCode = status ?? 1;
