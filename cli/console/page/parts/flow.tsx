import type { Status } from '../../../status/status.ts';
import { age, Count, Time } from './elements.tsx';

/** The way of a change, with what is in each queue. */
export function Flow({ status }: { status: Status }) {
  const { queues, plan, tables, troubles } = status;
  // What does not answer may have it.
  const none = troubles.some(({ kind }) => kind === 'unanswered') ? 'not known' : 'none yet';
  const loadedAt = tables
    .flatMap((table) => table.loadedAt ?? [])
    .toSorted()
    .at(-1);
  return (
    <ol class="flow">
      <li>
        <h3>Source</h3>
        <p class="quiet">
          last plan <Time at={plan.succeededAt} none={none} />
        </p>
      </li>
      {queues.map(({ queue, ready, inFlight, deadLetters, oldestSeconds }) => (
        <li key={queue} class="queue">
          <h3>{queue}</h3>
          <dl>
            <div>
              <dt>ready</dt>
              <dd>
                <Count of={ready} />
              </dd>
            </div>
            <div>
              <dt>in flight</dt>
              <dd>
                <Count of={inFlight} />
              </dd>
            </div>
            <div>
              <dt>dead</dt>
              <dd>
                <Count of={deadLetters} level="bad" />
              </dd>
            </div>
          </dl>
          <p class="quiet">{oldestSeconds === null ? 'empty' : `oldest ${age(oldestSeconds)}`}</p>
        </li>
      ))}
      <li>
        <h3>Warehouse</h3>
        <p class="quiet">
          last load <Time at={loadedAt ?? null} none={none} />
        </p>
      </li>
    </ol>
  );
}
