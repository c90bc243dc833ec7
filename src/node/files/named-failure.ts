/**
 * Do something with an open file. Errors of the operating system do not name an open file, so they are given its path.
 *
 * @param path the file's path
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
