import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { auditMerged } from "../../src/node/audit-merged.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { inspectAdapter } from "../../src/node/inspect-adapter.ts";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import type { HubSettings } from "../../src/node/remote/hub-settings.ts";
import { fetchWebAdapter } from "../../src/node/remote/web-adapters.ts";
import { loadRecipe, runRecipe } from "../../src/node/run-recipe.ts";
import { filled, rejection } from "../support/memory-folder.ts";
import { MockWeb } from "../support/mock-web.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";

/** Large enough that each module needs a request of its own. */
const SHAPE = { modules: Object.fromEntries(["a", "b", "c"].map((name) => [name, { in: 4096, out: 4096 }])), rank: 8 };
const large = writeAdapter(join(tempFolder(), "large"), randomAdapter(9, SHAPE));
const small = [1, 2].map((seed) => writeAdapter(join(tempFolder(), `a${seed}`), randomAdapter(seed)));
const bytesIn = (folder: string, file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));

const sameWeights = (one: string, other: string): boolean =>
  readFileSync(join(one, WEIGHTS)).equals(readFileSync(join(other, WEIGHTS)));

let web: MockWeb;
let cache: string;
let count = 0;
beforeAll(async () => {
  web = await MockWeb.start();
});
afterAll(() => web.stop());
beforeEach(() => {
  cache = join(tempFolder(), "hub");
  Object.assign(web, { ranges: true, versions: "strong", conditional: true, breaks: [], instead: null });
  web.requests.length = 0;
});

const settings = (more: Partial<HubSettings> = {}): HubSettings => ({
  endpoint: "http://127.0.0.1:9",
  token: "hf_secret",
  fetch,
  cache,
  offline: false,
  pause: 1,
  ...more,
});

/** Put an adapter on the server, in a folder that this process has not asked for. @returns the folder's path there */
function put(folder: string, name = `put-${count++}`): string {
  for (const file of [CONFIG, WEIGHTS]) web.files.set(`/${name}/${file}`, bytesIn(folder, file));
  return `/${name}`;
}

