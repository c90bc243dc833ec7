/**
 * Do something with an open file; an error of the operating system, which does not say which file it means then, is given its path.
 *
 * @param path where the file lies
 */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure instanceof Error && typeof failure.code === "string") failure.path ??= path;
    throw error;
  }
}
