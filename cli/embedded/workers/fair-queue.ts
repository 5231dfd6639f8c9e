/** Items that wait for one of a few slots, in groups that must not starve one another. */
export interface FairQueue<T> {
  push(group: string, item: T): void;
  /** The next item, which then counts as running until release(group). Undefined when none waits. */
  take(): T | undefined;
  release(group: string): void;
  /** How many items wait. */
  waiting(): number;
  /** Takes all that wait, none of it counted as running. */
  drain(): T[];
}

interface Group<T> {
  waiting: T[];
  running: number;
  lastTaken: number;
}

/**
 * Makes a queue that serves the group with the fewest running items first; of several, the one served
 * longest ago. Within a group it is first in, first out.
 */
export function makeFairQueue<T>(): FairQueue<T> {
  const groups = new Map<string, Group<T>>();
  let taken = 0;
  const groupOf = (name: string) => {
    const group = groups.get(name) ?? { waiting: [], running: 0, lastTaken: 0 };
    groups.set(name, group);
    return group;
  };
  return {
    push: (name, item) => void groupOf(name).waiting.push(item),
    take: () => {
      const group = nextGroup([...groups.values()]);
      const item = group?.waiting.shift();
      if (group === undefined || item === undefined) return undefined;
      group.running += 1;
      group.lastTaken = ++taken;
      return item;
    },
    release: (name) => {
      groupOf(name).running -= 1;
    },
    waiting: () => [...groups.values()].reduce((sum, group) => sum + group.waiting.length, 0),
    drain: () => [...groups.values()].flatMap((group) => group.waiting.splice(0)),
  };
}

function nextGroup<T>(groups: Group<T>[]): Group<T> | undefined {
  const ready = groups.filter((group) => group.waiting.length > 0);
  return ready.sort((a, b) => a.running - b.running || a.lastTaken - b.lastTaken)[0];
}
