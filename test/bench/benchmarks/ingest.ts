import { join } from 'node:path';
import { type Benchmark, compare, withFolder, withStages } from '../benchmark.ts';
import { copyCommand, quoteForShell, referenceName, runInShell } from '../reference/copy-command.ts';
import { copySourceOut } from '../reference/fact-sql.ts';
import { assertSums, sumsOfCopyText, sumsOfLines, sumsOfSource } from '../sales-sums.ts';
import { emptyFolder } from '../setup/empty-folder.ts';
import { ordersDatabase } from '../setup/source-databases.ts';

export const benchmark: Benchmark = {
  name: 'ingest',
  about:
    'sales_order to NDJSON on disk in slices, against COPY text to disk; and compressed, as it is deployed',
  run: async (context) => {
    const { servers, rows } = context;
    const source = await ordersDatabase(servers.source, rows);
    const expected = await sumsOfSource(source);
    return withFolder((folder) =>
      withStages((stages) => {
        const at = (name: string) => join(folder, name);
        const subjects = [
          {
            name: 'starlift, not compressed',
            prepare: () => emptyFolder(at('lines')),
            run: () => stages.run<void>({ stage: 'ingest', source, folder: at('lines') }),
            check: async () => assertSums(await sumsOfLines(at('lines')), expected),
          },
          {
            name: 'starlift, zstd objects',
            prepare: () => emptyFolder(at('objects')),
            run: () => stages.run<void>({ stage: 'extract', source, folder: at('objects') }),
            check: async () => {},
          },
          {
            name: `${referenceName} COPY text`,
            prepare: () => emptyFolder(at('text')),
            run: () =>
              runInShell(`${copyCommand(source, copySourceOut)} > ${quoteForShell(at('text/rows'))}`),
            check: async () => assertSums(await sumsOfCopyText(at('text')), expected),
          },
        ];
        return compare('ingest', subjects, context, { rows });
      }),
    );
  },
};
