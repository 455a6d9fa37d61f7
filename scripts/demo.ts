// npm run demo: the whole product on real services, told step by step, each claim checked.
import { randomInt } from 'node:crypto';
import { runScript, UsageError } from './cli.ts';
import { chooseCalendar } from './demo/calendar.ts';
import type { Demo } from './demo/demo.ts';
import { INTERRUPTED_EXIT_CODE, Interrupted, listenForInterruption } from './demo/interruption.ts';
import { prepare, type Tokens } from './demo/prepare.ts';
import { printAccuracy, printClosingTable } from './demo/report.ts';
import { bad, chapter, decimals, elapsedSeconds, good, heading, plural, silence, step } from './demo/say.ts';
import { audit } from './demo/story/audit.ts';
import { countOffline } from './demo/story/count-offline.ts';
import { lateBatch, nightlyRun } from './demo/story/nightly.ts';
import { backfillYear, fillWarehouse } from './demo/story/past-year.ts';
import { lockByHand, resolveConflicts, syncAgain } from './demo/story/resolve.ts';
import { upload } from './demo/story/upload.ts';
import { bringUp, createUndo, type Surroundings } from './demo/surroundings.ts';

/** After an interruption the story may still wait for something that is gone. */
const EXIT_LIMIT_MS = 1_000;

const USAGE = `
Shows the whole product at work on real services, in about half a minute: phones count offline, upload,
contradict each other; a supervisor watches and decides; the nightly run and a late batch write the analytics.
Exits 1 when something that it shows does not hold.

  npm run demo -- [--keep] [--seed N]

  --keep      leave everything running at the end, until Ctrl-C; the database stays where its server does
  --seed      the same warehouse and year again, 0 to 4294967295 (default: a random one, printed)

MongoDB and Redis are those of MONGODB_URL and REDIS_URL where these are set, else they are brought up.
`;

await runScript({
  name: 'npm run demo --',
  usage: USAGE,
  options: { keep: { type: 'boolean', default: false }, seed: { type: 'string' } },
  run: async ({ keep, seed }) => runDemo({ keep, seed: parseSeed(seed) }),
});

async function runDemo({ keep, seed }: { keep: boolean; seed: number }): Promise<number> {
  const interruption = listenForInterruption();
  const undo = createUndo();
  const leave = { data: false, log: false };
  let exitCode = INTERRUPTED_EXIT_CODE;
  try {
    await Promise.race([interruption.signal, work()]);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    silence();
    console.log('\nStopping …');
  } finally {
    await undo.all();
    if (interruption.hasCome()) setTimeout(() => process.exit(), EXIT_LIMIT_MS).unref();
  }
  return exitCode;

  async function work(): Promise<void> {
    chapter('MongoDB, Redis and the engine');
    const calendar = chooseCalendar(new Date());
    const surroundings = await bringUp(calendar.zone, undo, leave);
    try {
      const { demo, tokens } = await prepare(surroundings, calendar, seed, undo);
      step('seed', `${seed}: --seed ${seed} tells the same story again`);
      await tell(demo);
      leave.log = !conclude(demo);
      exitCode = leave.log ? 1 : 0;
      leave.data = keep;
      if (keep) {
        showAddresses(surroundings, tokens);
        await interruption.signal;
      }
    } catch (error) {
      leave.log ||= !interruption.hasCome();
      throw error;
    } finally {
      if (leave.log) console.log(`The engine's log: ${surroundings.logFile}`);
    }
  }
}

async function tell(demo: Demo): Promise<void> {
  chapter('A warehouse and its year');
  await fillWarehouse(demo);
  const backfilled = await backfillYear(demo);

  chapter('Three phones count without a network');
  const work = await countOffline(demo);

  chapter('The phones find the network');
  await upload(demo, work);

  chapter('A supervisor decides');
  await resolveConflicts(demo, work);
  await lockByHand(demo, work);

  chapter('The phones sync again');
  await syncAgain(demo);

  chapter('The night');
  const nightly = await nightlyRun(demo);

  chapter('A late batch, and the next night');
  const late = await lateBatch(demo);

  chapter('The audit');
  const auditDifferences = await audit(demo);

  await printAccuracy(demo);
  await printClosingTable(demo, { backfilled, nightly, late, auditDifferences });
}

/** True when everything that was shown holds. */
function conclude({ claims }: Demo): boolean {
  const seconds = decimals(elapsedSeconds(), 1);
  const broken = claims.broken();
  console.log('');
  if (broken.length === 0) {
    good(`Everything adds up: ${plural(claims.made(), 'check')}, ${seconds} s.`);
    return true;
  }
  bad(`${broken.length} of ${plural(claims.made(), 'check')} do not hold:`);
  for (const claim of broken) bad(`  ${claim}`);
  return false;
}

function showAddresses({ engine, mongoUrl, databaseName }: Surroundings, tokens: Tokens): void {
  heading('Still running until Ctrl-C');
  console.log(`  engine            ${engine.url}   (for example /openapi.json)`);
  console.log(`  MongoDB           ${mongoUrl}, database ${databaseName}`);
  console.log(`  supervisor token  ${tokens.supervisor}`);
  console.log(`  admin token       ${tokens.admin}`);
}

function parseSeed(text: string | undefined): number {
  if (text === undefined) return randomInt(2 ** 32 - 1);
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed < 2 ** 32) return seed;
  throw new UsageError(`--seed must be a whole number from 0 to 4294967295, not '${text}'`);
}
