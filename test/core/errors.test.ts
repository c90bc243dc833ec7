import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import {
  errorMessage,
  FormatError,
  LoraLegoError,
  OutputError,
  QueueError,
  RefusedError,
  RemoteError,
  reviveError,
  UsageError,
} from "../../src/core/errors.ts";

const KINDS = [FormatError, RefusedError, UsageError, OutputError, RemoteError, QueueError];

/** A thread that sends back what it is sent. */
const echo = new Worker(
  `const { parentPort: port } = require("node:worker_threads"); port.on("message", (x) => port.postMessage(x));`,
  { eval: true },
);
afterAll(() => echo.terminate());

/** A value on its way through another thread and back. */
async function posted<T>(value: T): Promise<T> {
  const back = once(echo, "message");
  echo.postMessage(value);
  return (await back)[0];
}

describe("errors", () => {
  it.each(KINDS)("are named after their class: %s", (Kind) => {
    const error = new Kind("No luck.");
    expect(error).toBeInstanceOf(LoraLegoError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(Kind.prototype.constructor.name);
    expect(String(error)).toBe(`${error.name}: No luck.`);
  });

  it.each(KINDS)("of our own come through a thread as their own class with the message alone: %s", async (Kind) => {
    const revived = reviveError(await posted(errorMessage(new Kind("a.safetensors is damaged."))));
    expect(revived).toBeInstanceOf(Kind);
    expect(revived.message).toBe("a.safetensors is damaged.");
  });

  it("of a narrower class come through a thread as the class that it is of", async () => {
    class Stalled extends RemoteError {}
    const revived = reviveError(await posted(errorMessage(new Stalled("The server sent nothing."))));
    expect(revived).toBeInstanceOf(RemoteError);
    expect(revived.message).toBe("The server sent nothing.");
  });

  it("that are defects keep their stack, so that they can be found", async () => {
    const revived = reviveError(await posted(errorMessage(new TypeError("x is not a function"))));
    expect(revived).not.toBeInstanceOf(LoraLegoError);
    expect(revived.message).toContain("TypeError: x is not a function");
    expect(revived.message).toContain("errors.test.ts");
  });

  it("of the system keep their code and their one sentence", async () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const revived = reviveError(await posted(errorMessage(full)));
    expect(revived).toMatchObject({ code: "ENOSPC", message: full.message });
  });

  it("may be anything that was thrown", () => {
    expect(reviveError(errorMessage("just text")).message).toBe("just text");
    expect(reviveError(errorMessage(undefined)).message).toBe("undefined");
    const bare = new Error("bare");
    delete (bare as { stack?: string }).stack;
    expect(reviveError(errorMessage(bare)).message).toBe("bare");
  });

  it("are never made from a name that is not of ours", () => {
    for (const kind of ["toString", "__proto__", "constructor", "Error", "LoraLegoError", ""]) {
      const revived = reviveError({ kind, message: "x" });
      expect(Object.getPrototypeOf(revived)).toBe(Error.prototype);
    }
  });
});
