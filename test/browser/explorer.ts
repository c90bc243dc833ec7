import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSHA256 } from "hash-wasm";
import { Explorer } from "../../src/browser/explorer.ts";
import type { HandedFolder } from "../../src/browser/handed-files.ts";
import { pageLane, type WorkerLike } from "../../src/browser/page-lanes.ts";
import { serveLane, type WorkerScope } from "../../src/browser/serve-lane.ts";

/** A Web Worker as a page starts it, on the test's own thread; what is sent is cloned. */
function fakeWorker(): WorkerLike {
  const worker: WorkerLike = {
    onmessage: null,
    onerror: null,
    postMessage: (data) => send(scope, data),
    terminate() {},
  };
  const scope: WorkerScope = { onmessage: null, postMessage: (data) => send(worker, data) };
  const send = (to: { onmessage: ((event: MessageEvent) => void) | null }, data: unknown): void => {
    const copy: unknown = structuredClone(data);
    setImmediate(() => to.onmessage?.({ data: copy } as MessageEvent));
  };
  serveLane(scope, { begin: createSHA256, inTurn: (work) => work() });
  return worker;
}

/** An explorer as a page has it, with two such workers. */
export function explorer(): Explorer {
  return new Explorer(() => pageLane(fakeWorker()), 2);
}

/** An adapter's folder, as somebody hands it to the page. */
export function handed(path: string, name: string): HandedFolder {
  const files = readdirSync(path).map((file) => [file, { blob: new Blob([readFileSync(join(path, file))]) }] as const);
  return { name, files: Object.fromEntries(files), folders: [] };
}
