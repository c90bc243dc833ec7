import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach } from "vitest";
import type { HubSettings } from "../../src/node/remote/hub-settings.ts";
import { MockWeb } from "./mock-web.ts";
import { randomAdapter, tempFolder, writeAdapter } from "./pico.ts";

export const WEIGHTS = "adapter_model.safetensors";
export const CONFIG = "adapter_config.json";

let count = 0;

/** Two adapters on disk. */
export function smallAdapters(): [string, string] {
  const made = [1, 2].map((seed) => writeAdapter(join(tempFolder(), `a${seed}`), randomAdapter(seed)));
  return [made[0]!, made[1]!];
}

/** An adapter on disk that takes several requests to read. */
export function largeAdapter(): string {
  const modules = Object.fromEntries(["a", "b", "c"].map((name) => [name, { in: 4096, out: 4096 }]));
  return writeAdapter(join(tempFolder(), "large"), randomAdapter(9, { modules, rank: 8 }));
}

export function bytesIn(folder: string, file: string): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, file)));
}

export function sameWeights(one: string, other: string): boolean {
  return readFileSync(join(one, WEIGHTS)).equals(readFileSync(join(other, WEIGHTS)));
}

/** A web server for the tests of a file, as it is at first before each of them, and settings that have a cache of their own for each. */
export async function useWeb(): Promise<{
  readonly web: MockWeb;
  cache(): string;
  /** With a token of the Hub, which no web server may see. */
  settings(more?: Partial<HubSettings>): HubSettings;
}> {
  const web = await MockWeb.start();
  let cache = "";
  afterAll(() => web.stop());
  beforeEach(() => {
    cache = join(tempFolder(), "hub");
    Object.assign(web, { ranges: true, versions: "strong", conditional: true, breaks: [], instead: null });
    web.requests.length = 0;
  });
  return {
    web,
    cache: () => cache,
    settings: (more = {}) => ({
      endpoint: "http://127.0.0.1:9",
      token: "hf_secret",
      fetch,
      cache,
      offline: false,
      pause: 1,
      ...more,
    }),
  };
}

/** Put an adapter on a server, in a folder that this process has not asked for. @returns its path there */
export function put(web: MockWeb, folder: string, name = `put-${count++}`): string {
  for (const file of [CONFIG, WEIGHTS]) web.files.set(`/${name}/${file}`, bytesIn(folder, file));
  return `/${name}`;
}
