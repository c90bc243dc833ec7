import type { Adapter } from "../adapter/adapter.ts";
import { openAdapter } from "../adapter/open.ts";
import { type ByteSource, memorySource } from "../core/bytes.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { MergePlan } from "./merge-plan.ts";
import { planLayout } from "./plan-layout.ts";

/** The adapter that a plan will write, as far as headers go, so that what is to be made of it can be planned too. */
export function plannedAdapter(name: string, plan: MergePlan): Promise<Adapter> {
  const { header } = planLayout(plan);
  const weights: ByteSource = {
    name: `${name}/${WEIGHTS_FILE}`,
    size: plan.size,
    async read(offset, into) {
      // Behind the header there are no values yet.
      into.fill(0);
      into.set(header.subarray(offset, offset + into.byteLength));
    },
  };
  const config = memorySource(`${name}/${CONFIG_FILE}`, new TextEncoder().encode(JSON.stringify(plan.config)));
  const open = async (file: string): Promise<ByteSource> => (file === CONFIG_FILE ? config : weights);
  return openAdapter({ name, files: [CONFIG_FILE, WEIGHTS_FILE], folders: [], open });
}
