import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RefusedError, RemoteError, UsageError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { mergeToFolder } from "../../src/node/merge-adapters.ts";
import { pushAdapter } from "../../src/node/push-adapter.ts";
import { fetchHubAdapter } from "../../src/node/remote/hub-adapters.ts";
import { hubSettings } from "../../src/node/remote/hub-settings.ts";
import { parseHubPath } from "../../src/remote/hub/hub-path.ts";
import { linear, peftFiles, rejection } from "../support/memory-folder.ts";
import { MockHub, type MockRepository, TOKEN } from "../support/mock-hub.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";

/** The files of an adapter, and of others that must be left alone. */
function repository(seed: number, more: Partial<MockRepository> = {}): MockRepository {
  const folder = writeAdapter(join(tempFolder(), "adapter"), randomAdapter(seed));
  const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));
  const card = "---\ndatasets:\n- glue\n---\n# A card";
  const files = {
    [CONFIG]: read(CONFIG),
    [WEIGHTS]: read(WEIGHTS),
    "README.md": new TextEncoder().encode(card),
    "optimizer.pt": new Uint8Array(5000),
    "checkpoint-1/other.safetensors": new Uint8Array(10),
  };
  return { files, large: [WEIGHTS, "optimizer.pt"], ...more };
}

const shards = (): MockRepository => {
  const index = {
    weight_map: {
      "base_model.model.q.lora_A.weight": "a-00001-of-00002.safetensors",
      "base_model.model.q.lora_B.weight": "a-00002-of-00002.safetensors",
    },
  };
  const [a, b] = linear("q");
  const files = {
    [CONFIG]: new TextEncoder().encode(peftFiles([])[CONFIG] as string),
    "a.safetensors.index.json": new TextEncoder().encode(JSON.stringify(index)),
    "a-00001-of-00002.safetensors": encodeSafetensors([a!]),
    "a-00002-of-00002.safetensors": encodeSafetensors([b!]),
  };
  return { files };
};

let hub: MockHub;
let cache: string;
let count = 0;
/** A name that this process has not asked for yet: it asks for each path once. */
const names: string[] = Array.from({ length: 30 }, (_, i) => `owner/model-${i}`);
const fresh = (): string => `hf://${names[count++]!}`;

beforeAll(async () => {
  const many = Object.fromEntries(names.map((name, i) => [name, repository(i)]));
  const nested = repository(50);
  hub = await MockHub.start({
    ...many,
    "owner/hidden": repository(40, { access: "private" }),
    "owner/gated": repository(41, { access: "gated" }),
    "owner/nested": {
      files: Object.fromEntries(Object.entries(nested.files).map(([path, bytes]) => [`runs/last/${path}`, bytes])),
      large: [`runs/last/${WEIGHTS}`],
    },
    "owner/shards": shards(),
  });
});
afterAll(() => hub.stop());
beforeEach(() => {
  cache = tempFolder();
  Object.assign(hub, {
    requests: [],
    breaks: [],
    corrupts: false,
    ignoresRanges: false,
    failures: { status: 503, left: 0 },
  });
});

const settings = (more: Partial<ReturnType<MockHub["settings"]>> = {}) => hub.settings(cache, more);

describe("a path on the Hub", () => {
  it.each([
    ["hf://owner/name", { repo: "owner/name", revision: "main", subfolder: "" }],
    ["hf://owner/name@v1.0/", { repo: "owner/name", revision: "v1.0", subfolder: "" }],
    ["hf://o/n@refs%2Fpr%2F1/runs/last", { repo: "o/n", revision: "refs/pr/1", subfolder: "runs/last" }],
  ])("%s is read", (path, expected) => {
    expect(parseHubPath(path)).toEqual(expected);
  });

  it.each([
    "hf://",
    "hf://name",
    "hf://owner/",
    "hf://../x",
    "hf://owner/name/..",
    "hf://owner/name@",
    "hf://owner/name@..",
    "hf://owner/name@a%2F%2E%2E",
    "hf://a/b@%zz",
    "hf://a/b@c@d",
    "hf://a b/c",
  ])("%s is refused", (path) => {
    expect(() => parseHubPath(path)).toThrow(UsageError);
  });
});

