import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { isRemotePath, remoteName } from "../../src/remote/remote-path.ts";
import { isBelow } from "../../src/remote/web/below.ts";
import { parseWebPath, withoutSecrets } from "../../src/remote/web/web-path.ts";
import { secretsOf } from "../../src/remote/web/web-secrets.ts";

describe("an address", () => {
  it.each([
    ["https://host.org/dir/alice", null, "host.org/dir/alice"],
    ["https://host.org/dir/alice/", null, "host.org/dir/alice"],
    ["https://host.org/lora-v1.5", null, "host.org/lora-v1.5"],
    ["http://host.org:8080/a/style.safetensors", "style.safetensors", "host.org:8080/a/style.safetensors"],
    ["HTTPS://Host.org/a/style.gguf", "style.gguf", "host.org/a/style.gguf"],
    ["https://host.org/a/my%20style.safetensors", "my style.safetensors", "host.org/a/my style.safetensors"],
    ["https://host.org/alice/adapter_model.safetensors", "adapter_model.safetensors", "host.org/alice"],
    ["https://host.org/alice/adapter_config.json", null, "host.org/alice"],
    ["https://host.org/a/b/../style.safetensors", "style.safetensors", "host.org/a/style.safetensors"],
    ["https://host.org", null, "host.org"],
  ])("%s names a file or a folder by its path", (path, file, name) => {
    expect(isRemotePath(path)).toBe(true);
    expect([parseWebPath(path).file, remoteName(path)]).toEqual([file, name]);
  });

  it.each([
    ["https://", /begins like an address and is none; write https:/],
    ["https://user:pa ss@[nowhere/secret", /begins like an address and is none/],
    ["https://host.org/a/style.zip", /style\.zip is no file of an adapter's weights by its name/],
    ["https://host.org/a/model.safetensors.index.json", /is no file of an adapter's weights by its name/],
    ["https://host.org/a%2Fb.safetensors", /has a slash in the name of its file/],
    ["https://huggingface.co/me/mine", /for this adapter on the Hub pass hf:\/\/me\/mine\.$/],
    ["https://huggingface.co/me", /is a page of the Hub; pass hf:\/\/owner\/name\.$/],
    ["https://huggingface.co/me/mine/blob/main/sub/w.safetensors?x=1", /pass hf:\/\/me\/mine\/sub\.$/],
  ])("is refused: %s", (path, message) => {
    const refused = (): unknown => parseWebPath(path);
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(message);
    expect(refused).not.toThrow(/secret|pa ss/);
  });

  it.each(["ftp://host/a", "file:///a", "host.org/a", "hf:/a", "https:/a"])("is not what %s is", (path) => {
    expect(isRemotePath(path)).toBe(false);
  });
});

describe("what is secret in an address", () => {
  it("is put aside for the requests, and in none of what names it", () => {
    const path = "https://alice:p%40ss@host.org/secret-1/style.safetensors?sig=abc&x=1#part";
    const address = "https://host.org/secret-1/style.safetensors";
    expect(withoutSecrets(path)).toBe(address);
    expect(JSON.stringify(parseWebPath(path))).not.toMatch(/alice|p%40|p@ss|sig|part/);
    expect(remoteName(path)).toBe("host.org/secret-1/style.safetensors");
    expect(secretsOf(address)).toEqual({ query: "?sig=abc&x=1", authorization: `Basic ${btoa("alice:p@ss")}` });
  });

  it("stays when the address alone is named again, and is replaced by a newer one", () => {
    const address = "https://host.org/secret-2";
    withoutSecrets(`${address}?sig=old`);
    expect(withoutSecrets(address)).toBe(address);
    expect(secretsOf(address).query).toBe("?sig=old");
    withoutSecrets(`${address}/?sig=new`);
    expect(secretsOf(address).query).toBe("?sig=new");
  });

  it("may not be all that tells two adapters of one command from each other", () => {
    const first = withoutSecrets("https://host.org/get.safetensors?id=1");
    expect(() => withoutSecrets("https://host.org/get.safetensors?id=2", [first])).toThrow(
      /^https:\/\/host\.org\/get\.safetensors is passed with two queries/,
    );
    expect(withoutSecrets("https://host.org/get.safetensors?id=2", ["https://host.org/other"])).toBe(first);
  });

  it("is nothing in a path of another kind, which stays as it is", () => {
    expect(withoutSecrets("a/b?c=1")).toBe("a/b?c=1");
    expect(withoutSecrets("hf://a/b")).toBe("hf://a/b");
  });
});

describe("an address below a folder", () => {
  const root = "https://files.org/adapters/";
  it.each([
    "https://files.org/adapters/a",
    "https://files.org/adapters",
    "https://files.org:443/adapters/a/b.safetensors?x",
    "https://files.org/other/../adapters/a",
  ])("is %s", (address) => {
    expect(isBelow(address, root)).toBe(true);
    expect(isBelow(address, root.slice(0, -1))).toBe(true);
  });

  it.each([
    "http://files.org/adapters/a",
    "https://files.org:8443/adapters/a",
    "https://files.org.evil.example/adapters/a",
    "https://files.org@evil.example/adapters/a",
    "https://files.org/adapters-too/a",
    "https://files.org/adapters/../secret",
    "https://files.org/adapters/%2e%2e/secret",
    "https://files.org/adapters/..%2fsecret",
    "https://files.org/adapters/..%5Csecret",
    "https://files.org/",
  ])("is not %s", (address) => {
    expect(isBelow(address, root)).toBe(false);
  });

  it("is one whose names, ways up resolved one by one, begin with the folder's", () => {
    const names = fc.constantFrom("adapters", "a", "b.c", "...", "~", "a%20b", ".", "..", "%2e", "%2E%2e", ".%2e");
    fc.assert(
      fc.property(fc.array(names, { maxLength: 8 }), (given) => {
        const left: string[] = ["adapters"];
        for (const name of given.map(decodeURIComponent)) {
          if (name === "..") left.pop();
          else if (name !== ".") left.push(name);
        }
        expect(isBelow(`${root}${given.join("/")}`, root)).toBe(left[0] === "adapters");
      }),
    );
  });
});
