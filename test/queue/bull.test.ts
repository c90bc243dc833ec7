import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { reachQueue } from "../../src/queue/bull.ts";
import { tempFolder } from "../support/pico.ts";
import { freePort, HAS_REDIS, startRedis } from "../support/redis.ts";

const folder = tempFolder();
const BUILT_BULL = new URL("../../build/lib/queue/bull.js", import.meta.url).href;

describe.runIf(HAS_REDIS)("the address of a queue", () => {
  it("must be reachable, and its password is never shown", async () => {
    const redis = await startRedis(["--requirepass", "secret"]);
    const withPassword = redis.url.replace("//", "//:secret@");
    await (await reachQueue(withPassword)).close();
    await expect(reachQueue(redis.url.replace("//", "//:wrong@"))).rejects.toThrow(
      /^Redis at redis:\/\/127\.0\.0\.1:\d+ does not answer \(.*\); start redis-server there, or correct --queue\.$/,
    );
    await redis.stop();
    await expect(reachQueue(withPassword)).rejects.toThrow(/does not answer \(.*ECONNREFUSED.*\)/);
  });

  it("with TLS is trusted by its certificate alone", async () => {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const made = spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      key,
      "-out",
      certificate,
      ...about,
    ]);
    expect(made.status).toBe(0);
    const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
    const plain = await freePort();
    const redis = await startRedis(["--tls-port", String(plain), "--tls-auth-clients", "no", ...files]);
    const url = `rediss://127.0.0.1:${plain}`;
    await expect(reachQueue(url)).rejects.toThrow(/^Redis at rediss:.* does not answer \(self-signed certificate\)/);
    const script = `import { reachQueue } from ${JSON.stringify(BUILT_BULL)}; await (await reachQueue(${JSON.stringify(url)})).close();`;
    const trusting = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", script], { env: trusting }).status).toBe(0);
    await redis.stop();
  });

  it.each(["http://host", "host:6379", "redis://", ""])("is not %j", async (url) => {
    await expect(reachQueue(url)).rejects.toThrow(/^--queue is no address of a Redis; write redis:\/\/host:6379/);
  });
});
