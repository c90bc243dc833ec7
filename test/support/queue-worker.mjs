// A worker in a process of its own that gives up silent workers soon: node queue-worker.mjs URL PATIENCE_MS ROOT...
import { runWorker } from "../../build/lib/queue/worker.js";

const [url, patience, ...roots] = process.argv.slice(2);
await runWorker({
  url,
  roots,
  lanes: 1,
  cache: null,
  patienceMs: Number(patience),
  signal: new AbortController().signal,
  onNotice: (text) => console.error(text),
});
