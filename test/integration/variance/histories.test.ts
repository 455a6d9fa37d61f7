import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CountLine } from '../../../src/contract/schemas/count-line.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { countMarks } from '../../../src/db/variance/dirty-marks.ts';
import { tellFigures } from '../../support/figures.ts';
import {
  type AnalyticsDatabase,
  allBytes,
  analyticsDatabase,
  clearAnalytics,
  rollUp,
  storedDocuments,
} from './analytics-database.ts';
import { bruteForce } from './brute-force.ts';
import { type Random, randomFrom, randomHistory, randomLine } from './random-lines.ts';
import { writeLine } from './write-lines.ts';

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/Havana',
  'UTC',
];
const HISTORIES = Number(process.env['HISTORIES'] ?? 100);
const SEED = Number(process.env['HISTORIES_SEED'] ?? 20_260_101);
const DAY_MS = 86_400_000;

let test: AnalyticsDatabase;
beforeAll(async () => {
  test = await analyticsDatabase();
});
afterAll(() => test.close());

/** A late count, a recount at another time or place, a correction or a void of an earlier line. */
function change(random: Random, lines: readonly CountLine[], now: Date): CountLine {
  const line = random.pick(lines);
  const at = new Date(now.getTime() - random.below(18 * DAY_MS));
  const { voided_at, voided_by, ...kept } = line;
  if (random.chance(20)) return { ...line, voided_at: now, voided_by: 'sue' };
  if (random.chance(30)) return { ...kept, counted_qty: random.below(20) / 4, version: line.version + 1 };
  const place = random.chance(50) ? line.location : `L${random.below(3)}`;
  const item = random.chance(50) ? line.item_code : `late-${random.below(5)}`;
  return randomLine(random, at, { session_id: line.session_id, item_code: item, location: place });
}

it(
  `equals the brute force after ${HISTORIES} random histories of late and corrected counts (seed ${SEED})`,
  async (context) => {
    const { database } = test;
    for (let index = 0; index < HISTORIES; index += 1) {
      await clearAnalytics(database);
      const random = randomFrom(SEED + index);
      const zone = ZONES[index % ZONES.length] as string;
      const settings = { timezone: zone, tolerancePercent: random.pick([0, 2.5, 10]) };
      const now = await readServerTime(database);
      const start = new Date(now.getTime() - 12 * DAY_MS);
      const lines = new Map<string, CountLine>();
      const keep = (line: CountLine) =>
        lines.set(`${line.session_id}|${line.item_code}|${line.location}`, line);
      randomHistory(random, { start, end: now, sessions: 5, itemsPerSession: 6 }).forEach(keep);
      await database.lines.insertMany([...lines.values()].map((line) => ({ ...line })));
      await rollUp(database, settings);
      for (let step = 0; step < 4; step += 1) {
        const line = change(random, [...lines.values()], now);
        keep(line);
        await writeLine(database, line, zone);
      }
      await rollUp(database, settings);
      const told = `history ${index} (seed ${SEED + index}, ${zone})`;
      const expected = bruteForce([...lines.values()], {
        zone,
        now,
        tolerancePercent: settings.tolerancePercent,
      });
      expect(await storedDocuments(database), told).toEqual(expected);
      expect(await countMarks(database), told).toBe(0);
      const before = await allBytes(database);
      await rollUp(database, settings);
      expect(await allBytes(database), told).toBe(before);
    }
    console.log(`${HISTORIES} histories from seed ${SEED}: all equal`);
    tellFigures(context, { histories: HISTORIES });
  },
  60_000 + HISTORIES * 3_000,
);
