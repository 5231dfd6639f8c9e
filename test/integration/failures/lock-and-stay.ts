import pg from 'pg';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { inTransaction } from '../../../shared/postgres/transaction.ts';

// A program that locks a table in a transaction, and then says no more: between two statements, or in a COPY.
const [url = '', table = '', how = ''] = process.argv.slice(2);
const client = new pg.Client(url);
await client.connect();
// Ends nothing by itself, and keeps the process alive.
setInterval(() => {}, 60_000);
const forEver = new Promise<never>(() => {});
await inTransaction(client, async () => {
  await client.query(`lock table ${table}`);
  process.stdout.write('locked\n');
  if (how === 'COPY') {
    const rows = async function* () {
      yield Buffer.from('1\n');
      await forEver;
    };
    await copyIn(client, `copy ${table} from stdin`, rows());
  }
  await forEver;
});
