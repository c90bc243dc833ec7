import { MessageChannel, Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import {
  type ErrorMessage,
  errorMessage,
  FormatError,
  LoraLegoError,
  OutputError,
  RefusedError,
  reviveError,
  UsageError,
} from "../../src/core/errors.ts";

const KINDS = [FormatError, RefusedError, UsageError, OutputError];

/** What comes out of a structured clone, as between threads. */
async function posted<T>(value: T): Promise<T> {
  const { port1, port2 } = new MessageChannel();
  const arrived = new Promise<T>((resolve) => port2.once("message", resolve));
  port1.postMessage(value);
  const copy = await arrived;
  port1.close();
  return copy;
}

describe("errors", () => {
  it.each(KINDS)("are named after their class: %s", (Kind) => {
    const error = new Kind("No luck.");
    expect(error).toBeInstanceOf(LoraLegoError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(Kind.prototype.constructor.name);
    expect(String(error)).toBe(`${error.name}: No luck.`);
  });

  it.each(KINDS)(
    "of our own come through a message port as their own class with the message alone: %s",
    async (Kind) => {
      const revived = reviveError(await posted(errorMessage(new Kind("a.safetensors is damaged."))));
      expect(revived).toBeInstanceOf(Kind);
      expect(revived.message).toBe("a.safetensors is damaged.");
    },
  );

  it("come through from another thread", async () => {
    const url = new URL("../../src/core/errors.ts", import.meta.url);
    const source = `
      const { parentPort } = require("node:worker_threads");
      class FormatError extends Error { get name() { return "FormatError"; } }
      parentPort.postMessage({ kind: new FormatError("x").name, message: "from ${url.pathname}" });`;
    const worker = new Worker(source, { eval: true });
    const message = await new Promise<ErrorMessage>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    await worker.terminate();
    const revived = reviveError(message);
    expect(revived).toBeInstanceOf(FormatError);
    expect(revived.message).toContain("errors.ts");
  });

  it("that are defects keep their stack, so that they can be found", async () => {
    const revived = reviveError(await posted(errorMessage(new TypeError("x is not a function"))));
    expect(revived).not.toBeInstanceOf(LoraLegoError);
    expect(revived.message).toContain("TypeError: x is not a function");
    expect(revived.message).toContain("errors.test.ts");
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
