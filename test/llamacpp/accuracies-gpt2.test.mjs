import { testAccuracies } from "./accuracies.mjs";

testAccuracies("gpt2", "qv");
