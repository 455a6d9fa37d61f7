import { expect } from 'vitest';
import {
  sorted,
  storedDisputes,
  storedEvents,
  storedLedger,
  storedLines,
  storedLocks,
  storedSessions,
} from './stored.ts';
import type { World } from './world.ts';

/** The collections of a run say what its truth says. */
export async function compareAll(world: World): Promise<void> {
  const [sessions, lines, disputes, locks, ledger, events] = await Promise.all([
    storedSessions(world),
    storedLines(world),
    storedDisputes(world),
    storedLocks(world),
    storedLedger(world),
    storedEvents(world),
  ]);
  const actual = { sessions, lines, disputes, ...locks, ledger, ...events };
  expect(actual).toEqual(expectedOf(world));
}

function expectedOf({ truth, conflictIds }: World) {
  const openItems = (session: string) => [
    ...new Set(truth.disputes.filter((d) => d.session === session && !d.resolution).map((d) => d.item)),
  ];
  return {
    sessions: sorted(
      [...truth.sessions.values()].map((session) => {
        const items = openItems(session.session).toSorted();
        return { ...session, sync: items.length > 0 ? 'conflict' : 'synced', items };
      }),
    ),
    lines: sorted([...truth.lines.values()]),
    disputes: truth.disputes.map((dispute, index) => ({ id: conflictIds[index], ...dispute })),
    tooLong: [],
    active: sorted(
      truth.locks
        .filter((lock) => !lock.over && !lock.end)
        .map(({ over: _o, end: _e, renewals: _r, ...lock }) => lock),
    ),
    // In the order of the fences of an item: each one greater than those before, each ended once.
    lockHistory: sorted(
      truth.locks.map(({ over: _over, end, renewals, ...lock }) => ({
        ...lock,
        events: ['created', ...Array<string>(renewals).fill('renewed'), ...(end ? [end] : [])],
      })),
    ),
    ledger: sorted([...truth.recorded].map(([key, { op: _op, ...said }]) => ({ key, ...said }))),
    lineEvents: truth.writes.toSorted(),
    lockEvents: truth.locks
      .flatMap(({ item, fence, end, renewals }) =>
        ['locked', ...Array<string>(renewals).fill('renewed'), ...(end ? [end] : [])].map(
          (at) => `${item} ${fence} ${at}`,
        ),
      )
      .toSorted(),
  };
}
