import { describe, expect, it } from "vitest";
import { tempFolder } from "../support/pico.ts";
import { chaos } from "../support/queue-chaos.ts";
import { HAS_REDIS } from "../support/redis.ts";

describe.runIf(HAS_REDIS)("a queue of 500 jobs, whose three workers are killed one after the other", () => {
  it("ends with exactly the bytes of one process, each job counted once", async () => {
    const { same, done, kills } = await chaos(tempFolder(), 500, 300, 60);
    expect([same, done]).toEqual([true, 500]);
    expect(kills).toBeGreaterThan(3);
  });
});
