// A worker in a process of its own that gives up silent workers soon: node queue-worker.mjs URL PATIENCE_MS ROOT...
import { runWorker } from "../../build/lib/queue/worker.js";

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const [url, patience, ...roots] = process.argv.slice(2);
await runWorker({
  url,
  roots,
  lanes: 1,
  cache: null,
  patienceMs: Number(patience),
  signal: stop.signal,
  onNotice: (text) => console.error(text),
});
