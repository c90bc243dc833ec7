/** The mark of what a run was writing: it may lie in a complete output too, until the next run. */
export const MARK = ".lora-lego-unfinished";

/** Whether to kill at as many moments as the promises were first tested with (KILLS=all), or at fewer, still spread over each run. */
export const EVERY_KILL: boolean = process.env.KILLS === "all";

/**
 * Runs before a command: the process kills itself at the KILL_AT-th call that changes the file system. Where that is negative it says at its
 * end how many there were.
 */
export const KILLER: string = `data:text/javascript,${encodeURIComponent(`
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const all = 1e9;
let left = Number(process.env.KILL_AT);
if (left < 0) {
  left = all;
  process.on("exit", () => console.error("calls: " + (all - left)));
}
const die = () => process.kill(process.pid, "SIGKILL");
const { rmSync, readdirSync, statSync, unlinkSync } = fs;
for (const name of ["mkdirSync", "renameSync", "rmdirSync", "writeFileSync", "writeSync", "ftruncateSync", "fsyncSync", "copyFileSync"]) {
  const original = fs[name];
  fs[name] = (...args) => {
    if (left-- === 0) die();
    return original(...args);
  };
}
// Removing a folder has a moment before it and one in the middle of it.
fs.rmSync = (path, options) => {
  if (left-- === 0) die();
  if (fs.existsSync(path) && statSync(path).isDirectory() && left-- === 0) {
    const [first] = readdirSync(path);
    if (first !== undefined) unlinkSync(path + "/" + first);
    die();
  }
  return rmSync(path, options);
};
syncBuiltinESMExports();
`)}`;
