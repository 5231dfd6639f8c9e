/**
 * The server's settings, given on its command line at every start, so that a data folder of an older version
 * runs under those of this one. https://www.postgresql.org/docs/18/runtime-config.html
 */
const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  // Sockets would lie in /tmp, where every user of the machine finds them.
  unix_socket_directories: '',
  max_connections: '60',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',

  // Durability as on any server: capture publishes only what is flushed, and a load deletes its message only
  // after its commit. Without either of these two a killed machine or postmaster would break that.
  fsync: 'on',
  synchronous_commit: 'on',
  // Nobody streams from this server. Crash safe as any level, and a COPY into a table of the same transaction
  // (the sample shop's fill) writes its rows once instead of twice.
  wal_level: 'minimal',
  max_wal_senders: '0',
  // A bulk load of a million rows fits between two checkpoints.
  max_wal_size: '2GB',

  shared_buffers: '128MB',
  // Set apart at start; a container whose limit is below what is reserved kills the server on first touch.
  huge_pages: 'off',
  work_mem: '32MB',
  maintenance_work_mem: '128MB',
  // Parallel queries share memory in /dev/shm, of which a Docker container has 64 MB, and fail when it is full.
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  // Compiling costs more than it saves in every query that we send.
  jit: 'off',
  autovacuum: 'on',
};

/** The settings as arguments of the `postgres` program. */
export function settingArguments(): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Who may connect: every role of its own password, from this machine, over TCP. */
export const hostBasedAuthentication = 'host all all 127.0.0.1/32 scram-sha-256\n';

/**
 * The environment of the server's programs: not ours, whose PG* and locale variables they would follow.
 * On macOS the postmaster wants a valid LC_ALL.
 */
export const serverEnvironment: Record<string, string> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};
