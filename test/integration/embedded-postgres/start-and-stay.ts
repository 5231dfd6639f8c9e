import { startEmbeddedPostgres } from '../../../cli/embedded/postgres/embedded-postgres.ts';

// Starts the server of the folder in argv[2], prints its port, and stays until killed.
const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' });
process.stdout.write(`${server.port}\n`);
setInterval(() => {}, 60_000);
