import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openerOn } from "../../src/cli/browser.ts";
import { tempFolder } from "../support/pico.ts";
import { MAIN } from "./run.ts";

describe("ui", () => {
  it.skipIf(process.platform !== "linux")(
    "opens the browser with an address that is not the printed one, and works once",
    async () => {
      const folder = tempFolder();
      const told = join(folder, "told");
      writeFileSync(join(folder, "xdg-open"), `#!/bin/sh\necho "$@" >"${told}.part" && mv "${told}.part" "${told}"\n`);
      chmodSync(join(folder, "xdg-open"), 0o755);
      const child = spawn(process.execPath, [MAIN, "ui"], {
        env: { PATH: `${folder}:${process.env.PATH}`, NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "ignore"],
      });
      try {
        let printed = "";
        child.stdout.on("data", (text) => {
          printed += String(text);
        });
        await vi.waitFor(() => expect(existsSync(told) && printed.includes("?token=")).toBe(true), 30_000);
        const [own] = /http:\S+/.exec(printed)!;
        expect(printed).toContain(
          "No adapter was named: choose files there, or name folders (lora-lego ui math/ med/).",
        );
        const given = readFileSync(told, "utf8").trim();
        expect(new URL(given).origin).toBe(new URL(own).origin);
        expect(given).not.toContain(new URL(own).searchParams.get("token"));
        const statuses = [];
        for (const url of [given, given, own, own]) statuses.push((await fetch(url, { redirect: "manual" })).status);
        expect(statuses).toEqual([303, 403, 303, 303]);
      } finally {
        child.kill("SIGTERM");
      }
    },
  );

  it("keeps the address from the arguments that others can read", () => {
    const url = "http://127.0.0.1:8080/?token=abc";
    const mac = openerOn("darwin", url);
    expect(mac).toEqual({ command: "osascript", args: [], input: `open location "${url}"\n` });
    // There the server tells whose program asks.
    expect(openerOn("linux", url)).toMatchObject({ command: "xdg-open", args: [url] });
    expect(openerOn("win32", url)).toMatchObject({ command: "cmd", args: ["/c", "start", "", url] });
    expect(openerOn("freebsd", url)).toBeNull();
  });
});
