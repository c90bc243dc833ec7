import { serveLane, type WorkerScope } from "../src/browser/page-lanes.ts";

// Pages of insecure origins have neither locks nor hashes.
serveLane(
  self as unknown as WorkerScope,
  isSecureContext ? (work) => navigator.locks.request("lora-lego hash", work) : null,
);
