import fc from 'fast-check';
import { step } from './step.ts';
import { type Op, placeOf } from './truth.ts';
import type { World } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Spec {
  kind: Op['kind'];
  session: number;
  item: number;
  place: string;
  qty: number;
  /** From the version that the server has as the count is made; undefined counts without having seen one. */
  base: number | undefined;
  age: number;
  warehouse: string;
  type: string;
}

// Mostly counts, or nothing would meet.
const KINDS = [...Array<'count'>(12).fill('count'), 'start', 'start', 'complete', 'broken'] as const;

const spec: fc.Arbitrary<Spec> = fc.record({
  kind: fc.constantFrom(...KINDS),
  session: fc.constantFrom(0, 0, 0, 0, 1),
  item: fc.constantFrom(0, 0, 0, 1),
  place: fc.constantFrom('', '', '', 'B'),
  qty: fc.constantFrom(0, 5, 7.5, 6.25),
  base: fc.constantFrom(undefined, undefined, 0, -1, 1),
  // Counts of the future and of more than ten years ago among them.
  age: fc.constantFrom(MINUTE, HOUR, 30 * HOUR, -HOUR, 5000 * 24 * HOUR),
  warehouse: fc.constantFrom('North', 'North', 'North', 'South'),
  type: fc.constantFrom('STANDARD', 'STANDARD', 'BLIND', 'STRICT'),
});

/** New operations and all that wait on the phone go out in one batch, which is applied now or later. */
export const upload = fc
  .record({
    phone: fc.nat(2),
    specs: fc.array(spec, { maxLength: 4 }),
    user: fc.constantFrom('ana', 'bob', 'cleo'),
    // A clock that is a few minutes off is left alone, one that is hours off is corrected.
    skew: fc.constantFrom(0, 0, 5 * MINUTE, -5 * MINUTE, 7 * HOUR, -7 * HOUR),
    dressed: fc.boolean(),
    twice: fc.option(fc.nat(5)),
    heard: fc.constantFrom(true, true, false),
    later: fc.constantFrom(false, false, false, true),
    workers: fc.constantFrom(1, 1, 1, 2),
  })
  .map(({ specs, ...how }) =>
    step(`upload ${JSON.stringify({ ...how, specs })}`, async (world) => {
      const phone = world.phones[how.phone]!;
      for (const one of specs) phone.enqueue(operation(one, world, how.skew));
      const { epoch, rows } = phone.waiting();
      if (rows.length === 0) return;
      if (how.twice !== null) rows.push(rows[how.twice % rows.length]!);
      const { user, dressed, heard } = how;
      await world.send({ phone, epoch, user, rows, dressed, heard, sentAt: new Date(Date.now() + how.skew) });
      if (!how.later) await world.drain(phone, how.workers);
    }),
  );

/** A session's operations in any order, in one batch: what waits for the start holds back what follows it. */
export const lateStart = fc
  .record({
    phone: fc.nat(2),
    kinds: fc.shuffledSubarray(['count', 'start', 'complete'] as const, { minLength: 2 }),
    qty: fc.constantFrom(0, 5),
  })
  .map(({ phone: which, kinds, qty }) =>
    step(`late start on ${which}: ${kinds.join(', ')}`, async (world) => {
      const phone = world.phones[which]!;
      const plain = {
        session: 1,
        item: 0,
        place: '',
        base: undefined,
        age: MINUTE,
        warehouse: 'North',
        type: 'STRICT',
      };
      for (const kind of kinds) phone.enqueue(operation({ ...plain, kind, qty }, world, 0));
      const sent = { user: 'bob', dressed: false, heard: true, sentAt: new Date() };
      await world.send({ phone, ...phone.waiting(), ...sent });
      await world.drain(phone, 1);
    }),
  );

let operations = 0;

function operation(spec: Spec, world: World, skew: number): Op {
  const now = Math.trunc(Date.now() / 1000) * 1000 + skew;
  const session = world.sessions[spec.session]!;
  const at = now - spec.age;
  // Counted up: two operations of the same words are still two, told apart by when they were made.
  operations += 1;
  const made = now + operations;
  const { kind, place, qty, warehouse, type } = spec;
  switch (kind) {
    case 'broken':
      return { kind, session, made };
    case 'complete':
      return { kind, session, at, made };
    case 'start':
      return { kind, session, warehouse, type, at, made };
    case 'count': {
      const item = world.items[spec.item]!;
      const version = world.truth.lines.get(placeOf({ session, item, place }))?.version ?? 0;
      const base = spec.base === undefined ? 0 : Math.max(0, version + spec.base);
      return { kind, session, item, place, qty, base, at, made };
    }
    default:
      return kind satisfies never;
  }
}
