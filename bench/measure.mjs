// Whole processes, timed from outside.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * Run a command to its end: seconds, processor seconds (user and system, all threads), and peak memory in MB by the kernel's own
 * high-water mark.
 */
export async function run([command, ...words]) {
  const start = performance.now();
  const before = childrenSeconds();
  const child = spawn(command, words.map(String), { stdio: ["ignore", "ignore", "pipe"], env: baselineEnvironment() });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  let peak = 0;
  const poll = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {}
  }, 5);
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(poll);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${errors}`);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, processor: childrenSeconds() - before, megabytes: peak / 1000 };
}

/** Processor seconds of all children that have ended, from Linux's ticks of 10 ms. */
function childrenSeconds() {
  // The name, which may hold anything, is in brackets; cutime and cstime are the 14th and 15th field after it.
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/**
 * numpy chooses its own kernels, whatever this machine's environment pins. One thread each for OpenMP and OpenBLAS: on
 * problems of this size scikit-learn's threads get in each other's way and take many times longer.
 */
export function baselineEnvironment() {
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...rest } = process.env;
  return { ...rest, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };
}
