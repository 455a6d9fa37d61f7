import fc from 'fast-check';
import { expect } from 'vitest';
import { person } from '../../../../src/domain/events/actor.ts';
import { bulkResolution } from './bulk-resolution.ts';
import { countingUnderOwnLock, endDue, lockItem, releasing, renewing, runOut } from './lock-commands.ts';
import { claim, resolve, voidLine, type Wish } from './people.ts';
import { race } from './race-command.ts';
import type { Step } from './step.ts';
import { step } from './step.ts';
import { lateStart, upload } from './upload-commands.ts';
import type { World } from './world.ts';

const two = fc.nat(1);
const three = fc.nat(2);
const index = fc.nat(20);
const people = fc.constantFrom('sue', 'max', 'ana');
const workers = fc.constantFrom(1, 1, 2);

/** Each adds its own steps to the mix; what a step has nothing to work on is left out of the run. */
export const commands = [
  upload,
  upload,
  upload,
  fc
    .record({ phone: three, workers })
    .map(({ phone, workers }) =>
      step(`drain ${phone} by ${workers}`, (world) => world.drain(world.phones[phone]!, workers)),
    ),
  fc.record({ which: index, dressed: fc.boolean(), sameId: fc.boolean(), turned: fc.boolean() }).map(resend),
  fc
    .record({ phone: three, asOther: fc.boolean() })
    .map(({ phone, asOther }) =>
      step(`reinstall ${phone}${asOther ? ' as another device' : ''}`, async (world) =>
        world.phones[phone]!.reinstall(asOther),
      ),
    ),
  fc
    .record({ phone: three, ids: fc.integer({ min: 1, max: 4 }) })
    .map(({ phone, ids }) =>
      step(`restore ${phone} by ${ids}`, async (world) => world.phones[phone]!.restore(ids)),
    ),
  fc.record({ which: index, who: people }).map(({ which, who }) =>
    step(`claim ${which} by ${who}`, async (world) => {
      const at = dispute(world, which);
      if (at === undefined) return;
      const outcome = await world.engine.claim(world.conflictIds[at]!, person(who, 'supervisor'));
      expect(outcome.kind).toBe(claim(world.truth, at, who));
    }),
  ),
  resolution(fc.constant(0), fc.constant(undefined)),
  resolution(fc.integer({ min: -1, max: 1 }), fc.constantFrom(undefined, 0, 0, 1)),
  lateStart,
  bulkResolution,
  race,
  fc
    .record({ item: fc.constantFrom(0, 0, 1), isTaken: fc.boolean() })
    .map(({ item, isTaken }) =>
      step(`time of item ${item} runs out${isTaken ? ', its row is taken' : ''}`, (world) =>
        runOut(world, item, isTaken),
      ),
    ),
  fc.constant(step('end due locks', endDue)),
  fc.record({ which: index }).map(({ which }) => step(`void ${which}`, (world) => voided(world, which))),
  fc
    .record({ item: two, session: two, who: people })
    .map(({ item, session, who }) =>
      step(`lock ${item} in ${session} by ${who}`, (world) => lockItem(world, item, session, who)),
    ),
  fc.record({ item: two, who: people, late: fc.boolean(), force: fc.boolean() }).map(releasing),
  fc
    .record({
      item: fc.constantFrom(0, 0, 1),
      by: fc.constantFrom('its holder', 'its holder', 'sue', 'ana'),
      late: fc.constantFrom(false, false, true),
    })
    .map(renewing),
  fc
    .record({ phone: three, item: fc.constantFrom(0, 0, 1), qty: fc.constantFrom(0, 7.5, 6.25) })
    .map(countingUnderOwnLock),
];

interface Resent {
  which: number;
  dressed: boolean;
  sameId: boolean;
  turned: boolean;
}

function resend({ which, dressed, sameId, turned }: Resent): Step {
  const how = `${dressed ? ', dressed' : ''}${turned ? ', last row first' : ''}`;
  const name = `send ${which} again${sameId ? '' : ' in a new batch'}${how}`;
  return step(name, async (world) => {
    const delivery = world.deliveries[which % Math.max(1, world.deliveries.length)];
    if (!delivery) return;
    if (sameId) {
      // Also by another user of a shared phone or dressed: what is stored stays as it is.
      expect(await world.store({ ...delivery, dressed })).toBe(false);
      return;
    }
    const rows = turned ? delivery.rows.toReversed() : delivery.rows;
    await world.send({ ...delivery, rows, dressed, heard: false });
    await world.drain(delivery.phone, 1);
  });
}

/** One of the disputes that are known so far. */
const dispute = (world: World, which: number): number | undefined =>
  world.truth.disputes.length === 0 ? undefined : which % world.truth.disputes.length;

function resolution(off: fc.Arbitrary<number>, fence: fc.Arbitrary<number | undefined>): fc.Arbitrary<Step> {
  const kind = fc.constantFrom('keep_local' as const, 'keep_server' as const, 'merge' as const);
  return fc
    .record({ which: index, who: people, resolution: kind, off, fence })
    .map(({ which, who, resolution, off, fence }) =>
      step(`resolve ${which} ${resolution} by ${who}, version ${off}, fence ${fence}`, async (world) => {
        const at = dispute(world, which);
        if (at === undefined) return;
        const { truth, engine } = world;
        const seen = Math.max(0, (truth.line(truth.disputes[at]!)?.version ?? 0) + off);
        const current = truth.lockOf(truth.disputes[at]!.item)?.fence ?? 1;
        const wish: Wish = {
          who,
          resolution,
          merged: 6.25,
          seen,
          fence: fence === undefined ? undefined : current + fence,
        };
        const outcome = await engine.resolve(
          world.conflictIds[at]!,
          {
            resolution,
            merged_value: { counted_qty: 6.25 },
            server_version: seen,
            fence: wish.fence,
            user_id: who,
          },
          person(who, 'supervisor'),
        );
        expect(outcome.kind).toBe(resolve(truth, at, wish));
      }),
    );
}

async function voided({ engine, truth }: World, which: number): Promise<void> {
  const lines = [...truth.lines.values()];
  const line = lines[which % Math.max(1, lines.length)];
  if (!line) return;
  const { session: session_id, item: item_code, place: location } = line;
  const stored = await engine.database.lines.findOne({ session_id, item_code, location });
  await engine.voidLine(session_id, stored!.id);
  voidLine(truth, line);
}
