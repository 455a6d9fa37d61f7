// The two tables at the end: how well the warehouse counts, and whether everything adds up.
import { setTimeout as sleep } from 'node:timers/promises';
import { printTable } from '../table.ts';
import type { Demo } from './demo.ts';
import { VERDICTS } from './network.ts';
import { decimals, heading, whole } from './say.ts';
import { firstDayOf, readDocuments, type StoredDocument } from './story/nightly.ts';
import { lockIn } from './supervisor.ts';

const SHOWN_WEEKS = 6;
const SHOWN_MONTHS = 4;
const DELIVERY_LIMIT_MS = 5_000;

/** What a warehouse manager looks at: the latest weeks and months. */
export async function printAccuracy(demo: Demo): Promise<void> {
  const weeks = (await readDocuments(demo, 'weekly')).slice(-SHOWN_WEEKS);
  const months = (await readDocuments(demo, 'monthly')).slice(-SHOWN_MONTHS);
  heading('How well the warehouse counts');
  printTable(
    [
      { title: 'period' },
      { title: 'items counted', align: 'right' },
      { title: 'with variance', align: 'right' },
      { title: 'accuracy', align: 'right' },
      { title: 'change', align: 'right' },
      { title: 'net value', align: 'right' },
      { title: '' },
    ],
    [
      ...weeks.map((week) => accuracyRow(`week of ${firstDayOf(week)}`, week)),
      ...months.map((month) => accuracyRow(`month ${firstDayOf(month).slice(0, 7)}`, month)),
    ],
  );
}

function accuracyRow(name: string, document: StoredDocument): string[] {
  return [
    name,
    whole(document.total_items_counted),
    whole(document.items_with_variance),
    `${decimals(document.accuracy_score, 1)} %`,
    document.has_previous_period ? `${decimals(document.accuracy_change, 1, true)} points` : '',
    `${decimals(document.net_variance_value, 2, true)} €`,
    document.provisional ? 'still running' : '',
  ];
}

export interface Figures {
  backfilled: number;
  nightly: number;
  late: number;
  auditDifferences: number;
}

/** Prints the closing table and checks it. */
export async function printClosingTable(demo: Demo, figures: Figures): Promise<void> {
  const { claims, tally } = demo;
  const delivery = await compareDelivery(demo);
  const locks = await countLocks(demo);
  const waiting = await countWaitingRows(demo);
  const answered = VERDICTS.reduce((sum, verdict) => sum + tally[verdict], 0);
  claims.equal('sent = applied + duplicate + conflict + rejected + retry', answered, tally.sent);
  claims.equal(
    'every verdict occurs',
    VERDICTS.filter((verdict) => tally[verdict] === 0),
    [],
  );
  claims.equal('one upload was cut off, one answer lost', [tally.cutOff, tally.answersLost], [1, 1]);
  claims.equal('device rows that still wait', waiting, 0);

  const written = figures.backfilled + figures.nightly + figures.late;
  heading('What happened');
  printTable(
    [{ title: 'what' }, { title: 'how many', align: 'right' }, { title: 'which' }],
    [
      ['operations sent', whole(tally.sent), `counted per answer, in ${tally.uploads} uploads`],
      ...VERDICTS.map((verdict) => [`  ${verdict}`, whole(tally[verdict]), VERDICT_MEANS[verdict]]),
      ['device rows left to send', whole(waiting), 'on three phones'],
      ['locks taken', whole(locks['locked'] ?? 0), 'by conflicts, a claim, and by hand'],
      ...LOCK_ENDS.map((end) => [`  ${end}`, whole(locks[end] ?? 0), LOCK_END_MEANS[end]]),
      ['events delivered', whole(delivery.delivered), `of ${whole(delivery.committed)} committed, in order`],
      [
        'periods written',
        whole(written),
        `${whole(figures.backfilled)} backfill, ${figures.nightly} nightly, ${figures.late} after the late batch`,
      ],
      ['audit differences', whole(figures.auditDifferences), 'stored against recomputed'],
    ],
  );
}

const VERDICT_MEANS: Record<(typeof VERDICTS)[number], string> = {
  applied: 'counted',
  duplicate: 'known already: asked again after the resolution',
  conflict: 'kept for a supervisor',
  rejected: 'can never apply: a negative quantity',
  retry: 'could not apply yet: the session was unknown',
};

const LOCK_ENDS = ['resolved', 'released', 'expired', 'forced'] as const;
const LOCK_END_MEANS: Record<(typeof LOCK_ENDS)[number], string> = {
  resolved: 'with the last conflict of their item',
  released: 'given back, or replaced by a claim',
  expired: 'by themselves',
  forced: 'by an admin',
};

/** Lock events that reached the supervisor, by state; held against the history of the locks. */
async function countLocks({ watcher, database, claims }: Demo): Promise<Record<string, number>> {
  const states: Record<string, number> = {};
  for (const event of watcher.events) {
    const state = lockIn(event)?.state;
    if (state !== undefined) states[state] = (states[state] ?? 0) + 1;
  }
  const history: Record<string, number> = {};
  for await (const { event } of database.lockHistory.find()) {
    const state = event === 'created' ? 'locked' : event;
    history[state] = (history[state] ?? 0) + 1;
  }
  claims.equal('lock events equal the history of the locks', sorted(states), sorted(history));
  const ended = LOCK_ENDS.reduce((sum, end) => sum + (states[end] ?? 0), 0);
  claims.equal('each lock ended once', ended, states['locked']);
  claims.equal('a lock expired', states['expired'], 1);
  return states;
}

const sorted = (counts: Record<string, number>): [string, number][] => Object.entries(counts).sort();

/** Waits a moment for what is on its way, then holds what was delivered against what was committed. */
async function compareDelivery({
  watcher,
  database,
  claims,
}: Demo): Promise<{ delivered: number; committed: number }> {
  const committed = await database.outbox.countDocuments({ 'event.target_roles': 'supervisor' });
  const deadline = performance.now() + DELIVERY_LIMIT_MS;
  while (watcher.events.length < committed && performance.now() < deadline) await sleep(20);
  const offsets = watcher.events.map(({ id }) => Number(id.slice(id.lastIndexOf('-') + 1)));
  const inOrder = offsets.every((offset, index) => index === 0 || offset > offsets[index - 1]!);
  claims.equal('every committed event is delivered once', watcher.events.length, committed);
  claims.equal('events are delivered in order', inOrder, true);
  return { delivered: watcher.events.length, committed };
}

/** A rejected row is not waiting: it stays on its phone until a person removes the app's data. */
async function countWaitingRows({ phones }: Demo): Promise<number> {
  const rows = (await Promise.all(Object.values(phones).map((phone) => phone.queue.list()))).flat();
  return rows.filter((row) => row.verdict !== 'rejected').length;
}
