import { describe, expect, it } from "vitest";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { otherMethod } from "../../src/adapter/shown-method.ts";
import { refuseVariants } from "../../src/adapter/variants.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { filled, keyOf, memoryFolder, openPeft } from "../support/memory-folder.ts";

const own = (part: string, shape: readonly number[]): TensorData => filled(keyOf("model.q", part), shape);

/** The tensors of one module (6) -> 4 by each method of PEFT, as its save_pretrained names them. */
const TENSORS: Readonly<Record<string, readonly TensorData[]>> = {
  LORA: [own("lora_A.weight", [2, 6]), own("lora_B.weight", [4, 2])],
  ADALORA: [own("lora_A", [2, 6]), own("lora_B", [4, 2]), own("lora_E", [2, 1])],
  LOHA: [own("hada_w1_a", [4, 2]), own("hada_w1_b", [2, 6]), own("hada_w2_a", [4, 2]), own("hada_w2_b", [2, 6])],
  LOKR: [own("lokr_w1", [2, 2]), own("lokr_w2", [2, 3])],
  IA3: [own("ia3_l", [4, 1])],
  VERA: [own("vera_lambda_b", [4]), own("vera_lambda_d", [2])],
};
/** Their names are not listed, but a LoRA's are not theirs. */
const OTHERS = ["OFT", "XLORA", "TRAINABLE_TOKENS"];
const METHODS = Object.keys(TENSORS);
/** The fields that these methods need. */
const FIELDS = { alpha: 4, init_r: 2, target_modules: ["q"] };
const open = (said: string, shown: string) => openPeft(TENSORS[shown]!, { ...FIELDS, peft_type: said }, "mine");
const refusal = (adapter: Parameters<typeof refuseVariants>[0]): string => {
  try {
    refuseVariants(adapter);
  } catch (error) {
    if (error instanceof RefusedError) return error.message;
    throw error;
  }
  return "";
};

describe("a PEFT folder", () => {
  const pairs = [...METHODS, ...OTHERS].flatMap((said) =>
    METHODS.filter((shown) => shown !== said).map((shown) => [said, shown] as const),
  );

  it.each(pairs)(
    "whose config says %s and whose tensors are those of %s is refused with the way out",
    async (said, shown) => {
      const adapter = await open(said, shown);
      const [first] = TENSORS[shown]!;
      expect(refusal(adapter)).toBe(
        `mine has peft_type "${said}" in its config, but tensors of peft_type "${shown}" (such as ${first!.name}) and none of its own; pass the adapter_config.json that was saved with them.`.replace(
          // Only E tells AdaLoRA's tensors from LoRA's.
          "lora_A)",
          "lora_E)",
        ),
      );
    },
  );

  it.each(pairs)("does not pass a check for PEFT then (%s, %s)", async (said, shown) => {
    const { findings } = checkOpened(await open(said, shown), consumerById("peft"));
    expect(findings.map(({ level }) => level)).toEqual(["differs"]);
    expect(findings[0]!.text).toContain(`tensors of peft_type "${shown}"`);
  });

  it.each(METHODS)("of %s passes it where config and tensors agree", async (method) => {
    const { findings } = checkOpened(await open(method, method), consumerById("peft"));
    expect(findings.filter(({ level }) => level !== "note")).toEqual([]);
  });

  it.each(["LOHA", "LOKR", "ADALORA"])("that says %s without any of its tensors is refused as that", async (said) => {
    const adapter = await openPeft(
      [filled("base_model.model.score.weight", [2])],
      { ...FIELDS, peft_type: said },
      "mine",
    );
    expect(refusal(adapter)).toBe(
      `mine has peft_type "${said}" in its config, but no tensors of that method; pass the config and the weights that were saved together.`,
    );
    expect(checkOpened(adapter, consumerById("peft")).findings.map(({ level }) => level)).toEqual(["differs"]);
  });

  it("without a config is called by what its tensors show", async () => {
    const alone = (method: string) =>
      openAdapter(memoryFolder("mine", { "x.safetensors": encodeSafetensors(TENSORS[method]!) }));
    expect(refusal(await alone("IA3"))).toMatch(/is an adapter of a PEFT method other than LoRA \(tensor .*ia3_l\)/);
    await expect(alone("LOHA")).rejects.toThrow(/has no adapter_config\.json next to it/);
  });
});

it("a method that this release of PEFT does not have may name its tensors like any other", () => {
  const key = keyOf("q", "lora_A.weight");
  expect(otherMethod("LOHA", [key])).toEqual({ method: "LORA", key });
  expect(otherMethod("NEXT_LORA", [key])).toBeNull();
});
