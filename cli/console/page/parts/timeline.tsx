import type { ZoneObject } from '../../../objects/list-objects.ts';
import type { RunStep } from '../../../runs/show-run.ts';
import { formatPlace } from './address.ts';
import { Link } from './elements.tsx';

const shownSlices = 40;

interface SliceLine {
  name: string;
  key: string;
  /** Seconds from the plan on. */
  extracted: number;
  transformed: number | undefined;
}

/** A line for each slice: how long after the plan it was extracted, and then transformed. */
export function Timeline({
  plannedAt,
  objects,
  steps,
}: {
  plannedAt: string;
  objects: readonly ZoneObject[];
  steps: readonly RunStep[];
}) {
  const lines = makeLines(plannedAt, objects);
  const loaded = steps.find(({ step }) => step === 'load')?.seconds ?? 0;
  const end = Math.max(0.1, loaded, ...lines.map(({ extracted, transformed }) => transformed ?? extracted));
  const at = (seconds: number) => (100 * seconds) / end;
  return (
    <>
      <ol class="timeline">
        {lines.slice(0, shownSlices).map(({ name, key, extracted, transformed }) => (
          <li key={key}>
            <Link to={formatPlace('objects', key)}>{name}</Link>
            <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
              <rect class="extract" x="0" y="2" width={at(extracted)} height="6" />
              {transformed !== undefined && (
                <rect
                  class="transform"
                  x={at(extracted)}
                  y="2"
                  width={at(transformed - extracted)}
                  height="6"
                />
              )}
            </svg>
            <span class="number">{(transformed ?? extracted).toFixed(1)} s</span>
          </li>
        ))}
      </ol>
      <p class="quiet legend">
        <span class="swatch extract" /> until extracted <span class="swatch transform" /> until transformed,
        of {end.toFixed(1)} s until all was loaded
        {lines.length > shownSlices && `; ${lines.length - shownSlices} more slices are not drawn`}
      </p>
    </>
  );
}

/** Times of S3 are whole seconds: one before the plan is the plan's own second. */
function makeLines(plannedAt: string, objects: readonly ZoneObject[]): SliceLine[] {
  const since = (time: string) => Math.max(0, (Date.parse(time) - Date.parse(plannedAt)) / 1000);
  const made = objects.filter(({ zone }) => zone === 'processed');
  return objects
    .filter(({ zone }) => zone === 'ingested')
    .map(({ table, slice, key, putAt }) => {
      const extracted = since(putAt);
      const ends = made.filter((each) => each.slice === slice).map((each) => since(each.putAt));
      const transformed = ends.length === 0 ? undefined : Math.max(extracted, ...ends);
      return { name: `${table} ${slice}`, key, extracted, transformed };
    })
    .toSorted((a, b) => a.extracted - b.extracted);
}
