import { execFile } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServedPage, servePage } from "../../src/node/ui/ui-server.ts";
import { tempFolder } from "../support/pico.ts";

const folder = tempFolder();
const page = join(folder, "page");
const adapter = join(folder, "adapters/one two");
let served: ServedPage;
let cookie: string;

/** The cookie that the address of a server gives for its token. */
async function cookieOf({ url }: ServedPage): Promise<string> {
  const { headers } = await fetch(url, { redirect: "manual" });
  return headers.get("set-cookie")!.split(";")[0]!;
}

/** What the page that a server serves fetches from it. */
async function fetched(from: ServedPage, path: string): Promise<Response> {
  return fetch(new URL(path, from.url), { headers: { cookie: await cookieOf(from) } });
}

beforeAll(async () => {
  mkdirSync(join(page, "assets"), { recursive: true });
  writeFileSync(join(page, "index.html"), "<html><head></head></html>");
  writeFileSync(join(page, "assets/index.js"), "1");
  mkdirSync(join(adapter, "checkpoint-1"), { recursive: true });
  writeFileSync(join(adapter, "adapter_model.safetensors"), "0123456789");
  writeFileSync(join(adapter, "credentials.json"), "secret");
  writeFileSync(join(adapter, "diary.txt"), "secret");
  writeFileSync(join(folder, "secret.json"), "secret");
  symlinkSync(join(folder, "secret.json"), join(page, "link.json"));
  served = await servePage({ adapters: [adapter], page });
  cookie = await cookieOf(served);
});
afterAll(() => served.close());

/** A request as it is sent, with the cookie unless other headers say so: paths are not tidied up before. */
function get(path: string, more: Record<string, string> = {}, method = "GET") {
  const { hostname, port } = new URL(served.url);
  const headers = { cookie, ...more };
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const sent = request({ hostname, port, path, headers, method }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    sent.on("error", reject).end();
  });
}

