import { serveLane, type WorkerScope } from "../src/browser/page-lanes.ts";

serveLane(self as unknown as WorkerScope);
