import type { TransformDeps } from '../../../services/transformation/transform/transform.ts';
import type { PipelineEvent } from '../../../shared/events.ts';
import { makeReadLayout } from '../../../shared/records/plan/layout.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { openZones, type Zones } from '../../helpers/network/zones.ts';

/** Both zones, and what a transform is given; with what it has told. */
export interface TransformUnderTest {
  zones: Zones;
  deps: TransformDeps;
  events: PipelineEvent[];
  /** The details of its warnings. */
  warnings: Record<string, unknown>[];
}

export async function openTransform(): Promise<TransformUnderTest> {
  const zones = await openZones();
  const events: PipelineEvent[] = [];
  const warnings: Record<string, unknown>[] = [];
  const { ingested, processed } = zones;
  const deps: TransformDeps = {
    ingested,
    readLayout: makeReadLayout(ingested),
    processed,
    model: totesys,
    notify: async (event) => void events.push(event),
    warn: (_message, detail) => warnings.push(detail),
  };
  return { zones, deps, events, warnings };
}
