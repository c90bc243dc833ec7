import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lessInitial } from "../../src/adapter/less-initial.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { openPico, type PicoAdapter, randomAdapter, readMerged, tempFolder } from "../support/pico.ts";
import { written } from "../support/written.ts";

const GOLDEN = new URL("../golden/consumers/inits/", import.meta.url).pathname;

describe("convert --from-init", () => {
  it.each(["pissa", "olora"])("makes the plain LoRA that PEFT makes (%s, tools/consumers/kinds.mjs)", async (name) => {
    const out = join(tempFolder(), "plain");
    const [after, before] = ["after", "before"].map((state) => join(GOLDEN, `${name}-${state}`));
    await convertAdapter(after!, { out, fromInit: before! });
    const [found, expected] = [out, join(GOLDEN, `${name}-plain`)].map(readMerged);
    expect([...found!.modules.keys()].sort()).toEqual([...expected!.modules.keys()].sort());
    for (const [path, module] of found!.modules) {
      const { A, B, scale } = expected!.modules.get(path)!;
      expect([module.A, module.B]).toEqual([A, B]);
      expect(module.scale).toBeCloseTo(scale, 12);
    }
    expect(found!.config).not.toHaveProperty("init_lora_weights");
  });

  const pissa = (more: Partial<PicoAdapter> = {}, seed = 1) =>
    openPico("trained", { ...randomAdapter(seed), ...more, config: { init_lora_weights: "pissa", ...more.config } });
  const initial = (more: Partial<PicoAdapter> = {}) => openPico("initial", { ...randomAdapter(2), ...more });

  it("keeps the element type, and the modules' own scales", async () => {
    const half = { dtype: "BF16" as const, config: { alpha_pattern: { "layers.1.q_proj": 6 } } };
    const plain = lessInitial(await pissa(half), await initial(half));
    expect(plain.variants).toEqual([]);
    const again = await openAdapter(memoryFolder("again", await written(plain, "peft")));
    for (const { name, rank, scale, a, b } of again.modules.values()) {
      expect([rank, scale, a.dtype, b.dtype]).toEqual([4, name === "layers.1.q_proj" ? 3 : 1, "BF16", "BF16"]);
    }
  });

  it("refuses an adapter that is not the one before", async () => {
    const trained = await pissa();
    const [wide] = Object.values(randomAdapter(2).modules);
    const lacks = await initial({ modules: { "layers.0.q_proj": wide! } });
    expect(() => lessInitial(trained, lacks)).toThrow(
      /^trained adapts layers\.1\.q_proj and initial does not; pass the adapter .* as --from-init/,
    );
    const more = await initial({ modules: { ...randomAdapter(2).modules, v: wide! } });
    expect(() => lessInitial(trained, more)).toThrow(/^initial adapts v and trained does not; pass/);
    const scaled = await initial({ config: { lora_alpha: 8 } });
    expect(() => lessInitial(trained, scaled)).toThrow(
      /^layers\.0\.q_proj has .* rank 2 and scale 1 in trained, but .* rank 2 and scale 4 in initial; pass/,
    );
    const dora = await initial({ config: { use_dora: true } });
    expect(() => lessInitial(trained, dora)).toThrow(/^initial is a DoRA adapter/);
  });
});
