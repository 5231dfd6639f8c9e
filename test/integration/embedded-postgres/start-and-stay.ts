import { startEmbeddedPostgres } from '../../../cli/embedded/postgres/embedded-postgres.ts';

// Starts the server of the folder in argv[2], prints its port, and stays until killed, or fails at a SIGUSR2.
const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' });
process.on('SIGUSR2', () => {
  throw new Error('a failure that nobody catches, as the test wants it');
});
process.stdout.write(`${server.port}\n`);
setInterval(() => {}, 60_000);
