import type { CommandModule } from '../commands/command-module.ts';
import { didYouMean } from '../help/suggest.ts';
import { loadModel } from '../project/load-model.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { findCandidates } from './candidates.ts';
import { completionScripts, foldersMark, shells } from './scripts.ts';

export const command: CommandModule = {
  run: async (_values, [shell, ...words], terminal) => {
    // What the scripts call. Whatever is half typed is no error.
    if (shell === 'candidates') return printCandidates(words, terminal);
    const known = shells.find((each) => each === shell);
    if (known === undefined || words.length > 0) {
      const wrong = shell ?? 'nothing';
      throw new UsageError(
        `completion is for bash, zsh or fish, not for ${[wrong, ...words].join(' ')}${didYouMean(wrong, shells)}`,
      );
    }
    terminal.result(completionScripts[known]);
    return 0;
  },
};

async function printCandidates(words: readonly string[], terminal: Terminal): Promise<number> {
  // A project that is half written completes nothing, and says nothing.
  const model = await loadModel().catch(() => undefined);
  const tables = [...(model?.tables ?? []), ...(model?.sources ?? [])].map(({ name }) => name);
  const candidates = findCandidates(words.slice(0, -1), words.at(-1) ?? '', [...new Set(tables)]);
  if (candidates === 'folders') terminal.result(foldersMark);
  else for (const { word, summary } of candidates) terminal.result(`${word}\t${summary}`);
  return 0;
}
