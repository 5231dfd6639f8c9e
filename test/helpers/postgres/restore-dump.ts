import { readFileSync } from 'node:fs';
import pg from 'pg';
import { copyIn } from '../../../shared/postgres/copy-in.ts';

/** Loads a plain-format dump (DDL, and data as `copy … from stdin;` blocks) into an empty database. */
export async function restoreDump(path: string, url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const pattern = /^(copy [^\n]* from stdin);\n([\s\S]*?)^\\\.\n/gim;
    const text = readFileSync(path, 'utf8');
    let done = 0;
    for (const match of text.matchAll(pattern)) {
      const [block, statement = '', data = ''] = match;
      await client.query(text.slice(done, match.index));
      await copyIn(client, statement, [Buffer.from(data)]);
      done = match.index + block.length;
    }
    await client.query(text.slice(done));
  } finally {
    await client.end();
  }
}
