// A warehouse and its year, made up from a seed. Counts go wrong as studies find them to: about as often above
// as below the book, mostly by little, in some categories much more often, and less and less over the year.
import { ObjectId } from 'mongodb';
import type { CountLine } from '../../src/contract/schemas/count-line.ts';
import type { CountSession } from '../../src/contract/schemas/count-session.ts';
import type { ErpItem } from '../../src/db/erp-items.ts';
import { round4 } from '../../src/domain/decimal.ts';
import { addDays } from '../../src/domain/variance/periods.ts';
import { type Calendar, isWorkingDay, timeOfDay } from './calendar.ts';
import type { Random } from './random.ts';

export const WAREHOUSE = 'Central';
const ITEMS_PER_CATEGORY = 300;
const ITEMS_PER_SESSION = 32;

/** Code prefix, name, price range, how often a count differs from the book at the year's start. */
const CATEGORIES = [
  { prefix: 'BEV', name: 'Beverages', price: [1, 18], wrong: 0.22 },
  { prefix: 'CAN', name: 'Canned food', price: [1, 9], wrong: 0.14 },
  { prefix: 'CLN', name: 'Cleaning', price: [2, 25], wrong: 0.16 },
  { prefix: 'COS', name: 'Cosmetics', price: [4, 90], wrong: 0.38 },
  { prefix: 'DRY', name: 'Dry goods', price: [1, 12], wrong: 0.18 },
  { prefix: 'ELE', name: 'Electronics', price: [8, 450], wrong: 0.3 },
  { prefix: 'HOU', name: 'Household', price: [3, 60], wrong: 0.2 },
  { prefix: 'TOY', name: 'Toys', price: [5, 120], wrong: 0.28 },
] as const;

export const CATEGORY_COUNT = CATEGORIES.length;

export interface StockItem {
  item_code: string;
  item_name: string;
  category: string;
  stock_qty: number;
  mrp: number;
  /** How often a count of it differs from the book at the year's start, 0..1. */
  wrong: number;
}

export function makeItems(random: Random): StockItem[] {
  return CATEGORIES.flatMap(({ prefix, name, price: [low, high], wrong }) =>
    Array.from({ length: ITEMS_PER_CATEGORY }, (_, index) => ({
      item_code: `${prefix}-${String(index + 1).padStart(4, '0')}`,
      item_name: `${name} ${index + 1}`,
      category: name,
      stock_qty: random.chance(0.03) ? 0 : random.between(1, 400),
      mrp: round4(low + (high - low) * random.next() ** 2 - 0.01),
      wrong,
    })),
  );
}

/** The row that the ERP sync would write. */
export const erpRow = ({ wrong: _wrong, ...row }: StockItem): ErpItem => ({ _id: new ObjectId(), ...row });

/** What somebody counts who should find `book`. */
export function countOf(random: Random, book: number, wrong: number): number {
  if (!random.chance(wrong)) return book;
  const most = random.chance(0.1) ? Math.max(5, book * 0.3) : Math.max(2, book * 0.04);
  const off = random.between(1, Math.ceil(most)) * (random.chance(0.5) ? 1 : -1);
  // Nobody counts less than nothing.
  return book + off < 0 ? book + Math.abs(off) : book + off;
}

const REASONS = ['misplaced', 'damaged', 'short delivery', 'unbooked sale', 'theft', null, null];

export interface Year {
  sessions: CountSession[];
  lines: CountLine[];
}

/** One closed session on each working day of the year, until yesterday. */
export function makeYear(random: Random, items: readonly StockItem[], calendar: Calendar): Year {
  const year: Year = { sessions: [], lines: [] };
  const days = workingDays(calendar);
  for (const [index, day] of days.entries()) {
    // Half as many wrong counts at the end of the year as at its start.
    const wrongShare = 1 - (0.5 * index) / days.length;
    const session_id = `${day}-cycle`;
    const staff_user = `staff-${random.between(1, 3)}`;
    const counted = random.sample(items, random.between(ITEMS_PER_SESSION - 8, ITEMS_PER_SESSION + 8));
    const startedAt = timeOfDay(day, 8 * 60, calendar.zone);
    counted.forEach((item, position) => {
      const at = new Date(startedAt.getTime() + (position + random.next()) * 4 * 60_000);
      year.lines.push(...makeLines(random, item, { session_id, staff_user, at, wrongShare }));
    });
    year.sessions.push(makeSession(session_id, staff_user, startedAt, year.lines.at(-1)!.counted_at));
  }
  return year;
}

function workingDays({ firstDay, yesterday }: Calendar): string[] {
  const days: string[] = [];
  for (let day = firstDay; day <= yesterday; day = addDays(day, 1)) if (isWorkingDay(day)) days.push(day);
  return days;
}

interface Visit {
  session_id: string;
  staff_user: string;
  at: Date;
  wrongShare: number;
}

/** The item's line, or two where it lies in two places: their sum is what counts. */
function makeLines(random: Random, item: StockItem, visit: Visit): CountLine[] {
  const book = random.between(Math.floor(item.stock_qty * 0.5), item.stock_qty);
  const total = countOf(random, book, item.wrong * visit.wrongShare);
  const reason = total === book ? null : random.pick(REASONS);
  const places = random.chance(0.08) && total > 1 ? ['rack', 'floor'] : [''];
  const first = places.length === 2 ? random.between(1, total - 1) : total;
  return places.map((location, index) => {
    const counted_qty = index === 0 ? first : total - first;
    const variance = counted_qty - book;
    return {
      id: random.uuid(),
      session_id: visit.session_id,
      item_code: item.item_code,
      location,
      counted_qty,
      erp_qty: book,
      erp_qty_source: 'erp_items',
      variance,
      variance_reason: reason,
      category: item.category,
      unit_value: item.mrp,
      variance_value: round4(variance * item.mrp),
      note: null,
      counted_by: visit.staff_user,
      counted_at: visit.at,
      version: 1,
      updated_at: visit.at,
      device_id: 'phone-of-last-year',
      queue_epoch: 'year',
    };
  });
}

const makeSession = (id: string, staff_user: string, started_at: Date, closed_at: Date): CountSession => ({
  id,
  session_id: id,
  warehouse: WAREHOUSE,
  type: 'STANDARD',
  status: 'CLOSED',
  started_at,
  closed_at,
  staff_user,
  notes: null,
  offline_created: false,
  sync_status: 'synced',
  conflict_items: [],
});
