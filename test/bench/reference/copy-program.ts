import { once } from 'node:events';
import pg from 'pg';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';

// Stands in for psql where there is none: `node copy-program.ts URL SQL`, a COPY from stdin, to stdout, or a query.

const [url = '', sql = ''] = process.argv.slice(2);
const client = new pg.Client(url);
await client.connect();
if (/\bfrom stdin\b/i.test(sql)) await copyIn(client, sql, process.stdin);
else if (/\bto stdout\b/i.test(sql)) {
  await copyOut(client, sql, async (chunk) => {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  });
} else await client.query(sql);
await client.end();
