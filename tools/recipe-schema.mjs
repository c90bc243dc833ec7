/** Write docs/recipe.schema.json from the schema of recipe files. Run after `npm run build`; a test holds the two together. */
import { writeFileSync } from "node:fs";
import { z } from "zod";
import { recipeSchema } from "../build/lib/recipe/recipe-schema.js";

writeFileSync(
  new URL("../docs/recipe.schema.json", import.meta.url),
  `${JSON.stringify(z.toJSONSchema(recipeSchema(z), { io: "input" }), null, 2)}\n`,
);
