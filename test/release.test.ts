import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = new URL("../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), "utf8");
const {
  notesOf,
  dated,
  repositoryOf,
}: {
  notesOf(changelog: string, version: string): string;
  dated(changelog: string, version: string, day: string): string;
  repositoryOf(manifest: object): string;
} = await import(new URL("tools/package/notes.mjs", root).href);

const CHANGELOG = "# Changelog\n\n## 0.2.0 - unreleased\n\n- new\n\n## 0.1.0 - 2026-01-02\n\n- first\n";

describe("the notes of a release", () => {
  it("are the section of its version", () => {
    expect(notesOf(CHANGELOG, "0.2.0")).toBe("- new");
    expect(notesOf(CHANGELOG, "0.1.0")).toBe("- first");
    expect(notesOf(textOf("CHANGELOG.md"), JSON.parse(textOf("package.json")).version)).toContain(
      "- `merge` with LoRA-LEGO",
    );
  });

  it("get their day, and must be there", () => {
    expect(dated(CHANGELOG, "0.2.0", "2026-03-04")).toContain("## 0.2.0 - 2026-03-04\n\n- new");
    expect(dated(CHANGELOG, "0.1.0", "2026-03-04")).toBe(CHANGELOG);
    expect(() => dated(CHANGELOG, "0.3.0", "2026-03-04")).toThrow(
      'CHANGELOG.md has no section "## 0.3.0 - DATE"; write one.',
    );
  });
});

describe("the address of the repository", () => {
  it("must be known before a version is made", () => {
    expect(repositoryOf({ repository: { type: "git", url: "git+https://host/owner/name.git" } })).toBe(
      "git+https://host/owner/name.git",
    );
    expect(repositoryOf({ repository: "github:owner/name" })).toBe("github:owner/name");
    expect(() => repositoryOf({ name: "lora-lego" })).toThrow(/^package\.json has no repository; add its address/);
  });
});

describe("the release workflow", () => {
  const { on, jobs } = parse(textOf(".github/workflows/release.yml"));
  const steps = jobs.publish.steps.flatMap(({ run }: { run?: string }) => run ?? []) as string[];

  it("runs for tags alone, and may write a release and prove where it comes from, nothing else", () => {
    expect(on).toEqual({ push: { tags: ["v*"] } });
    expect(jobs.publish.permissions).toEqual({ contents: "write", "id-token": "write" });
  });

  it("tests what it publishes, by scripts that there are", () => {
    const { scripts } = JSON.parse(textOf("package.json"));
    const named = steps.flatMap((step) => /^npm (?:run )?(test\S*)$/.exec(step)?.[1] ?? []);
    expect(named).toEqual(["test", "test:package"]);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    const publish = steps.indexOf("npm publish --provenance --access public");
    expect(publish).toBeGreaterThan(steps.indexOf("npm run test:package"));
  });
});
