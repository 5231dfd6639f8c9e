// A string, a quoted name, a dollar-quoted text, a comment, or a word, each as a whole; one that does not end goes
// to the end of the text. Words are taken whole so that the e of like'x' and the $ of a$b$ open nothing.
const token =
  /[eE]'(?:[^'\\]+|\\.|'')*\\?(?:'|$)|'[^']*(?:''[^']*)*(?:'|$)|"[^"]*(?:""[^"]*)*(?:"|$)|[\p{L}_][\p{L}\p{N}_$]*|\$((?:[\p{L}_][\p{L}\p{N}_]*)?)\$.*?(?:\$\1\$|$)|--[^\n]*|\/\*|\\[^\n]*|;|./gsu;

/**
 * Cuts SQL text at the semicolons that end statements, by Postgres' lexical rules: not at those in strings, quoted
 * names, dollar-quoted texts and comments. Where a statement would begin, a backslash begins a command of the prompt,
 * which goes to the end of its line.
 *
 * @returns the statements without their semicolons, the commands with their backslashes, and what stands after the last
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
export function splitStatements(text: string): { statements: string[]; rest: string } {
  const statements: string[] = [];
  let start = 0;
  token.lastIndex = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [piece] = match;
    if (piece === '/*') token.lastIndex = endOfComment(text, token.lastIndex);
    const isCommand = piece.startsWith('\\') && text.slice(start, match.index).trim() === '';
    if (isCommand) statements.push(piece.trim());
    else if (piece === ';') statements.push(text.slice(start, match.index).trim());
    // A backslash within a statement is an operator's, and what follows it is as it is elsewhere.
    else if (piece.startsWith('\\')) token.lastIndex = match.index + 1;
    if (!isCommand && piece !== ';') continue;
    start = token.lastIndex;
  }
  return { statements: statements.filter((statement) => statement !== ''), rest: text.slice(start) };
}

/** Comments nest in Postgres, unlike in the SQL standard. */
function endOfComment(text: string, start: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  let depth = 1;
  for (let match = edge.exec(text); match !== null; match = edge.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return text.length;
}
