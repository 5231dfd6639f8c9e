const { makeAlarms } = require('../scripts/stage/alarms.cjs');

/**
 * The alarms of the service that is deployed, for its template.
 *
 * @param {{ resolveVariable(name: string): Promise<string> }} variables osls' own
 */
module.exports = async ({ resolveVariable }) => {
  // Node 24 runs it as it is.
  const { findIntervals, parseSchedule } = await import('../shared/schedule.ts');
  const { planTimeoutSeconds, sweepTimeoutSeconds } = await import('../shared/queue/queue-settings.ts');
  const read = async (/** @type {string} */ name) => resolveVariable(`param:${name}`);
  const service = String(await resolveVariable('self:service')).replace('starlift-', '');
  const schedules = {
    schedule: toSchedule(await read('schedule')),
    sweepSchedule: toSchedule(await read('sweepSchedule')),
    freshnessSchedule: toSchedule(await read('freshnessSchedule')),
    expireSchedule: parseSchedule('rate(1 day)'),
  };
  const parameters = {
    schedules,
    oldestMessageSeconds: Number(await read('oldestMessageSeconds')),
    lagObjectiveSeconds: Number(await read('lagObjectiveSeconds')),
    exactLagObjectiveSeconds: Number(await read('exactLagObjectiveSeconds')),
    timeouts: await readTimeouts(),
  };
  return { Resources: makeAlarms(/** @type {'ingestion'} */ (service), parameters, findIntervals) };

  async function readTimeouts() {
    const of = async (/** @type {string} */ name) => Number(await read(`${name}TimeoutSeconds`));
    const chosen = { extract: await of('extract'), transform: await of('transform'), load: await of('load') };
    return { plan: planTimeoutSeconds, ...chosen, sweep: sweepTimeoutSeconds, freshness: 60, expire: 900 };
  }

  /** @param {string} text */
  function toSchedule(text) {
    try {
      return parseSchedule(text);
    } catch {
      // Templates are read before scripts/stage/check-parameters.cjs refuses the deployment for the schedule.
      return parseSchedule('rate(5 minutes)');
    }
  }
};
