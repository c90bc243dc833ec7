import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Milliseconds for npx to install the package and start it. */
const PATIENCE = 180_000;

/** Serve the explorer by npx from the tarball in an empty folder. @throws Error if its page does not come */
export async function checkServed(tarball, folder) {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  copyFileSync(tarball, join(empty, basename(tarball)));
  // In a group of its own, so that npx ends with the server that it starts.
  const words = ["--yes", `./${basename(tarball)}`, "ui", "--no-open"];
  const child = spawn("npx", words, { cwd: empty, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  try {
    // The address carries a token, which a cookie then replaces.
    const address = await addressIn(child);
    const first = await fetch(address, { redirect: "manual" });
    const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
    const response = await fetch(new URL(first.headers.get("location") ?? address, address), { headers: { cookie } });
    const page = await response.text();
    if (!response.ok || !page.includes("<title>")) throw new Error(`The explorer answered ${response.status}: ${page}`);
  } finally {
    if (child.exitCode === null) process.kill(-child.pid, "SIGTERM");
  }
  console.log("npx serves the explorer from the tarball in an empty folder.");
}

function addressIn(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (why) => reject(new Error(`npx ui ${why}:\n${said}`));
    const timer = setTimeout(() => fail("did not start in time"), PATIENCE);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        said += text;
        const [url] = /http:\/\/127\.0\.0\.1:\d+\S*/.exec(said) ?? [];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url);
      });
    }
    child.on("close", (code) => fail(`ended with status ${code}`));
  });
}

/** Check that all links of the packed README lead to files of the package. */
export function checkLinks(installed) {
  const targets = Array.from(
    readFileSync(join(installed, "README.md"), "utf8").matchAll(/\]\(([^)\s]+)\)/g),
    ([, to]) => to,
  );
  const broken = targets.filter((to) => !/^https?:/.test(to) && !existsSync(join(installed, to.split("#")[0])));
  if (broken.length > 0)
    throw new Error(`README.md of the package links to files that are not in it: ${broken.join(", ")}`);
  console.log(`All ${targets.length} links of the packed README resolve.`);
}
