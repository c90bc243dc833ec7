import { serveLane, type WorkerScope } from "../src/browser/serve-lane.ts";

serveLane(self as unknown as WorkerScope, {
  begin: async () => (await import("hash-wasm")).createSHA256(),
  inTurn: isSecureContext ? (work) => navigator.locks.request("lora-lego hash", work) : null,
});
