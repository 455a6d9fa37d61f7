import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareAll } from './model/check.ts';
import { commands } from './model/commands.ts';
import { World } from './model/world.ts';
import { type SyncEngine, syncEngine } from './sync-engine.ts';

const DEFAULT_RUNS = 120;
const DEFAULT_SEED = 20_261_122;
const RUNS = Number(process.env['MODEL_RUNS'] ?? DEFAULT_RUNS);
const SEED = Number(process.env['MODEL_SEED'] ?? DEFAULT_SEED);
const MAX_COMMANDS = 18;
/** A failure names its `path` and `replayPath`; with them only that story is told again. */
const PATH = process.env['MODEL_PATH'];
const REPLAY_PATH = process.env['MODEL_REPLAY_PATH'];

/** What the stories must meet, or they prove less than they say. */
const MUST_MEET = [
  ...['applied', 'duplicate', 'update_conflict', 'lock_conflict', 'session_closed', 'session_unknown'],
  ...['session_mismatch', 'invalid_payload', 'operation_id_reused', 'opened', 'joined', 'claimed'],
  ...['keep_local', 'keep_server', 'merge'],
  ...['lock released', 'lock expired', 'lock resolved', 'lock forced'],
];

// Not in the stories: two at the same instant, whose order nobody knows (conflicts.test.ts races them), limits
// and HTTP, BLIND sessions' masks, ERP figures and dirty marks (variance/histories.test.ts), killed processes.

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

/** A session with a line in it, disputed or not, so that a short list of commands already meets something. */
async function openedWorld(disputed: boolean): Promise<World> {
  const world = new World(engine);
  const [phone, other] = world.phones;
  const [session] = world.sessions;
  const [item] = world.items;
  const now = Math.trunc(Date.now() / 1000) * 1000;
  const when = { at: now - 60_000, made: now };
  phone!.enqueue({ kind: 'start', session: session!, warehouse: 'North', type: 'STANDARD', ...when });
  phone!.enqueue({ kind: 'count', session: session!, item: item!, place: '', qty: 5, base: 0, ...when });
  const sender = { user: 'ana', dressed: false, heard: true, sentAt: new Date() };
  await world.send({ phone: phone!, ...phone!.waiting(), ...sender });
  await world.drain(phone!, 1);
  if (disputed) {
    other!.enqueue({ kind: 'count', session: session!, item: item!, place: '', qty: 7.5, base: 0, ...when });
    await world.send({ phone: other!, ...other!.waiting(), ...sender });
    await world.drain(other!, 1);
  }
  return world;
}

it(
  `the collections equal the model of the rules after ${RUNS} random stories (MODEL_SEED=${SEED})`,
  async () => {
    const seen = new Map<string, number>();
    const count = (name: string) => seen.set(name, (seen.get(name) ?? 0) + 1);
    const startedAt = performance.now();
    const story = fc.asyncProperty(
      fc.boolean(),
      fc.commands(commands, {
        maxCommands: MAX_COMMANDS,
        size: 'max',
        ...(REPLAY_PATH ? { replayPath: REPLAY_PATH } : {}),
      }),
      async (disputed, steps) => {
        const world = await openedWorld(disputed);
        await fc.asyncModelRun(() => ({ model: world.truth, real: world }), steps);
        for (const phone of world.phones) await world.drain(phone, 1);
        await compareAll(world);
        const { truth } = world;
        for (const verdict of world.given) count(verdict);
        for (const { resolution } of truth.disputes) if (resolution) count(resolution);
        for (const { end } of truth.locks) if (end) count(`lock ${end}`);
        for (const { steps } of truth.disputes) for (const one of steps) count(one.split(' ')[0]!);
      },
    );
    await fc.assert(story, { numRuns: PATH ? 1 : RUNS, seed: SEED, ...(PATH ? { path: PATH } : {}) });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${RUNS} stories from seed ${SEED} in ${seconds} s: all equal`, Object.fromEntries(seen));
    // A few stories of another seed may miss a rare one by chance.
    const enough = SEED === DEFAULT_SEED ? DEFAULT_RUNS : 500;
    if (RUNS >= enough && !PATH) expect(MUST_MEET.filter((name) => !seen.has(name))).toEqual([]);
  },
  40_000 + RUNS * 2_000,
);
