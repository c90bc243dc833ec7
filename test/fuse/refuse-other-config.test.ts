import { describe, expect, it } from "vitest";
import { RefusedError } from "../../src/core/errors.ts";
import { parseBaseConfig } from "../../src/fuse/base-config.ts";
import { refuseOtherConfig } from "../../src/fuse/refuse-other-config.ts";

const config = (who: string, fields: object) => parseBaseConfig(JSON.stringify(fields), `${who}/config.json`);
const LLAMA = { model_type: "llama", num_hidden_layers: 32, architectures: ["LlamaForCausalLM"] };

describe("the configs of a base and of a tuned model", () => {
  it.each([
    [{ model_type: "mistral" }, LLAMA, "model_type llama, but base/config.json says mistral"],
    [{ ...LLAMA, num_hidden_layers: 30 }, LLAMA, "num_hidden_layers 32, but base/config.json says 30"],
    [{ _class_name: "UNet" }, { _class_name: "FluxTransformer2DModel" }, "_class_name FluxTransformer2DModel"],
    // The language model's own section counts.
    [
      { model_type: "whole", text_config: LLAMA },
      { model_type: "whole", text_config: { model_type: "qwen3" } },
      "qwen3",
    ],
  ])("%o and %o are refused", (base, tuned, words) => {
    const refused = () => refuseOtherConfig(config("base", base), config("tuned", tuned));
    expect(refused).toThrow(RefusedError);
    expect(refused).toThrow(words);
    expect(refused).toThrow(/^tuned\/config\.json says .*; pass the base model that it was tuned from\.$/);
  });

  it("are compared where both have a field", () => {
    const tuned = config("tuned", { ...LLAMA, vocab_size: 7 });
    for (const base of [config("base", LLAMA), config("base", { model_type: "llama" }), config("base", {}), null]) {
      expect(() => refuseOtherConfig(base, tuned)).not.toThrow();
      expect(() => refuseOtherConfig(tuned, base)).not.toThrow();
    }
  });
});
