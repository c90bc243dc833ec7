/**
 * Write docs/report.schema.json from the type `MergeReport`; a test holds the two together.
 *
 *   node tools/report-schema.mjs
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createGenerator } from "ts-json-schema-generator";

const root = new URL("../", import.meta.url);
const file = new URL("docs/report.schema.json", root);

/** The schema as it should stand in docs. */
export function reportSchema() {
  const generator = createGenerator({
    path: fileURLToPath(new URL("src/report/report.ts", root)),
    tsconfig: fileURLToPath(new URL("tsconfig.json", root)),
    type: "MergeReport",
    // The project's own compiler checks the types; this package brings another version of it.
    skipTypeCheck: true,
  });
  return generator.createSchema("MergeReport");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(file, `${JSON.stringify(reportSchema(), null, 2)}\n`);
}
