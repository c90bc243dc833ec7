import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unzipped } from "../../src/browser/unzipped.ts";
import { tempFolder } from "../support/pico.ts";

const folder = tempFolder();

/** An archive as Python's own module writes it. */
function archive(name: string, compression: "ZIP_STORED" | "ZIP_DEFLATED"): { path: string; blob: Blob } {
  const script = [
    "import sys, zipfile",
    `with zipfile.ZipFile(sys.argv[1], "w", zipfile.${compression}) as z:`,
    '    z.writestr("set/", "")',
    '    z.writestr("set/adapter_config.json", "{}" * 50)',
  ].join("\n");
  const file = join(folder, name);
  execFileSync("python3", ["-c", script, file]);
  return { path: name, blob: new Blob([readFileSync(file)]) };
}

describe("a zip archive", () => {
  it("is its files, where it stores them as they are", async () => {
    const [file, ...others] = await unzipped(archive("stored.zip", "ZIP_STORED"));
    expect([file!.path, others.length]).toEqual(["stored/set/adapter_config.json", 0]);
    expect(await file!.blob.text()).toBe("{}".repeat(50));
  });

  it("is to be unpacked first where it is compressed, and is said to be damaged where it is cut off", async () => {
    await expect(unzipped(archive("small.zip", "ZIP_DEFLATED"))).rejects.toThrow(
      "small.zip is a compressed zip archive; unpack it first, and open what was in it.",
    );
    await expect(unzipped({ path: "cut.zip", blob: new Blob(["PK"]) })).rejects.toThrow(/cut\.zip is a damaged zip/);
  });
});