describe("an adapter at an address", () => {
  it("is a folder, of which its config and weights are asked for and kept", async () => {
    const path = put(small[0]!);
    const { adapter, folder, close } = await openAdapterPath(`${web.origin}${path}`, { settings: settings() });
    close();
    expect([adapter.name, adapter.format, adapter.modules.size]).toEqual([`${web.origin.slice(7)}${path}`, "peft", 2]);
    expect(readdirSync(folder!).sort()).toEqual([CONFIG, WEIGHTS]);
    expect(sameWeights(folder!, small[0]!)).toBe(true);
    expect([...new Set(web.requests.map((request) => request.path))]).toEqual([
      `${path}/${CONFIG}`,
      `${path}/${WEIGHTS}`,
    ]);
  });

  it("is a file of weights with PEFT's name, and the config beside it", async () => {
    const path = `${put(small[0]!)}/${WEIGHTS}`;
    const opened = await openAdapterPath(`${web.origin}${path}`, { settings: settings() });
    expect([opened.adapter.modules.size, opened.adapter.format]).toEqual([2, "peft"]);
    opened.close();
  });

  it.each([404, 403])("is a file with a name of its own, beside which the server answers %i", async (status) => {
    const key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
    const kohya = encodeSafetensors([
      filled(`${key}.lora_down.weight`, [2, 320]),
      filled(`${key}.lora_up.weight`, [320, 2]),
      filled(`${key}.alpha`, []),
    ]);
    const path = `/kohya-${status}/my style.safetensors`;
    web.files.set(path, kohya);
    web.instead = (asked, response) => asked !== path && Boolean(response.writeHead(status).end());
    const { adapter, close } = await openAdapterPath(`${web.origin}/kohya-${status}/my%20style.safetensors`, {
      settings: settings(),
    });
    close();
    expect([adapter.name, adapter.format]).toEqual([`${web.origin.slice(7)}${path}`, "kohya"]);
  });

  it("is downloaded once while its version stays, asked for again by each process, and from the cache alone offline", async () => {
    const path = `${web.origin}${put(small[0]!)}`;
    const first = await fetchWebAdapter(path, { settings: settings() });
    const bodies = (): number => web.requests.filter(({ range }) => range !== "bytes=0-0").length;
    expect(bodies()).toBe(2);
    // Another query is another question, as in another process.
    expect(await fetchWebAdapter(`${path}?again`, { settings: settings() })).toBe(first);
    expect([bodies(), web.requests.length]).toEqual([2, 6]);
    expect(await fetchWebAdapter(path, { settings: settings({ offline: true }) })).toBe(first);
    expect(web.requests).toHaveLength(6);
    const error = await rejection(fetchWebAdapter(`${path}-2`, { settings: settings({ offline: true }) }));
    expect(error.message).toMatch(/put-\d+-2 is not in the cache .*hub-web, and HF_HUB_OFFLINE is set/);
  });

  it.each(["strong", "weak", "modified"] as const)(
    "is fetched anew once it changed, by a %s version",
    async (versions) => {
      web.versions = versions;
      const name = put(small[0]!);
      const first = await fetchWebAdapter(`${web.origin}${name}`, { settings: settings() });
      put(small[1]!, name.slice(1));
      const second = await fetchWebAdapter(`${web.origin}${name}?later`, { settings: settings() });
      expect(sameWeights(first, small[0]!)).toBe(true);
      expect(sameWeights(second, small[1]!)).toBe(true);
    },
  );

  it("goes on where a download broke off, and starts again without ranges", async () => {
    const path = put(large);
    web.breaks = [100_000];
    const kept = await fetchWebAdapter(`${web.origin}${path}`, { settings: settings() });
    expect(web.requests.at(-1)!.range).toBe("bytes=100000-");
    expect(sameWeights(kept, large)).toBe(true);
    web.ranges = false;
    const whole = put(large);
    const again = await fetchWebAdapter(`${web.origin}${whole}`, { settings: settings() });
    expect(sameWeights(again, large)).toBe(true);
  });

  it("is asked for with its query, its user and its password, and never with the Hub's token", async () => {
    const path = put(small[0]!);
    const address = `${web.origin.replace("//", "//al%20ice:pass@")}${path}?sig=s3cret`;
    const opened = await openAdapterPath(address, { settings: settings() });
    opened.close();
    expect(new Set(web.requests.map(({ query }) => query))).toEqual(new Set(["?sig=s3cret"]));
    expect(new Set(web.requests.map(({ authorization }) => authorization))).toEqual(
      new Set([`Basic ${btoa("al ice:pass")}`]),
    );
  });

  it("is followed to another host, which gets no user and password", async () => {
    const path = put(small[0]!);
    web.instead = (asked, response, { headers }) =>
      asked.startsWith("/moved") &&
      !headers.host!.startsWith("localhost") &&
      Boolean(response.writeHead(302, { Location: `${web.otherOrigin}${path}/${asked.split("/").at(-1)}` }).end());
    const address = `${web.origin.replace("//", "//me:pass@")}/moved`;
    const opened = await openAdapterPath(address, { settings: settings() });
    opened.close();
    for (const request of web.requests) expect(request.authorization === null).toBe(request.path.startsWith(path));
    expect(web.requests.some(({ path: asked }) => asked.startsWith(path))).toBe(true);
  });
});