describe("the server of the explorer", () => {
  it("listens on 127.0.0.1 alone, and serves the page with strict headers", async () => {
    expect(new URL(served.url).hostname).toBe("127.0.0.1");
    const { status, headers, text } = await get("/");
    expect(status).toBe(200);
    expect(text).toContain('<meta name="lora-lego-adapters" content="./adapters.json" />');
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
    expect(headers["cross-origin-embedder-policy"]).toBe("require-corp");
    expect((await get("/assets/index.js")).text).toBe("1");
  });

  it("lists the adapters and serves their files by ranges", async () => {
    const [listed] = JSON.parse((await get("/adapters.json")).text) as [{ name: string; files: { url: string }[] }];
    expect(listed).toMatchObject({ name: "one two", folders: ["checkpoint-1"], files: [{ size: 10 }] });
    const url = `/${listed.files[0]!.url}`;
    expect((await get(url)).text).toBe("0123456789");
    const part = await get(url, { range: "bytes=3-5" });
    expect(part).toMatchObject({ status: 206, text: "345", headers: { "content-range": "bytes 3-5/10" } });
    expect((await get(url, { range: "bytes=8-20" })).text).toBe("89");
    expect((await get(url, { range: "bytes=10-12" })).status).toBe(416);
    expect(await get(url, {}, "HEAD")).toMatchObject({ status: 200, text: "", headers: { "content-length": "10" } });
  });

  it("lists an adapter that was written anew with its new size, and says so where it is gone", async () => {
    const own = join(folder, "anew");
    mkdirSync(own);
    writeFileSync(join(own, "adapter_model.safetensors"), "short");
    const other = await servePage({ adapters: [own], page });
    const list = () => fetched(other, "adapters.json");
    writeFileSync(join(own, "adapter_model.safetensors"), "longer than before");
    expect(await (await list()).json()).toMatchObject([{ files: [{ size: 18 }] }]);
    rmSync(own, { recursive: true });
    const gone = await list();
    expect(gone.status).toBe(404);
    expect(await gone.text()).toMatch(/There is no file or folder .*anew/);
    await other.close();
  });

  it.each([
    "/../secret.json",
    "/assets/../../secret.json",
    "/%2e%2e/secret.json",
    "/..%2fsecret.json",
    "/adapters/0/../../../secret.json",
    "/adapters/0/..%2f..%2f..%2fsecret.json",
    "/adapters/1/adapter_model.safetensors",
    "/adapters/0/credentials.json",
    "/adapters/0/diary.txt",
    "/link.json",
    "/%00",
    "/%",
  ])("gives nothing else of the disk: %s", async (path) => {
    const { status, text } = await get(path);
    expect(status).toBe(404);
    expect(text).not.toContain("secret");
  });

  it("opens with the token of its address, which a cookie takes the place of", async () => {
    const { pathname, search, searchParams, port } = new URL(served.url);
    expect(searchParams.get("token")).toMatch(/^[\w-]{43}$/);
    const opened = await get(pathname + search, { cookie: "" });
    expect(opened).toMatchObject({ status: 303, text: "", headers: { location: "/" } });
    const [set] = opened.headers["set-cookie"] as string[];
    expect(set).toBe(`lora-lego-${port}=${searchParams.get("token")}; HttpOnly; SameSite=Strict; Path=/`);
    // The address bar never keeps it, also where the cookie is there already.
    expect((await get(pathname + search)).status).toBe(303);
    expect((await get("/", { cookie: `other=1; lora-lego-${port}=old; ${cookie}` })).status).toBe(200);
  });

  it.each([
    "/",
    "/index.html",
    "/assets/index.js",
    "/adapters.json",
    "/adapters/0/adapter_model.safetensors",
    "/nothing",
  ])("gives %s to nobody without the token", async (path) => {
    const { searchParams, port } = new URL(served.url);
    const token = searchParams.get("token")!;
    const wrong = `${token[0] === "A" ? "B" : "A"}${token.slice(1)}`;
    const tries = ["", `lora-lego-${port}=${wrong}`, `lora-lego-1=${token}`, `lora-lego-${port}=`, `token=${token}`];
    for (const other of tries) {
      for (const query of ["", `?token=${wrong}`, "?token="]) {
        const { status, text, headers } = await get(path + query, { cookie: other });
        expect([status, text]).toEqual([403, expect.stringMatching(/open the address that lora-lego ui printed/)]);
        expect(headers).not.toHaveProperty("set-cookie");
      }
    }
    const [adapters, names] = [await fetched(served, "adapters.json"), await fetch(new URL(path, served.url))];
    expect([adapters.status, names.status]).toEqual([200, 403]);
  });

  it("has an address that works once, and takes the place of the one before", async () => {
    const { port } = new URL(served.url);
    const [old, ticket] = [served.ticket(), served.ticket()];
    expect(new Set([old, ticket, served.url]).size).toBe(3);
    expect((await fetch(old, { redirect: "manual" })).status).toBe(403);
    const site = { "sec-fetch-site": "cross-site" };
    expect((await fetch(ticket, { redirect: "manual", headers: site })).status).toBe(403);
    const opened = await fetch(ticket, { redirect: "manual" });
    expect([opened.status, opened.headers.get("location")]).toEqual([303, "/"]);
    const [given] = opened.headers.get("set-cookie")!.split(";");
    expect((await get("/", { cookie: given! })).status).toBe(200);
    const { search } = new URL(ticket);
    for (const again of [search, search, "?token=", "?token=null"]) {
      expect((await get(`/${again}`, { cookie: "" })).status).toBe(403);
    }
    expect((await get("/", { cookie: `lora-lego-${port}=${search.slice("?token=".length)}` })).status).toBe(403);
    expect((await get(`/${new URL(served.url).search}`, { cookie: "" })).status).toBe(303);
  });

  // Only root can run a program as another user.
  it.skipIf(process.platform !== "linux" || process.getuid?.() !== 0)(
    "gives nothing to another user who has the address of the browser",
    async () => {
      const ticket = served.ticket();
      const asked = "fetch(process.argv[1], { redirect: 'manual' }).then(({ status }) => console.log(status))";
      const statusFor = async (uid: number): Promise<string> =>
        (await promisify(execFile)(process.execPath, ["-e", asked, ticket], { uid, cwd: "/" })).stdout.trim();
      expect(await statusFor(65_534)).toBe("403");
      // It is not spent by that.
      expect([await statusFor(0), await statusFor(0)]).toEqual(["303", "403"]);
    },
  );

  it("has another token at every start", async () => {
    const other = await servePage({ adapters: [], page });
    const again = await servePage({ adapters: [], page });
    expect(new URL(other.url).search).not.toBe(new URL(again.url).search);
    const stale = (await cookieOf(other)).replace(/^[^=]+/, `lora-lego-${new URL(again.url).port}`);
    expect((await fetch(new URL("/", again.url), { headers: { cookie: stale } })).status).toBe(403);
    await other.close();
    await again.close();
  });

  it("answers no page but its own, by what browsers say of who asks", async () => {
    for (const site of ["cross-site", "same-site", "whatever"]) {
      const { status, text } = await get("/", { "sec-fetch-site": site });
      expect([status, text]).toEqual([403, expect.stringContaining("answers its own page only; paste the address")]);
      expect((await get(`/${new URL(served.url).search}`, { "sec-fetch-site": site, cookie: "" })).status).toBe(403);
    }
    for (const site of ["same-origin", "none"]) expect((await get("/", { "sec-fetch-site": site })).status).toBe(200);
  });

  it("lets the page talk to itself and the Hub alone", async () => {
    const policy = String((await get("/")).headers["content-security-policy"]);
    expect(/connect-src ([^;]*);/.exec(policy)![1]!.split(" ")).toEqual([
      "'self'",
      "https://huggingface.co",
      "https://*.cdn.hf.co",
      "https://cas-bridge.xethub.hf.co",
      "https://cdn-lfs-us-1.hf.co",
      "https://cdn-lfs-eu-1.hf.co",
    ]);
  });

  it("answers neither other hosts' names nor other sites", async () => {
    const { host } = new URL(served.url);
    expect((await get("/", { host: "evil.example" })).status).toBe(403);
    expect((await get("/", { host: "127.0.0.1:1" })).status).toBe(403);
    expect((await get("/", { origin: "http://evil.example" })).status).toBe(403);
    expect((await get("/", { origin: "null" })).status).toBe(403);
    expect((await get("/", { origin: `http://${host}` })).status).toBe(200);
    expect((await get("/", {}, "POST")).status).toBe(405);
  });

  it("takes a config or an index for its folder, and weights for themselves, named as elsewhere", async () => {
    const set = join(folder, "set");
    mkdirSync(set);
    const files = ["adapter_config.json", "one.safetensors", "two.safetensors", "one.safetensors.index.json"];
    for (const file of files) writeFileSync(join(set, file), "{}");
    const other = await servePage({
      adapters: [files[0]!, files[3]!, files[1]!].map((file) => join(set, file)),
      page,
    });
    const listed = (await (await fetched(other, "adapters.json")).json()) as {
      name: string;
      files: { name: string }[];
    }[];
    await other.close();
    const names = listed.map(({ files: own }) =>
      own.map(({ name }) => name).filter((name) => name.endsWith("safetensors")),
    );
    expect(listed.map(({ name }) => name)).toEqual(["set", "set", "set/one.safetensors"]);
    expect(names).toEqual([
      ["one.safetensors", "two.safetensors"],
      ["one.safetensors", "two.safetensors"],
      ["one.safetensors"],
    ]);
  });

  it("takes a folder of adapters for those in it", async () => {
    const several = join(folder, "several");
    for (const name of ["b10", "b9", "none"]) {
      mkdirSync(join(several, name), { recursive: true });
      if (name !== "none") writeFileSync(join(several, name, "adapter_model.safetensors"), "{}");
    }
    const other = await servePage({ adapters: [several], page });
    const list = async () =>
      (await (await fetched(other, "adapters.json")).json()) as { name: string; files: { url: string }[] }[];
    const before = await list();
    expect(before.map(({ name }) => name)).toEqual(["b9", "b10"]);
    mkdirSync(join(several, "a"));
    writeFileSync(join(several, "a/adapter_model.safetensors"), "{}");
    const after = await list();
    await other.close();
    expect(after.map(({ name }) => name)).toEqual(["a", "b9", "b10"]);
    // Pages that are open go on reading what they opened.
    expect(after.slice(1)).toEqual(before);
  });

  it("says in a sentence what is not there, or taken", async () => {
    await expect(servePage({ adapters: ["nowhere"], page })).rejects.toThrow("There is no file or folder nowhere;");
    await expect(servePage({ adapters: [], page: folder })).rejects.toThrow("The page is not built");
    await expect(servePage({ adapters: ["hf://a/b"], page })).rejects.toThrow(
      "hf://a/b is on the Hub, which the page reads itself;",
    );
    const port = Number(new URL(served.url).port);
    await expect(servePage({ adapters: [], page, port })).rejects.toThrow(`Port ${port} is taken;`);
  });
});
