import { isDeepStrictEqual } from 'node:util';
import type { PeriodType, VarianceAnalytics } from '../../contract/schemas/variance-analytics.ts';
import type { Database } from '../../db/database.ts';
import { readServerTime } from '../../db/server-time.ts';
import type { AnalyticsSettings } from '../../db/variance/analytics-settings.ts';
import { listAllDocuments } from '../../db/variance/documents.ts';
import { findEarliestLine, readLinesByItem } from '../../db/variance/line-cursor.ts';
import { FORMULA_VERSION } from '../../domain/variance/formula.ts';
import { periodsFrom } from './calendar.ts';
import { type AuditedItem, itemsOfLines } from './items-of-lines.ts';
import { emptyTally, figuresOf, type Tally, tallyItem } from './tally.ts';

export interface AuditDifference {
  period_type: PeriodType;
  /** First local date of the period. */
  date: string;
  kind: 'missing' | 'extra' | 'unequal';
  /** For `unequal`: the fields, and what they say and should say. */
  fields: { field: string; stored: unknown; expected: unknown }[];
}

export interface AuditReport {
  /** Documents that the lines call for in the range. */
  expected: number;
  stored: number;
  differences: AuditDifference[];
}

interface Slot {
  date: string;
  start: number;
  end: number;
  tally: Tally;
}

const TYPES: readonly PeriodType[] = ['daily', 'weekly', 'monthly'];

/**
 * Recomputes every document from the lines in plain code of its own and compares those whose period starts
 * on a local date in `from..to`. Reads all lines once through a cursor and holds the figures of each
 * period. Meant for quiet hours: what is written during an audit may show as a difference.
 */
export async function auditVariance(
  database: Database,
  settings: AnalyticsSettings,
  range: { from: string; to: string },
): Promise<AuditReport> {
  const now = await readServerTime(database);
  const { slots, first } = await tallyLines(database, settings, now);
  const stored = await listAllDocuments(database);
  const expected = TYPES.flatMap((type) => expectedOf(type, { slots: slots[type], first, now, settings }));
  const inRange = ({ date }: { date: string }) => date >= range.from && date <= range.to;
  const wanted = new Map(expected.filter(inRange).map((entry) => [keyOf(entry.document), entry]));
  const present = new Map(
    stored
      .map((document) => ({ document, date: dateOf(document) }))
      .filter(inRange)
      .map((entry) => [keyOf(entry.document), entry]),
  );
  const differences: AuditDifference[] = [];
  for (const [key, { document, date }] of wanted) {
    const found = present.get(key);
    const base = { period_type: document.period_type, date };
    if (!found) differences.push({ ...base, kind: 'missing', fields: [] });
    else {
      const fields = unequalFields(found.document, document);
      if (fields.length > 0) differences.push({ ...base, kind: 'unequal', fields });
    }
  }
  for (const [key, { document, date }] of present) {
    if (wanted.has(key)) continue;
    differences.push({ period_type: document.period_type, date, kind: 'extra', fields: [] });
  }
  return { expected: wanted.size, stored: present.size, differences };
}

const keyOf = (document: Pick<VarianceAnalytics, 'period_type' | 'period_start'>): string =>
  `${document.period_type} ${document.period_start.getTime()}`;

/** The local date of a stored document's start, in the document's own zone. */
function dateOf({ period_start, timezone }: VarianceAnalytics): string {
  const [only] = periodsFrom('daily', { from: period_start, until: period_start }, timezone);
  return only?.date ?? period_start.toISOString().slice(0, 10);
}

async function tallyLines(database: Database, settings: AnalyticsSettings, now: Date) {
  const slots: Record<PeriodType, Slot[]> = { daily: [], weekly: [], monthly: [] };
  const early = await findEarliestLine(database);
  if (!early) return { slots, first: undefined };
  for (const type of TYPES) {
    const span = { from: early, until: now };
    slots[type] = [...periodsFrom(type, span, settings.timezone)].map((period) => ({
      ...period,
      tally: emptyTally(),
    }));
  }
  let first: number | undefined;
  for await (const item of itemsOfLines(readLinesByItem(database))) {
    first = Math.min(first ?? Number.POSITIVE_INFINITY, item.at.getTime());
    for (const type of TYPES) {
      const slot = slotAt(slots[type], item);
      if (slot) tallyItem(slot.tally, item, settings.tolerancePercent);
    }
  }
  return { slots, first };
}

/** By bisection: the slots follow each other without a gap. */
function slotAt(slots: readonly Slot[], item: AuditedItem): Slot | undefined {
  const at = item.at.getTime();
  let low = 0;
  let high = slots.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((slots[middle]?.start ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  const slot = slots[low];
  return slot && slot.start <= at && at < slot.end ? slot : undefined;
}

function expectedOf(
  type: PeriodType,
  state: { slots: readonly Slot[]; first: number | undefined; now: Date; settings: AnalyticsSettings },
) {
  const documents: {
    date: string;
    document: Partial<VarianceAnalytics> & Pick<VarianceAnalytics, 'period_type' | 'period_start'>;
  }[] = [];
  let before: { accuracy: number; counted: number } | undefined;
  for (const slot of state.slots) {
    const provisional = slot.end > state.now.getTime();
    const isEmpty = slot.tally.codes.size === 0;
    const begun = state.first !== undefined && slot.end > state.first;
    if (!begun || (provisional && isEmpty)) continue;
    const figures = figuresOf(slot.tally);
    const counted = figures.total_items_counted;
    const previous = before && before.counted > 0 ? before.accuracy : undefined;
    documents.push({
      date: slot.date,
      document: {
        period_type: type,
        period_start: new Date(slot.start),
        period_end: new Date(slot.end),
        timezone: state.settings.timezone,
        ...figures,
        has_previous_period: previous !== undefined,
        previous_period_accuracy: previous ?? 0,
        accuracy_change:
          previous === undefined || counted === 0
            ? 0
            : Math.round((figures.accuracy_score - previous) * 10_000) / 10_000,
        provisional,
        formula_version: FORMULA_VERSION,
      },
    });
    before = { accuracy: figures.accuracy_score, counted };
  }
  return documents;
}

function unequalFields(
  stored: VarianceAnalytics,
  expected: Partial<VarianceAnalytics>,
): AuditDifference['fields'] {
  return Object.entries(expected)
    .map(([field, value]) => ({
      field,
      stored: stored[field as keyof VarianceAnalytics] as unknown,
      expected: value as unknown,
    }))
    .filter((entry) => !isDeepStrictEqual(entry.stored, entry.expected));
}