describe("an adapter at an address that is read by range", () => {
  it("gives the bytes of a downloaded one, and stores nothing", async () => {
    const [one, two] = [join(tempFolder(), "merged"), join(tempFolder(), "merged")];
    const inputs = [put(large), put(large)].map((path) => `${web.origin}${path}`);
    await mergeAdapters(inputs, { method: "cat" }, { out: one, settings: settings(), stream: true, threads: 1 });
    expect(existsSync(`${cache}-web`)).toBe(false);
    await mergeAdapters(inputs, { method: "cat" }, { out: two, settings: settings(), threads: 1 });
    expect(sameWeights(one, two)).toBe(true);
  });

  it("is refused where the server sends whole files only", async () => {
    web.ranges = false;
    const path = `${web.origin}${put(large)}`;
    const error = await rejection(openAdapterPath(path, { settings: settings(), stream: true }));
    expect(error.message).toMatch(
      /the server sends whole files only, no ranges; download it instead \(leave out --stream\)/,
    );
  });

  it.each([
    ["says so", "strong", true],
    ["only has another ETag", "strong", false],
    ["only has another weak ETag", "weak", false],
    ["only has another date", "modified", false],
  ] as const)("is refused when it changes between two ranges and the server %s", async (_, versions, conditional) => {
    Object.assign(web, { versions, conditional });
    const name = put(large);
    const changing = new Uint8Array(bytesIn(large, WEIGHTS));
    changing[changing.length - 1]! ^= 1;
    const out = join(tempFolder(), "merged");
    const opened = await openAdapterPath(`${web.origin}${name}`, { settings: settings(), stream: true });
    web.files.set(`${name}/${WEIGHTS}`, changing);
    const read = opened.adapter.files[0]!.read(300_000, new Uint8Array(400_000));
    expect((await rejection(read)).message).toMatch(
      /adapter_model\.safetensors changed on the server while it was read, and parts of two versions are never mixed; start the command again\.$/,
    );
    expect(existsSync(out)).toBe(false);
  });

  it("is refused when it changes while it is downloaded", async () => {
    const name = put(large);
    const changing = new Uint8Array(bytesIn(large, WEIGHTS));
    changing[5]! ^= 1;
    web.breaks = [100_000];
    let asked = 0;
    web.instead = (path) => {
      if (path.endsWith(WEIGHTS) && ++asked === 3) web.files.set(path, changing);
      return false;
    };
    const error = await rejection(fetchWebAdapter(`${web.origin}${name}`, { settings: settings() }));
    expect(error.message).toMatch(/changed on the server while it was read/);
  });
});

