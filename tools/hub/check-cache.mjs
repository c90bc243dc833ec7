/**
 * Checks that Python's huggingface_hub and lora-lego read each other's cache, against a local stand-in of the Hub: what one downloads, the
 * other finds offline. Not part of the tests, which need no Python.
 *
 *   python3 -m venv venv && venv/bin/pip install huggingface_hub==2.4.0
 *   npm run build && node tools/hub/check-cache.mjs venv/bin/python
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const [python] = process.argv.slice(2);
const here = fileURLToPath(new URL("../../", import.meta.url));
const adapter = join(
  here,
  "examples/adapters",
  readdirSync(join(here, "examples/adapters")).filter((name) => name !== "README.md")[0],
);
const names = ["adapter_config.json", "adapter_model.safetensors"];
const REPO = "owner/name";
const COMMIT = "a".repeat(40);

const files = names.map((path) => {
  const bytes = readFileSync(join(adapter, path));
  const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { path, bytes, oid, large: path.endsWith(".safetensors"), sha256 };
});
const server = createServer((request, response) => {
  const json = (value) => response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
  const url = request.url.split("?")[0];
  if (url.includes("/revision/")) return json({ id: REPO, sha: COMMIT });
  if (url.includes("/tree/")) {
    return json(
      files.map(({ path, bytes, oid, large, sha256 }) => ({
        ...{ type: "file", path, oid, size: bytes.length },
        ...(large && { lfs: { oid: sha256, size: bytes.length, pointerSize: 134 } }),
      })),
    );
  }
  const file = files.find(({ path }) => url.endsWith(`/${path}`));
  if (file === undefined) return response.writeHead(404, { "X-Error-Code": "EntryNotFound" }).end();
  const etag = `"${file.large ? file.sha256 : file.oid}"`;
  const head = { "X-Repo-Commit": COMMIT, ETag: etag, "Content-Length": file.bytes.length, "Accept-Ranges": "bytes" };
  response.writeHead(200, file.large ? { ...head, "X-Linked-Etag": etag, "X-Linked-Size": file.bytes.length } : head);
  response.end(request.method === "HEAD" ? undefined : file.bytes);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const endpoint = `http://127.0.0.1:${server.address().port}`;

const cli = (args, env) =>
  run(process.execPath, [join(here, "dist/cli/main.js"), ...args], { env: { ...process.env, ...env } });
const download = (env) =>
  run(
    python,
    [
      "-c",
      `import sys\nfrom huggingface_hub import hf_hub_download\nfor name in sys.argv[1:]: print(hf_hub_download("${REPO}", name))`,
      ...names,
    ],
    { env: { ...process.env, ...env } },
  );

const [ours, theirs] = ["ours", "theirs"].map((name) => mkdtempSync(join(tmpdir(), `hub-${name}-`)));
await cli(["inspect", `hf://${REPO}`], { HF_ENDPOINT: endpoint, HF_HOME: ours });
const found = (await download({ HF_HUB_OFFLINE: "1", HF_HOME: ours })).stdout.trim().split("\n");
for (const [i, path] of found.entries()) {
  if (!readFileSync(realpathSync(path)).equals(files[i].bytes)) throw new Error(`${path} differs`);
}
console.log("huggingface_hub finds offline what lora-lego downloaded");
await download({ HF_ENDPOINT: endpoint, HF_HOME: theirs, HF_HUB_DISABLE_XET: "1" });
await cli(["inspect", `hf://${REPO}`], { HF_HUB_OFFLINE: "1", HF_HOME: theirs });
console.log("lora-lego finds offline what huggingface_hub downloaded");
server.close();
