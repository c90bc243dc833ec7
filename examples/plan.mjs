// Look at what a merge would do, from the headers alone.
import { fileURLToPath } from "node:url";
import { makePlan } from "lora-lego";
import { openAdapters } from "lora-lego/node";

const paths = ["next", "reverse"].map((name) => fileURLToPath(new URL(`adapters/${name}`, import.meta.url)));
const opened = await openAdapters(paths);
const plan = makePlan(
  opened.map(({ adapter }) => adapter),
  { method: "cat", rankLayout: "pattern" },
);
for (const { close } of opened) close();
console.log(`${plan.modules.length} modules of rank up to ${plan.rank}, ${plan.size} bytes of ${plan.dtype}`);
console.log(plan.config.rank_pattern);