describe("an adapter of the Hub", () => {
  it("is downloaded into a cache as Python's library has it: config, weights and card, nothing else", async () => {
    const path = fresh();
    const repo = path.slice(5);
    const { adapter, folder } = await openAdapterPath(path, { settings: settings() });
    expect(adapter.name).toBe(repo);
    expect(adapter.modules.size).toBe(2);
    const commit = MockHub.commitOf(repo);
    const home = join(cache, `models--${repo.replace("/", "--")}`);
    expect(folder).toBe(join(home, "snapshots", commit));
    expect(readFileSync(join(home, "refs/main"), "utf8")).toBe(commit);
    expect(readdirSync(folder!).sort()).toEqual(["README.md", CONFIG, WEIGHTS].sort());
    expect(lstatSync(join(folder!, WEIGHTS)).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(home, "blobs")).filter((name) => name.length === 64)).toHaveLength(1);
    expect(readdirSync(join(home, "blobs"))).toHaveLength(3);
  });

  it("lies in a folder of its repository where the path says so, and in shards where it has some", async () => {
    const nested = await openAdapterPath("hf://owner/nested/runs/last", { settings: settings() });
    expect([nested.adapter.name, nested.adapter.modules.size]).toEqual(["owner/nested/runs/last", 2]);
    const sharded = await openAdapterPath("hf://owner/shards", { settings: settings() });
    expect(sharded.adapter.modules.size).toBe(1);
  });

  it("comes from the cache afterwards: offline, and by its commit without asking", async () => {
    const path = fresh();
    await fetchHubAdapter(path, { settings: settings() });
    hub.requests.length = 0;
    const commit = MockHub.commitOf(path.slice(5));
    const pinned = await fetchHubAdapter(`${path}@${commit}`, { settings: settings() });
    expect(pinned.pinned).toBe(`${path}@${commit}`);
    const offline = await fetchHubAdapter(`${path}@main`, { settings: settings({ offline: true }) });
    expect(offline.folder).toBe(pinned.folder);
    expect(hub.requests).toEqual([]);
    const error = await rejection(fetchHubAdapter(fresh(), { settings: settings({ offline: true }) }));
    expect(error.message).toMatch(/is not in the cache .* HF_HUB_OFFLINE is set/);
  });

  it("goes on where a download broke off, in this run and in the next", async () => {
    hub.breaks = [50];
    const path = fresh();
    await fetchHubAdapter(path, { settings: settings() });
    expect(hub.requests.filter(({ url }) => url === "store").map(({ range }) => range)).toEqual([null, "bytes=50-"]);
    // Each try of the next one ends at once, so that the run gives up.
    const other = fresh();
    hub.breaks = [40, 0, 0, 0, 0];
    expect(await rejection(fetchHubAdapter(other, { settings: settings() }))).toBeInstanceOf(RemoteError);
    const blobs = join(cache, `models--${other.slice(5).replace("/", "--")}`, "blobs");
    expect(readdirSync(blobs).filter((name) => name.endsWith(".incomplete"))).toHaveLength(1);
    hub.breaks = [];
    hub.requests.length = 0;
    await fetchHubAdapter(other, { settings: settings() });
    expect(hub.requests.filter(({ url }) => url === "store").map(({ range }) => range)).toEqual(["bytes=40-"]);
    expect(readdirSync(blobs).filter((name) => name.includes("incomplete"))).toEqual([]);
  });

  it("is refused when its checksum is wrong, and nothing of it is kept", async () => {
    hub.corrupts = true;
    const path = fresh();
    const error = await rejection(fetchHubAdapter(path, { settings: settings() }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(/adapter_model\.safetensors was downloaded with the checksum .*try again/);
    hub.corrupts = false;
    await fetchHubAdapter(path, { settings: settings() });
  });

  it("is asked for again when the Hub is busy, a few times", async () => {
    hub.failures = { status: 503, left: 2 };
    await fetchHubAdapter(fresh(), { settings: settings() });
    hub.failures = { status: 429, left: 99 };
    const error = await rejection(fetchHubAdapter(fresh(), { settings: settings() }));
    expect(error.message).toMatch(/status 429 \(too many requests\); try again later/);
    expect(hub.failures.left).toBe(95);
  });

  it("gets the token only from the Hub itself, not from where large files are stored", async () => {
    await fetchHubAdapter("hf://owner/hidden", { settings: settings({ token: TOKEN }) });
    const stores = hub.requests.filter(({ url }) => url === "store");
    expect(stores.length).toBeGreaterThan(0);
    expect(stores.every(({ authorized }) => !authorized)).toBe(true);
    expect(hub.requests.filter(({ url }) => url !== "store").every(({ authorized }) => authorized)).toBe(true);
  });

  it.each([
    ["hf://owner/nothing", null, /no such public model on .*; check its name, or set HF_TOKEN/],
    ["hf://owner/nothing", TOKEN, /no such model that this HF_TOKEN may read/],
    ["hf://owner/hidden@main", null, /no such public model/],
    ["hf://owner/gated", null, /is gated: accept its terms on .*owner\/gated, and set HF_TOKEN/],
    ["hf://owner/nested@v9", null, /has no revision v9/],
    ["hf://owner/nested/nowhere", null, /has no folder nowhere at main/],
  ])("%s (token %s) is refused in words", async (path, token, words) => {
    const error = await rejection(fetchHubAdapter(path, { settings: settings({ token }) }));
    expect(error.message).toMatch(words);
  });

  it.each([
    ["no JSON", "<html>", /answer makes no sense; check HF_ENDPOINT/],
    ["no list", "{}", /answer makes no sense/],
    [
      "a path out of the cache",
      [{ type: "file", path: "../../evil", size: 1, oid: "a".repeat(40) }],
      /answer makes no sense/,
    ],
    [
      "a checksum that is a path",
      [{ type: "file", path: "x.safetensors", size: 1, oid: "../../../evil" }],
      /answer makes no sense/,
    ],
    [
      "a size that is none",
      [{ type: "file", path: "x.safetensors", size: -1, oid: "a".repeat(40) }],
      /answer makes no sense/,
    ],
  ])("is refused when the Hub gives %s", async (_, answer, words) => {
    const answers: typeof fetch = async (url) => {
      const body = String(url).includes("/tree/") ? answer : { sha: "b".repeat(40) };
      return new Response(typeof body === "string" ? body : JSON.stringify(body));
    };
    const error = await rejection(fetchHubAdapter(fresh(), { settings: settings({ fetch: answers }) }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(words);
    expect(readdirSync(cache)).toEqual([]);
  });

  it("says so when the Hub cannot be reached", async () => {
    const error = await rejection(fetchHubAdapter(fresh(), { settings: settings({ endpoint: "http://127.0.0.1:9" }) }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(/127\.0\.0\.1:9 cannot be reached \(.+\); check the connection/);
  });
});

describe("merging adapters of the Hub", () => {
  it("names them by their ids and commits, and takes over their datasets", async () => {
    const paths = [fresh(), fresh()];
    const out = join(tempFolder(), "merged");
    const { report } = await mergeToFolder(paths, {}, { out, settings: settings() });
    expect(report.inputs.map(({ name }) => name)).toEqual(paths.map((path) => path.slice(5)));
    const recipe = readFileSync(join(out, "recipe.yaml"), "utf8");
    for (const path of paths) expect(recipe).toContain(`${path}@${MockHub.commitOf(path.slice(5))}`);
    const card = readFileSync(join(out, "README.md"), "utf8");
    expect(card).toMatch(
      /^---\nbase_model: "pico"\nbase_model_relation: adapter\nlibrary_name: peft\ndatasets:\n- "glue"\ntags:/,
    );
  });

  it("reads them by range with stream, to the same bytes, and stores nothing", async () => {
    const paths = [fresh(), fresh()];
    const [stored, streamed] = ["stored", "streamed"].map((name) => join(tempFolder(), name)) as [string, string];
    const before = await mergeToFolder(paths, {}, { out: stored, settings: settings() });
    const empty = tempFolder();
    const after = await mergeToFolder(paths, {}, { out: streamed, stream: true, settings: hub.settings(empty) });
    expect(readFileSync(join(streamed, WEIGHTS)).equals(readFileSync(join(stored, WEIGHTS)))).toBe(true);
    expect(after.report.inputs.map(({ sha256 }) => sha256)).toEqual(before.report.inputs.map(({ sha256 }) => sha256));
    expect(readdirSync(empty)).toEqual([]);
    expect(hub.requests.some(({ range }) => range?.startsWith("bytes=0-"))).toBe(true);
  });

  it("refuses to stream from a server that sends whole files only", async () => {
    hub.ignoresRanges = true;
    const { adapter } = await openAdapterPath("hf://owner/model-0", { stream: true, settings: settings() }).catch(
      (error) => ({ adapter: error }),
    );
    // Small files come in one piece, so that is seen with a part of one.
    if (adapter instanceof Error) expect(adapter.message).toMatch(/whole files only/);
    else await expect(adapter.files[0]!.read(8, new Uint8Array(4))).resolves.toBeUndefined();
  });
});

describe("pushAdapter", () => {
  it("makes the repository and uploads the folder's files, large ones apart", async () => {
    const folder = writeAdapter(join(tempFolder(), "mine"), randomAdapter(7));
    writeFileSync(join(folder, ".hidden"), "secret");
    const { url, files } = await pushAdapter(folder, "me/mine", {
      private: true,
      settings: settings({ token: TOKEN }),
    });
    expect(url).toBe(`${hub.endpoint}/me/mine`);
    expect([...files].sort()).toEqual([CONFIG, WEIGHTS]);
    expect(hub.created).toContainEqual({ name: "me/mine", private: true });
    const uploaded = hub.uploaded.get("me/mine")!;
    expect([...uploaded.keys()].sort()).toEqual([CONFIG, WEIGHTS]);
    for (const [file, bytes] of uploaded)
      expect(Buffer.from(bytes).equals(readFileSync(join(folder, file)))).toBe(true);
  });

  it("makes no repository of which nobody said who may see it", async () => {
    const folder = writeAdapter(join(tempFolder(), "mine"), randomAdapter(7));
    const error = await rejection(pushAdapter(folder, "me/unsaid", { settings: settings({ token: TOKEN }) }));
    expect(error).toEqual(new UsageError("me/unsaid is not on the Hub yet; pass --public or --private to create it."));
    expect([hub.created, [...hub.uploaded.keys()]].flat()).not.toContainEqual(expect.stringContaining("unsaid"));
    await pushAdapter(folder, "me/said", { private: false, settings: settings({ token: TOKEN }) });
    expect(hub.created).toContainEqual({ name: "me/said", private: false });
  });

  it("uploads nothing into a repository that others may see, when told that it is private", async () => {
    const folder = writeAdapter(join(tempFolder(), "mine"), randomAdapter(8));
    const asked = { private: true, settings: settings({ token: TOKEN }) };
    const error = await rejection(pushAdapter(folder, "owner/model-2", asked));
    expect(error.message).toBe(
      "owner/model-2 exists and is public; change that on the Hub, or push without --private.",
    );
    expect(hub.uploaded.has("owner/model-2")).toBe(false);
  });

  it.each(["notes.txt", "README.md", WEIGHTS])("uploads nothing where %s is a link out of the folder", async (name) => {
    const folder = writeAdapter(join(tempFolder(), "mine"), randomAdapter(8));
    const outside = join(tempFolder(), "secret");
    writeFileSync(outside, "secret");
    if (name === WEIGHTS) renameSync(join(folder, WEIGHTS), outside);
    symlinkSync(outside, join(folder, name));
    const error = await rejection(
      pushAdapter(folder, "me/linked", { private: true, settings: settings({ token: TOKEN }) }),
    );
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain(`mine/${name} is a link out of its folder`);
    expect(hub.uploaded.has("me/linked")).toBe(false);
    expect(hub.created).not.toContainEqual(expect.objectContaining({ name: "me/linked" }));
  });

  it("uploads what the folder links to in itself, and a snapshot of the Hub's cache", async () => {
    const folder = writeAdapter(join(tempFolder(), "mine"), randomAdapter(8));
    symlinkSync(WEIGHTS, join(folder, "copy.safetensors"));
    renameSync(join(folder, "copy.safetensors"), join(folder, "notes.md"));
    const { files } = await pushAdapter(folder, "me/own", { private: true, settings: settings({ token: TOKEN }) });
    expect([...files].sort()).toEqual([CONFIG, WEIGHTS, "notes.md"]);
    const { folder: cached } = await fetchHubAdapter(fresh(), { settings: settings() });
    expect(lstatSync(join(cached, WEIGHTS)).isSymbolicLink()).toBe(true);
    const again = await pushAdapter(cached, "me/cached", { private: true, settings: settings({ token: TOKEN }) });
    expect(again.files).toContain(WEIGHTS);
  });

  it("uploads into a repository that is there already", async () => {
    const folder = writeAdapter(join(tempFolder(), "mine"), randomAdapter(8));
    await pushAdapter(folder, "owner/model-1", { settings: settings({ token: TOKEN }) });
    expect(hub.uploaded.has("owner/model-1")).toBe(true);
  });

  it.each([
    ["me/mine", null, /needs a token.*set HF_TOKEN/],
    ["me/mine", "hf_wrong", /this HF_TOKEN may not write there/],
    ["mine", TOKEN, /^mine is not the name of a repository on the Hub; write owner\/name\.$/],
    ["hf://hf://me/mine", TOKEN, /^hf:\/\/hf:\/\/me\/mine is not the name of a repository/],
    ["hf://me/mine/sub", TOKEN, /not the name of a repository/],
    ["me/mine/sub", TOKEN, /not the name of a repository/],
  ])("to %s with token %s is refused in words", async (repo, token, words) => {
    const folder = writeAdapter(join(tempFolder(), "mine"), randomAdapter(9));
    const error = await rejection(pushAdapter(folder, repo, { settings: settings({ token }) }));
    expect(error.message).toMatch(words);
  });

  it("refuses folders that hold no adapter", async () => {
    const error = await rejection(pushAdapter(tempFolder(), "me/mine", { settings: settings({ token: TOKEN }) }));
    expect(error.message).toMatch(/holds no adapter/);
    const missing = await rejection(pushAdapter("/nowhere", "me/mine", { settings: settings({ token: TOKEN }) }));
    expect(missing).toBeInstanceOf(UsageError);
  });
});

describe("the environment", () => {
  it("says what Python's huggingface_hub reads from it", () => {
    const home = tempFolder();
    writeFileSync(join(home, "token"), "hf_stored\n");
    expect(hubSettings({ HF_HOME: home })).toMatchObject({
      endpoint: "https://huggingface.co",
      token: "hf_stored",
      cache: join(home, "hub"),
      offline: false,
    });
    const env = {
      HF_HOME: home,
      HF_TOKEN: "hf_given",
      HF_ENDPOINT: "http://mirror/",
      HF_HUB_CACHE: "/c",
      HF_HUB_OFFLINE: "1",
    };
    expect(hubSettings(env)).toMatchObject({
      endpoint: "http://mirror",
      token: "hf_given",
      cache: "/c",
      offline: true,
    });
    expect(existsSync(join(home, "hub"))).toBe(false);
  });
});
