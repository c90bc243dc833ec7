/** The score of one choice of a prompt. */
export interface ChoiceScore {
  /** Sum of the log-probabilities of the choice's tokens. */
  readonly logProbability: number;
  readonly tokens: number;
}

/** How well a model answered the rows of a task. */
export interface TaskScores {
  readonly rows: number;
  /** Share of rows whose likeliest choice is right. */
  readonly accuracy: number;
  /** The same with log-probabilities divided by the number of tokens of each choice. */
  readonly accuracyNormalised: number;
  /** F1 with the first choice as positive, for tasks with two choices; null for others and where it is undefined. */
  readonly f1: number | null;
  /** Matthews correlation over all choices (Gorodkin's R_K; for two choices, the usual coefficient); 0 where it is undefined. */
  readonly matthews: number;
}

/** Index of the greatest value; the first among equals. */
export function greatest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}

/** Index of the likeliest choice. */
export function likeliest(scores: readonly ChoiceScore[], normalised = false): number {
  return greatest(scores.map(({ logProbability, tokens }) => logProbability / (normalised ? tokens : 1)));
}

/** @param answers index of the right choice of each row @param choices of the row with most of them */
export function taskScores(
  scores: readonly (readonly ChoiceScore[])[],
  answers: readonly number[],
  choices: number,
): TaskScores {
  const given = scores.map((row) => likeliest(row));
  const normalised = scores.map((row) => likeliest(row, true));
  return {
    rows: answers.length,
    accuracy: accuracy(given, answers),
    accuracyNormalised: accuracy(normalised, answers),
    f1: choices === 2 ? f1(given, answers) : null,
    matthews: matthews(given, answers, choices),
  };
}

/** Share of equal entries. */
export function accuracy(given: readonly number[], answers: readonly number[]): number {
  return given.filter((choice, i) => choice === answers[i]).length / answers.length;
}

/** 2 TP / (2 TP + FP + FN) of choice 0; null where choice 0 neither was nor should have been chosen. */
export function f1(given: readonly number[], answers: readonly number[]): number | null {
  const hits = given.filter((choice, i) => choice === 0 && answers[i] === 0).length;
  const wrong = given.filter((choice, i) => (choice === 0) !== (answers[i] === 0)).length;
  return hits + wrong === 0 ? null : (2 * hits) / (2 * hits + wrong);
}

/** Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004. */
export function matthews(given: readonly number[], answers: readonly number[], choices: number): number {
  const count = (list: readonly number[]): number[] =>
    Array.from({ length: choices }, (_, k) => list.filter((choice) => choice === k).length);
  const [predicted, actual, n] = [count(given), count(answers), answers.length];
  const right = given.filter((choice, i) => choice === answers[i]).length;
  const dot = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, value, k) => sum + value * q[k]!, 0);
  const scale = Math.sqrt((n * n - dot(predicted, predicted)) * (n * n - dot(actual, actual)));
  return scale === 0 ? 0 : (right * n - dot(predicted, actual)) / scale;
}
