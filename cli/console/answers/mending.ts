const begin = 'npx starlift ';

/** Commands that mend. Others, such as a run or a query, are not the console's to run. */
const mending =
  /^(?:redrive|resync|rebuild|replay|failures drop|quarantine release|quarantine drop|deletes apply|deletes dismiss|waiting|verify)\b/;

export const isMending = (command: string): boolean => mending.test(wordsOf(command) ?? '');

/** What stands behind the name of the command line; undefined for another program's command. */
export const wordsOf = (command: string): string | undefined =>
  command.startsWith(begin) ? command.slice(begin.length) : undefined;
