// Three people count without a network; two of them some of the same items.
import type { Demo } from '../demo.ts';
import type { Phone } from '../phones.ts';
import { plural, step } from '../say.ts';
import { countOf, type StockItem } from '../warehouse.ts';

export const COUNTED_BY_BOTH = 12;
export const COUNTED_DIFFERENTLY = 8;
const COUNTED_BY_FIRST = 48;
const COUNTED_BY_SECOND_ALONE = 36;
export const COUNTED_BY_THIRD = 30;
/** Uploaded by the second phone before the first one told about the session. */
export const SENT_TOO_EARLY = 6;

export interface OfflineWork {
  /** Counted by both, with different results. */
  disputed: StockItem[];
  /** Not counted today. */
  untouched: StockItem;
  /** The item whose quantity was mistyped, and what it should have been. */
  mistyped: { item: StockItem; quantity: number };
  /** What the second phone still counts, after its first contact. */
  countRest: () => Promise<void>;
}

const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

export async function countOffline(demo: Demo): Promise<OfflineWork> {
  const { random, items, phones, sessions } = demo;
  const wanted = COUNTED_BY_FIRST + COUNTED_BY_SECOND_ALONE + COUNTED_BY_THIRD + 2;
  const today = random.sample(items, wanted);
  const take = (count: number): StockItem[] => today.splice(0, count);
  const ofFirst = take(COUNTED_BY_FIRST);
  const ofSecond = take(COUNTED_BY_SECOND_ALONE);
  const ofThird = take(COUNTED_BY_THIRD);
  const [typed, untouched] = take(2) as [StockItem, StockItem];
  const shared = ofFirst.slice(0, COUNTED_BY_BOTH);
  const disputed = shared.slice(0, COUNTED_DIFFERENTLY);
  const quantities = new Map(
    [...ofFirst, ...ofSecond, ...ofThird].map((item) => [item, quantityOf(demo, item)]),
  );
  const count = (phone: Phone, session: string, item: StockItem, more = 0): Promise<number> =>
    phone.count(session, item.item_code, quantities.get(item)! + more, minutesAgo(random.between(1, 5)));

  const { first, second, third } = phones;
  await first.start(sessions.hall, minutesAgo(6));
  for (const item of ofFirst) await count(first, sessions.hall, item);
  step(
    first.name,
    `${first.user} starts the session of the hall and counts ${plural(ofFirst.length, 'item')}`,
  );

  for (const item of ofSecond.slice(0, SENT_TOO_EARLY)) await count(second, sessions.hall, item);
  const countRest = async (): Promise<void> => {
    for (const item of ofSecond.slice(SENT_TOO_EARLY)) await count(second, sessions.hall, item);
    for (const item of shared) {
      await count(second, sessions.hall, item, disputed.includes(item) ? random.between(1, 5) : 0);
    }
    step(
      second.name,
      `${second.user} counts ${plural(ofSecond.length - SENT_TOO_EARLY + shared.length, 'more item')}, ` +
        `${shared.length} of them counted by ${first.user} too, ${disputed.length} with another result`,
    );
  };
  step(second.name, `${second.user} counts ${plural(SENT_TOO_EARLY, 'item')} in the same session`);

  await third.start(sessions.returns, minutesAgo(6));
  for (const item of ofThird) await count(third, sessions.returns, item);
  const quantity = quantityOf(demo, typed);
  await third.count(sessions.returns, typed.item_code, -Math.max(1, quantity), minutesAgo(1));
  step(
    third.name,
    `${third.user} counts ${plural(ofThird.length, 'return')} in a session of their own, ` +
      `and types −${Math.max(1, quantity)} for ${typed.item_code}`,
  );
  return { disputed, untouched, mistyped: { item: typed, quantity }, countRest };
}

const quantityOf = ({ random }: Demo, item: StockItem): number =>
  countOf(random, item.stock_qty, item.wrong / 2);
