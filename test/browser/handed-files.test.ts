import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { handedFolder } from "../../src/browser/handed-files.ts";
import { LoraLegoError, RemoteError } from "../../src/core/errors.ts";
import { linear, peftFiles, rejection } from "../support/memory-folder.ts";

const WEIGHTS = "adapter_model.safetensors";
const WIDE = 1 << 16;

/** A file that knows how much of it was read, and cannot be read whole. */
class Watched extends Blob {
  read = 0;
  override slice(from = 0, to = this.size): Blob {
    this.read += to - from;
    return super.slice(from, to);
  }
  override arrayBuffer(): Promise<ArrayBuffer> {
    throw new Error("The file was read whole.");
  }
}

function files(): { config: string; weights: Uint8Array<ArrayBuffer> } {
  const tensors = linear("q", 2, WIDE, WIDE);
  const { "adapter_config.json": config, [WEIGHTS]: weights } = peftFiles(tensors) as Record<
    string,
    string | Uint8Array
  >;
  return { config: config as string, weights: Uint8Array.from(weights as Uint8Array) };
}

describe("files that a page was handed", () => {
  it("are read in slices: of large weights, the header when they are opened", async () => {
    const { config, weights } = files();
    const file = new Watched([weights]);
    const handed = { "adapter_config.json": { blob: new Blob([config]) }, [WEIGHTS]: { blob: file } };
    const adapter = await openAdapter(handedFolder({ name: "large", files: handed, folders: [] }));
    expect(adapter.modules.size).toBe(1);
    expect(file.size).toBeGreaterThan(1e6);
    expect(file.read).toBeLessThan(10_000);
  });

  it.each([
    [
      "more than its range",
      (response: ServerResponse) => response.writeHead(206).end(new Uint8Array(10_000_000)),
      RemoteError,
    ],
    ["less than its range", (response: ServerResponse) => response.writeHead(206).end("x"), LoraLegoError],
    ["another answer", (response: ServerResponse) => response.writeHead(403).end("no"), LoraLegoError],
  ])("are refused where their address sends %s", async (_, answer, Kind) => {
    const server = createServer((_, response) => void answer(response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
    const handed = { [WEIGHTS]: { url, size: 5000 } };
    const error = await rejection(openAdapter(handedFolder({ name: "served", files: handed, folders: [] })));
    server.closeAllConnections();
    server.close();
    expect(error).toBeInstanceOf(Kind);
    expect(error.message).toMatch(/^served\/adapter_model\.safetensors[^\n]*\.$/);
  });
});
