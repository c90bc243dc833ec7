import { it } from "vitest";
import { patternLookup } from "../../src/adapter/pattern.ts";

it("x", () => {
  const names = Array.from(
    { length: 10000 },
    (_, i) => `model.layers.${i % 60}.mlp.experts.${Math.floor(i / 60)}.up_proj`,
  );
  const lookup = patternLookup(
    names.map((n) => [n, 1] as const),
    0,
    "x",
  );
  const t = performance.now();
  for (const n of names) lookup(n);
  console.log(performance.now() - t, "ms");
});
