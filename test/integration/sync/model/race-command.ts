import fc from 'fast-check';
import { step } from './step.ts';
import type { Op } from './truth.ts';

/** One phone completes a session at the instant at which another's count of it is applied. */
export const race = fc
  .record({
    completer: fc.nat(2),
    counter: fc.nat(2),
    item: fc.constantFrom(0, 0, 1),
    qty: fc.constantFrom(0, 5, 7.5),
  })
  .map(({ completer, counter, item: which, qty }) =>
    step(`race: ${completer} completes while ${counter} counts ${qty} of item ${which}`, async (world) => {
      const [one, other] = [world.phones[completer]!, world.phones[counter]!];
      if (one === other) return;
      const [session, item] = [world.sessions[0]!, world.items[which]!];
      const made = Math.trunc(Date.now() / 1000) * 1000;
      const complete: Op = { kind: 'complete', session, at: made, made };
      const count: Op = { kind: 'count', session, item, place: '', qty, base: 0, at: made, made };
      const sent = [];
      for (const [phone, op] of [
        [one, complete],
        [other, count],
      ] as const) {
        phone.enqueue(op);
        await world.drain(phone, 1);
        const waiting = phone.waiting();
        // One operation each, so that there are two orders and no more; what waited before goes out another time.
        if (waiting.rows.length !== 1) return;
        sent.push({ phone, ...waiting });
      }
      const [first, second] = await Promise.all(
        sent.map((own) =>
          world.send({ ...own, user: 'cleo', dressed: false, heard: true, sentAt: new Date() }),
        ),
      );
      await world.race(first!, second!, { session, item, place: '' });
    }),
  );