describe("a merge of addresses", () => {
  it("is repeated from its recipe, tells the adapters by address and hash, and tells no secret", async () => {
    const paths = small.map((folder, i) => `${web.origin.replace("//", `//me${i}:pass@`)}${put(folder)}?sig=s3cret`);
    const addresses = paths.map((path) => path.replace(/\/\/.*@/, "//").replace(/\?.*/, ""));
    const [out, again, report] = ["out", "again", "report.json"].map((name) => join(tempFolder(), name)) as [
      string,
      string,
      string,
    ];
    await mergeAdapters(paths, { method: "lego" }, { out, report, settings: settings(), threads: 1 });
    const recipe = readFileSync(join(out, "recipe.yaml"), "utf8");
    for (const address of addresses) expect(recipe).toContain(address);
    const inputs = JSON.parse(readFileSync(report, "utf8")).inputs as { name: string; sha256: string }[];
    expect(inputs.map(({ name, sha256 }) => [name, sha256])).toEqual(
      addresses.map((address, i) => [
        address.replace("http://", ""),
        createHash("sha256").update(bytesIn(small[i]!, WEIGHTS)).digest("hex"),
      ]),
    );
    for (const file of readdirSync(out)) {
      expect(readFileSync(join(out, file), "latin1")).not.toMatch(/s3cret|me\d:pass/);
    }
    expect(readFileSync(report, "utf8")).not.toMatch(/s3cret|me\d:pass/);
    await runRecipe(await loadRecipe(join(out, "recipe.yaml")), { out: again, settings: settings(), threads: 1 });
    expect(sameWeights(again, out)).toBe(true);
  });

  it("is audited against them by their recorded hashes", async () => {
    const names = small.map((folder) => put(folder));
    const paths = names.map((name) => `${web.origin}${name}`);
    const out = join(tempFolder(), "out");
    await mergeAdapters(paths, { method: "lego" }, { out, settings: settings(), threads: 1 });
    const same = await auditMerged(out, { of: paths, settings: settings() });
    expect(same.mismatch).toBeNull();
    put(writeAdapter(join(tempFolder(), "other"), randomAdapter(77)), names[0]!.slice(1));
    const changed = await auditMerged(out, { of: paths.map((path) => `${path}?v=2`), settings: settings() });
    expect(changed.mismatch).toMatch(/is not the file that this was made of \(by its SHA-256\)/);
  });
});

describe("what a web server does not give", () => {
  const html = (response: ServerResponse): boolean =>
    Boolean(response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end("<html>Sign in</html>"));

  it.each<[string, string, MockWeb["instead"], RegExp]>([
    [
      "a missing file",
      "/none.safetensors",
      null,
      /none\.safetensors: 127.* has no such file \(status 404\); check the address\.$/,
    ],
    [
      "a folder without a config",
      "/none",
      null,
      /none has no adapter_config\.json, and web servers do not list what a folder holds; pass/,
    ],
    [
      "what is forbidden",
      "/secret.safetensors",
      (_, response) => Boolean(response.writeHead(403).end()),
      /does not give it to you \(status 403\); check that it is public, that a signature in the address has not expired/,
    ],
    [
      "a web page in place of the file",
      "/page.safetensors",
      (_, response) => html(response),
      /sends a web page in place of the file; pass/,
    ],
    [
      "a file of unknown length",
      "/long.safetensors",
      (_, response) => {
        response.writeHead(200, { ETag: '"1"' });
        response.write("x");
        return Boolean(response.end("y"));
      },
      /does not say how long the file is \(no Content-Length\); download it and pass it\.$/,
    ],
    [
      "a redirect in a circle",
      "/round.safetensors",
      (_, response) => Boolean(response.writeHead(302, { Location: "/round.safetensors" }).end()),
      /the server redirects in a circle; check the address/,
    ],
    [
      "a redirect to no address of the web",
      "/ftp.safetensors",
      (_, response) => Boolean(response.writeHead(302, { Location: "ftp://host/a" }).end()),
      /redirects to something that is not on the web \(ftp:\)/,
    ],
    [
      "a compressed file",
      "/packed.safetensors",
      (_, response) => Boolean(response.writeHead(200, { ETag: '"1"', "Content-Encoding": "br" }).end()),
      /the server compresses the file/,
    ],
    [
      "an empty file",
      "/empty.safetensors",
      (_, response) => Boolean(response.writeHead(416).end()),
      /the file is empty, or shorter than before \(status 416\)/,
    ],
    [
      "a busy server",
      "/busy.safetensors",
      (_, response) => Boolean(response.writeHead(503).end()),
      /answers with status 503 \(an error in 127.*\); try again later\.$/,
    ],
    [
      "a file that is larger than the disk",
      "/huge.safetensors",
      (path, response, { headers }) =>
        path.startsWith("/huge") &&
        Boolean(
          response
            .writeHead(206, { ETag: '"1"', "Content-Range": `${headers.range!.replace("=", " ")}/1000000000000000` })
            .end("x"),
        ),
      /1000000000000000 bytes are left to download, but only \d+ are free in .*; free some space, .* or read it with --stream\.$/,
    ],
  ])("%s ends in one sentence", async (_, path, instead, message) => {
    web.instead = instead;
    const error = await rejection(openAdapterPath(`${web.origin}${path}`, { settings: settings() }));
    expect(error.name).toMatch(/^(?:RemoteError|NotServed)$/);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
  });

  it("of a version that it does not tell is refused, because a change would not be seen", async () => {
    web.versions = "none";
    const error = await rejection(openAdapterPath(`${web.origin}${put(small[0]!)}`, { settings: settings() }));
    expect(error.message).toMatch(
      /says neither ETag nor Last-Modified, so that a change would not be seen; download it/,
    );
  });

  it("because nobody listens, or its certificate is not trusted, is said with the host", async () => {
    const gone = await rejection(openAdapterPath("http://127.0.0.1:9/a.safetensors", { settings: settings() }));
    expect(gone.message).toMatch(/http:\/\/127\.0\.0\.1:9 cannot be reached \(.+\); check the connection/);
    let tries = 0;
    const untrusted: typeof fetch = async () => {
      tries++;
      const cause = Object.assign(new Error("self-signed"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
      throw new TypeError("fetch failed", { cause });
    };
    const own = settings({ fetch: untrusted });
    const error = await rejection(openAdapterPath("https://127.0.0.1:9/a.safetensors", { settings: own }));
    expect([error.message, tries]).toEqual([
      expect.stringMatching(
        /the certificate of https:\/\/127\.0\.0\.1:9 is not accepted \(DEPTH_ZERO_SELF_SIGNED_CERT\); set NODE_EXTRA_CA_CERTS/,
      ),
      1,
    ]);
  });

  it.each([
    [
      "ftp://host/a.safetensors",
      /^There is no file or folder ftp:.*; ftp:\/\/ is not read, only https:\/\/, http:\/\/ and hf:\/\//,
    ],
    ["s3://bucket/a", /s3:\/\/ is not read, only https:\/\//],
    ["file:///tmp/a", /pass the path on this machine, without file:\/\//],
  ])("since it is none: %s", async (path, message) => {
    const error = await rejection(inspectAdapter(path, { settings: settings() }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(message);
  });
});
