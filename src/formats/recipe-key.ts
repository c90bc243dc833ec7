/** The metadata of a single file that says how lora-lego made it: the text of its recipe. */
export const RECIPE_KEY = "lora_lego.recipe";
