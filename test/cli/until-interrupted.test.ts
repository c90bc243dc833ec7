import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { InterruptedWork, untilInterrupted } from "../../src/cli/until-interrupted.ts";
import { tempFolder } from "../support/pico.ts";

/** Work that goes on until it is asked to stop, as at once. */
const stopped = (stays: string | null) =>
  untilInterrupted((signal) => {
    process.emit("SIGINT");
    signal.throwIfAborted();
    return Promise.resolve("done");
  }, stays);

it("interrupted work names the folder that stays, where there is one", async () => {
  const folder = tempFolder();
  const stays = join(folder, "merged.queue");
  await expect(stopped(null)).rejects.not.toThrow(InterruptedWork);
  await expect(stopped(stays)).rejects.not.toThrow(InterruptedWork);
  mkdirSync(stays);
  await expect(stopped(stays)).rejects.toThrow(InterruptedWork);
  await expect(stopped(stays)).rejects.toMatchObject({ name: "AbortError", stays });
  expect(await untilInterrupted(async () => 1, stays)).toBe(1);
});
