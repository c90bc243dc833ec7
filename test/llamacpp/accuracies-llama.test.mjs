import { testAccuracies } from "./accuracies.mjs";

testAccuracies("llama", "all");
