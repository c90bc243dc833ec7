import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { inspectAdapter } from "../../src/node/inspect-adapter.ts";
import { rejection } from "../support/memory-folder.ts";
import type { MockWeb } from "../support/mock-web.ts";
import { CONFIG, put, smallAdapters, useWeb, WEIGHTS } from "../support/web-adapters.ts";

const small = smallAdapters();

const { settings, web } = await useWeb();

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
      /does not give it to you \(status 403\); check that it is public, that a signature in the address holds for this file and has not expired/,
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

  it("because a signature holds for the weights alone is said of the config", async () => {
    const path = put(web, small[0]!);
    web.instead = (asked, response) => asked.endsWith(CONFIG) && Boolean(response.writeHead(403).end());
    const error = await rejection(openAdapterPath(`${web.origin}${path}/${WEIGHTS}`, { settings: settings() }));
    expect(error.message).toMatch(/adapter_config\.json: 127.* does not give it to you \(status 403\)/);
  });

  it("as a folder with a config and no weights is said with what to pass", async () => {
    const path = put(web, small[0]!);
    web.files.delete(`${path}/${WEIGHTS}`);
    const error = await rejection(openAdapterPath(`${web.origin}${path}`, { settings: settings() }));
    expect(error.message).toMatch(
      /has adapter_config\.json but no adapter_model\.safetensors; pass the address of its file/,
    );
  });

  it("of a version that it does not tell is refused, because a change would not be seen", async () => {
    web.versions = "none";
    const error = await rejection(openAdapterPath(`${web.origin}${put(web, small[0]!)}`, { settings: settings() }));
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
