/** The two numbers in PEFT's scale, alpha / rank. */
export interface RankAndAlpha {
  readonly rank: number;
  readonly alpha: number;
}

/** A module and what a config says about it. */
export interface ConfigModule extends RankAndAlpha {
  /** Dotted path in the base model. */
  readonly name: string;
}

type Patterns = Readonly<Record<string, number>>;

/** The patterns that give modules a rank and alpha other than the common ones. */
export function rankPatterns(
  modules: readonly ConfigModule[],
  common: RankAndAlpha,
): { readonly rank_pattern: Patterns; readonly alpha_pattern: Patterns } {
  const odd = patternModules(modules, common).map((module) => ({
    ...module,
    pattern: patternOf(module.name, modules),
  }));
  return {
    rank_pattern: Object.fromEntries(odd.map(({ pattern, rank }) => [pattern, rank])),
    alpha_pattern: Object.fromEntries(odd.map(({ pattern, alpha }) => [pattern, alpha])),
  };
}

/**
 * The modules that need a pattern: those of another rank or alpha, and those whose path ends with such a module's path, since a
 * pattern matches the ends of paths and the first match wins. Longer paths come first for the same reason.
 */
function patternModules(modules: readonly ConfigModule[], common: RankAndAlpha): ConfigModule[] {
  const differs = ({ rank, alpha }: ConfigModule): boolean => rank !== common.rank || alpha !== common.alpha;
  const odd = new Set(modules.filter(differs).map(({ name }) => name));
  const parts = (name: string): string[] => name.split(".");
  const matched = (name: string): boolean => parts(name).some((_, from, path) => odd.has(path.slice(from).join(".")));
  return modules
    .filter(({ name }) => matched(name))
    .sort((one, other) => parts(other.name).length - parts(one.name).length);
}

/** Names that mean themselves in a regular expression, except dots, and are not numbers, which JavaScript would put first. */
const PLAIN_NAME = /^(?!\d+$)[\w.-]+$/;

/**
 * The pattern that matches a module and those whose paths end with its own. It is the plain path, unless PEFT's "(.*\.)?(pattern)$"
 * would then match more (a dot stands for any character there) or less: then it is the escaped path.
 */
function patternOf(name: string, modules: readonly { readonly name: string }[]): string {
  const escaped = `^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
  if (!PLAIN_NAME.test(name)) return escaped;
  const loose = new RegExp(`(^|\\.)${name}$`);
  const strays = modules.some((other) => loose.test(other.name) && !`.${other.name}`.endsWith(`.${name}`));
  return strays ? escaped : name;
}
