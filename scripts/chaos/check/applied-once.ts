// S1: each acknowledged operation has its effect, once.
import type { Violation } from '../letters.ts';
import { type Case, lineKey, type OperationStory } from './deliveries.ts';
import { ledgerKey } from './evidence.ts';
import { lineOf, type Writer, writersByLine } from './line-writers.ts';

export interface Tally {
  violations: Violation[];
  /** Operations without a verdict or without their effect, and operations whose effect is there twice. */
  lost: Set<string>;
  doubled: Set<string>;
}

/**
 * Recomputes every line from the verdicts: version 1 to the line's own each have exactly one writer and one
 * event, and the last writer's value stands. So a write too many or too few shows, whoever made it.
 */
export function checkAppliedOnce(given: Case): Tally {
  const tally: Tally = { violations: [], lost: new Set(), doubled: new Set() };
  const says = (what: string): void => {
    tally.violations.push({ letter: 'S1', what });
  };
  for (const story of given.stories.values()) checkVerdict(given, story, tally, says);
  checkLines(given, tally, says);
  checkSessions(given, tally, says);
  checkForeignRows(given, says);
  return tally;
}

function checkVerdict(
  { evidence }: Case,
  { operation, isAcknowledged, deliveries, lasting }: OperationStory,
  tally: Tally,
  says: (what: string) => void,
): void {
  const { key } = operation;
  if (isAcknowledged && lasting.length === 0) {
    // An operation that is still told `retry` has a verdict, and waits for its device.
    if (deliveries.length > 0) return;
    tally.lost.add(key);
    says(`${key} was acknowledged and has no verdict`);
    return;
  }
  const first = lasting[0];
  const recorded = evidence.ledger.get(ledgerKey(operation));
  if (!first || operation.reused) return;
  if (!recorded) {
    says(`${key} was told ${first.result.verdict} and is not in the ledger`);
  } else if (recorded.verdict !== first.result.verdict) {
    says(`${key} was told ${first.result.verdict}, the ledger says ${recorded.verdict}`);
  }
  if (lasting.filter(({ result }) => result.verdict === 'applied').length > 1) tally.doubled.add(key);
}

function checkLines(given: Case, tally: Tally, says: (what: string) => void): void {
  const writers = writersByLine(given);
  const stored = new Map(given.evidence.lines.map((line) => [lineKey(line), line]));
  const events = lineEvents(given);
  for (const key of new Set([...writers.keys(), ...stored.keys()])) {
    const line = stored.get(key);
    const byVersion = Map.groupBy(writers.get(key) ?? [], ({ version }) => version);
    const versions = Math.max(line?.version ?? 0, ...byVersion.keys());
    for (let version = 1; version <= versions; version += 1) {
      const wrote = byVersion.get(version) ?? [];
      const told = events.get(`${key} ${version}`) ?? 0;
      if (wrote.length === 0) says(`${key}: nobody was told of version ${version}`);
      if (wrote.length > 1)
        says(`${key}: version ${version} was written by ${wrote.map(({ what }) => what).join(' and ')}`);
      if (told !== 1) says(`${key}: version ${version} has ${told} events`);
      if (version > (line?.version ?? 0)) noteLost(wrote, tally);
    }
    if (versions > (line?.version ?? 0))
      says(`${key}: stands at version ${line?.version ?? 0} of ${versions}`);
    const last = byVersion.get(line?.version ?? 0)?.[0];
    if (line && last && (line.counted_qty !== last.counted_qty || line.device_id !== last.device_id))
      says(`${key}: holds ${line.counted_qty} and not the ${last.counted_qty} of ${last.what}`);
    noteDoubled(writers.get(key) ?? [], tally, says);
  }
  checkUnchanged(given, writers, tally, says);
}

function noteLost(writers: readonly Writer[], tally: Tally): void {
  for (const { story } of writers) if (story) tally.lost.add(story.operation.key);
}

function noteDoubled(writers: readonly Writer[], tally: Tally, says: (what: string) => void): void {
  for (const [what, versions] of Map.groupBy(writers, (writer) => writer.what)) {
    if (versions.length < 2) continue;
    if (versions[0]?.story) tally.doubled.add(what);
    says(`${what} wrote versions ${versions.map(({ version }) => version).join(' and ')}`);
  }
}

/** An `applied` count that wrote nothing met a line of its own value. */
function checkUnchanged(
  { stories }: Case,
  writers: ReadonlyMap<string, readonly Writer[]>,
  tally: Tally,
  says: (what: string) => void,
): void {
  for (const story of stories.values()) {
    const { count, key } = story.operation;
    const applied = story.lasting.find(({ result }) => result.verdict === 'applied');
    if (!count || !applied) continue;
    const ofLine = writers.get(lineOf(story)) ?? [];
    if (ofLine.some((writer) => writer.story === story)) continue;
    const met = ofLine.find(({ version }) => version === applied.result.server?.version);
    if (met?.counted_qty === count.counted_qty) continue;
    tally.lost.add(key);
    says(`${key} was told applied, and no version of its line holds its ${count.counted_qty}`);
  }
}

function checkSessions({ stories, evidence }: Case, tally: Tally, says: (what: string) => void): void {
  const sessions = new Map(evidence.sessions.map((session) => [session.session_id, session]));
  for (const { operation, lasting } of stories.values()) {
    if (operation.count || lasting[0]?.result.verdict !== 'applied') continue;
    const session = sessions.get(operation.session_id);
    const isThere =
      operation.operation === 'session_start' ? session !== undefined : session?.status === 'CLOSED';
    if (isThere) continue;
    tally.lost.add(operation.key);
    says(
      `${operation.key}: ${operation.operation} of ${operation.session_id} was told applied and has no effect`,
    );
  }
  if (sessions.size !== evidence.sessions.length) says('a session is stored twice');
}

/** Nothing is stored that nobody sent. */
function checkForeignRows({ stories, evidence }: Case, says: (what: string) => void): void {
  const sent = new Set([...stories.values()].map(({ operation }) => ledgerKey(operation)));
  for (const key of evidence.ledger.keys())
    if (!sent.has(key)) says(`the ledger has ${key}, which nobody sent`);
}

/** How many events each line's version has. */
function lineEvents({ evidence }: Case): Map<string, number> {
  const events = new Map<string, number>();
  for (const { event } of evidence.outbox) {
    const { data } = event.payload;
    if (event.type !== 'item_update' || typeof data['version'] !== 'number') continue;
    const key = `${lineKey(data as { session_id: string; item_code: string; location: string })} ${data['version']}`;
    events.set(key, (events.get(key) ?? 0) + 1);
  }
  return events;
}
