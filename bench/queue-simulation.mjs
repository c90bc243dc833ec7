/**
 * How long jobs take with many workers, of which some are slow and some die: `node bench/queue-simulation.mjs [SECONDS_PER_JOB]` after
 * `npm run build`. Seeded; see docs/distributed.md.
 */
import { seededRandom } from "../build/lib/core/random.js";

/** Seconds of Redis for a job, measured by bench/queue-overhead.mjs, one after the other for all workers. */
const REDIS = 0.0003;
/** Seconds of the producer for a job, measured too: sending it and taking its result. */
const PRODUCER = 0.0005;
/** Seconds until new work is seen, for each worker at random, and for opening it. */
const [LOOK, OPEN] = [0.5, 2];
/** A lock that is not renewed runs out, and is found by the next look at all locks. */
const PATIENCE = 30;
/** Share of workers that are slow, and how slow; mean seconds until a worker dies, and until it is back. */
const [SLOW_SHARE, SLOWNESS, LIFE, BACK] = [0.05, 4, 3600, 20];
/** Spread of job times: the standard deviation of their logarithm. */
const SPREAD = 0.5;

/** Workers by the time at which they are free next: a binary heap. */
class Heap {
  items = [];
  push(item) {
    let at = this.items.push(item) - 1;
    for (let up = (at - 1) >> 1; at > 0 && this.items[up].at > item.at; at = up, up = (at - 1) >> 1) {
      this.items[at] = this.items[up];
      this.items[up] = item;
    }
  }
  pop() {
    const [first] = this.items;
    const last = this.items.pop();
    if (this.items.length === 0) return first;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= this.items.length) break;
      if (down + 1 < this.items.length && this.items[down + 1].at < this.items[down].at) down++;
      if (this.items[down].at >= last.at) break;
      this.items[at] = this.items[down];
      at = down;
    }
    this.items[at] = last;
    return first;
  }
}

/** @returns wall seconds, and those of Redis, the producer and the work itself */
function simulate({ workers, jobs, seconds, seed, faults }) {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
  const times = Array.from({ length: jobs }, () => seconds * Math.exp(SPREAD * normal() - SPREAD ** 2 / 2));
  const lifetime = () => (faults ? -LIFE * Math.log(1 - random.uniform()) : Number.POSITIVE_INFINITY);
  const heap = new Heap();
  for (let w = 0; w < workers; w++) {
    const slow = faults && random.uniform() < SLOW_SHARE ? SLOWNESS : 1;
    heap.push({ at: LOOK * random.uniform() + OPEN, slow, dies: lifetime() });
  }
  // Jobs that a dead worker held come back when their lock has run out.
  const waiting = times.map((time) => ({ time, from: 0 })).reverse();
  const back = new Heap();
  let [redis, producer, left, end, lost, busy] = [0, 0, jobs, 0, 0, 0];
  while (left > 0) {
    const worker = heap.pop();
    if (back.items.length > 0 && back.items[0].at <= worker.at) waiting.push(back.pop());
    const job = waiting.pop();
    if (job === undefined) {
      // It waits for what a dead worker held.
      if (back.items.length > 0) heap.push({ ...worker, at: Math.max(worker.at, back.items[0].at) });
      else if (heap.items.length === 0) break;
      continue;
    }
    redis = Math.max(redis, worker.at) + REDIS / 2;
    const done = redis + job.time * worker.slow;
    if (worker.dies < done) {
      lost++;
      const found = Math.max(worker.dies, worker.at) + PATIENCE * (1 + random.uniform());
      back.push({ at: found, time: job.time });
      heap.push({
        ...worker,
        at: Math.max(worker.dies, worker.at) + BACK + OPEN,
        dies: worker.dies + BACK + lifetime(),
      });
      continue;
    }
    busy += done - redis;
    redis = Math.max(redis, 0) + REDIS / 2;
    left--;
    producer = Math.max(producer, done) + PRODUCER;
    end = Math.max(end, producer);
    heap.push({ ...worker, at: done + REDIS / 2 });
  }
  return { wall: end, lost, busy, work: times.reduce((sum, time) => sum + time, 0) };
}

const seconds = Number(process.argv[2] ?? 2);
console.log(`${seconds} s a job; seed 0`);
console.log("workers  jobs    faults  wall s  speed-up  of ideal  lost  Redis s  producer s");
for (const [workers, jobs] of [
  [64, 2000],
  [64, 20000],
  [1000, 2000],
  [1000, 20000],
  [1000, 200000],
]) {
  for (const faults of [false, true]) {
    const { wall, lost, work } = simulate({ workers, jobs, seconds, seed: 0, faults });
    const cells = [
      String(workers).padEnd(7),
      String(jobs).padEnd(6),
      (faults ? "yes" : "no").padEnd(6),
      wall.toFixed(1).padStart(6),
      (work / wall).toFixed(0).padStart(8),
      `${((100 * work) / wall / workers).toFixed(0)} %`.padStart(8),
      String(lost).padStart(4),
      (jobs * REDIS).toFixed(1).padStart(7),
      (jobs * PRODUCER).toFixed(1).padStart(10),
    ];
    console.log(cells.join("  "));
  }
}
