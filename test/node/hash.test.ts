import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hashFiles } from "../../src/node/files/hash.ts";
import { tempFolder } from "../support/pico.ts";

describe("the hash of files", () => {
  it("is that of their bytes one after the other, and lets the thread do other work in between", async () => {
    const folder = tempFolder();
    const large = Buffer.alloc(9 << 20, 7);
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    writeFileSync(one, large);
    writeFileSync(two, "end");
    const did: string[] = [];
    setImmediate(() => did.push("other work"));
    const hash = await hashFiles([one, two]);
    did.push("hashed");
    expect(did).toEqual(["other work", "hashed"]);
    expect(hash).toBe(createHash("sha256").update(large).update("end").digest("hex"));
  });
});
