/** Write docs/report.schema.json from the report's schema. Run after `npm run build`; a test holds the two together. */
import { writeFileSync } from "node:fs";
import { z } from "zod";
import { reportSchema } from "../dist/report/report-schema.js";

writeFileSync(
  new URL("../docs/report.schema.json", import.meta.url),
  `${JSON.stringify(z.toJSONSchema(reportSchema(z)), null, 2)}\n`,
);
