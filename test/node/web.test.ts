import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { fetchWebAdapter } from "../../src/node/remote/web-adapters.ts";
import { filled, rejection } from "../support/memory-folder.ts";
import { tempFolder } from "../support/pico.ts";
import {
  bytesIn,
  CONFIG,
  largeAdapter,
  put,
  sameWeights,
  smallAdapters,
  useWeb,
  WEIGHTS,
} from "../support/web-adapters.ts";

const small = smallAdapters();
const large = largeAdapter();

const { cache, settings, web } = await useWeb();

describe("an adapter at an address", () => {
  it("is a folder, of which its config and weights are asked for and kept", async () => {
    const path = put(web, small[0]!);
    const { adapter, folder, close } = await openAdapterPath(`${web.origin}${path}`, { settings: settings() });
    close();
    expect([adapter.name, adapter.format, adapter.modules.size]).toEqual([`${web.origin.slice(7)}${path}`, "peft", 2]);
    expect(readdirSync(folder!).sort()).toEqual([CONFIG, WEIGHTS]);
    expect(sameWeights(folder!, small[0]!)).toBe(true);
    for (const { authorization } of web.requests) expect(authorization).toBeNull();
    expect([...new Set(web.requests.map((request) => request.path))]).toEqual([
      `${path}/${CONFIG}`,
      `${path}/${WEIGHTS}`,
    ]);
  });

  it("is a file of weights with PEFT's name, and the config beside it", async () => {
    const path = `${put(web, small[0]!)}/${WEIGHTS}`;
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
    const path = `${web.origin}${put(web, small[0]!)}`;
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
      const name = put(web, small[0]!);
      const first = await fetchWebAdapter(`${web.origin}${name}`, { settings: settings() });
      put(web, small[1]!, name.slice(1));
      const second = await fetchWebAdapter(`${web.origin}${name}?later`, { settings: settings() });
      expect(sameWeights(first, small[0]!)).toBe(true);
      expect(sameWeights(second, small[1]!)).toBe(true);
    },
  );

  it("goes on where a download broke off, and starts again without ranges", async () => {
    const path = put(web, large);
    web.breaks = [100_000];
    const kept = await fetchWebAdapter(`${web.origin}${path}`, { settings: settings() });
    expect(web.requests.at(-1)!.range).toBe("bytes=100000-");
    expect(sameWeights(kept, large)).toBe(true);
    web.ranges = false;
    const whole = put(web, large);
    const again = await fetchWebAdapter(`${web.origin}${whole}`, { settings: settings() });
    expect(sameWeights(again, large)).toBe(true);
  });

  it("is asked for with its query, its user and its password, and never with the Hub's token", async () => {
    const path = put(web, small[0]!);
    const address = `${web.origin.replace("//", "//al%20ice:pass@")}${path}?sig=s3cret`;
    const opened = await openAdapterPath(address, { settings: settings() });
    opened.close();
    expect(new Set(web.requests.map(({ query }) => query))).toEqual(new Set(["?sig=s3cret"]));
    expect(new Set(web.requests.map(({ authorization }) => authorization))).toEqual(
      new Set([`Basic ${btoa("al ice:pass")}`]),
    );
  });

  it("is followed to another host, which gets no user and password", async () => {
    const path = put(web, small[0]!);
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
    const inputs = [put(web, large), put(web, large)].map((path) => `${web.origin}${path}`);
    await mergeAdapters(inputs, { method: "cat" }, { out: one, settings: settings(), stream: true, threads: 1 });
    expect(existsSync(`${cache()}-web`)).toBe(false);
    await mergeAdapters(inputs, { method: "cat" }, { out: two, settings: settings(), threads: 1 });
    expect(sameWeights(one, two)).toBe(true);
  });

  it("is refused where the server sends whole files only", async () => {
    web.ranges = false;
    const path = `${web.origin}${put(web, large)}`;
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
    const name = put(web, large);
    const changing = new Uint8Array(bytesIn(large, WEIGHTS));
    changing[changing.length - 1]! ^= 1;
    const opened = await openAdapterPath(`${web.origin}${name}`, { settings: settings(), stream: true });
    web.files.set(`${name}/${WEIGHTS}`, changing);
    const read = opened.adapter.files[0]!.read(300_000, new Uint8Array(400_000));
    expect((await rejection(read)).message).toMatch(
      /adapter_model\.safetensors changed on the server while it was read, and parts of two versions are never mixed; start the command again\.$/,
    );
  });

  it("is refused when it changes while it is downloaded", async () => {
    const name = put(web, large);
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
