import { describe, expect, it } from "vitest";
import { RefusedError } from "../../../src/core/errors.ts";
import { A, B, BA, deltasOf, openDialect, refuses } from "../../support/dialect.ts";

describe("dialects without names", () => {
  it("reads lora_diffusion, and its learnt tokens as extras", async () => {
    const adapter = await openDialect({ "unet:12:down": A, "unet:12:up": B, "<s1>": [1, 2] });
    expect(adapter.format).toBe("lora_diffusion");
    expect([...adapter.extras.keys()]).toEqual(["<s1>"]);
    expect(await deltasOf(adapter)).toEqual({ "unet:12": BA });
  });

  it("reads hand-written SAM factors", async () => {
    const adapter = await openDialect({ w_a_000: A, w_b_000: B });
    expect(adapter.format).toBe("sam");
    expect(await deltasOf(adapter)).toEqual({ w_000: BA });
    await refuses(RefusedError, { w_a_000: A, w_b_000: B, sam_head: [1] }, "sam_head");
  });
});
