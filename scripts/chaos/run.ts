// One run from the servers' start to the checker's verdict.
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Services, startServices } from '../../tools/services/start-services.ts';
import { check, type Findings } from './check/check.ts';
import { type Evidence, readEvidence, withDatabase } from './check/evidence.ts';
import { type Fault, runFaults } from './faults/plan.ts';
import { emptyJournal, type Journal } from './journal.ts';
import type { ChaosOptions } from './options.ts';
import { randomFor } from './random.ts';
import { preloadOf } from './sabotage/preload.ts';
import { type Fleet, startFleet } from './surroundings/fleet.ts';
import type { Watched } from './workload/watcher.ts';
import { startWorkload } from './workload/workload.ts';

export interface ChaosRun {
  options: ChaosOptions;
  findings: Findings;
  journal: Journal;
  evidence: Evidence;
  faults: Fault[];
  watched: readonly Watched[];
  ownEnds: readonly string[];
  /** Batches that were still not applied when waiting ended. */
  unapplied: number;
  startedAt: number;
  endedAt: number;
  logFile: string;
}

/** After the last fault: the sweep rings each minute for what is older than 10 s, and applying takes its time. */
const HEAL_LIMIT_MS = 150_000;
/** A fault that is not recovered from by then is left behind; the checker tells what became of it. */
const RECOVERY_LIMIT_MS = 90_000;
const DATABASE = 'chaos';

export async function runChaos(options: ChaosOptions, report: (line: string) => void): Promise<ChaosRun> {
  // Only servers of our own: what is broken here must be nobody's.
  const env = { ...process.env, MONGODB_URL: '', REDIS_URL: '' };
  const services = await startServices({ appendOnly: true, env, report });
  const folder = mkdtempSync(join(tmpdir(), 'stock-verify-chaos-'));
  const logFile = join(folder, 'engine.log');
  const jwtSecret = randomBytes(32).toString('hex');
  let fleet: Fleet | undefined;
  try {
    fleet = await startFleet({
      mongoUrl: services.mongoUrl,
      redisUrl: services.redisUrl,
      databaseName: DATABASE,
      jwtSecret,
      logFile,
      preload: preloadOf(options.breaks),
    });
    report(`engine: ${fleet.members.map(({ name }) => name).join(', ')}; log ${logFile}`);
    return await runOn({ services, fleet, jwtSecret, logFile, options, report });
  } finally {
    await fleet?.stop();
    await services.stop();
  }
}

interface Surroundings {
  services: Services;
  fleet: Fleet;
  jwtSecret: string;
  logFile: string;
  options: ChaosOptions;
  report: (line: string) => void;
}

async function runOn({
  services,
  fleet,
  jwtSecret,
  logFile,
  options,
  report,
}: Surroundings): Promise<ChaosRun> {
  const journal = emptyJournal();
  const faults: Fault[] = [];
  const startedAt = Date.now();
  const workload = await startWorkload({ options, journal, apiUrls: fleet.apiUrls, jwtSecret });
  const over = new AbortController();
  const breaking = runFaults(
    {
      kinds: options.faults,
      fleet,
      services,
      random: randomFor(options.seed, 'faults'),
      recovered: (since) => recovered(journal, since),
      signal: over.signal,
    },
    faults,
  );
  const telling = setInterval(() => report(progress(journal, faults, startedAt)), 5_000).unref();
  await workload.sent;
  over.abort();
  await breaking;
  report(`everything is healed; waiting until nothing is unapplied`);
  const unapplied = await settled(services.mongoUrl, workload);
  clearInterval(telling);
  const watched = await workload.watched;
  const endedAt = Date.now();
  // Nobody writes while the checker reads.
  await fleet.stop();
  const database = { mongoUrl: services.mongoUrl, databaseName: DATABASE };
  const evidence = await withDatabase(database, readEvidence);
  const disturbed = faults.map(({ at, healedAt }) => [at, healedAt] as const);
  const findings = check(journal, evidence, disturbed);
  return {
    options,
    findings,
    journal,
    evidence,
    faults,
    watched,
    ownEnds: fleet.ownEnds,
    unapplied,
    startedAt,
    endedAt,
    logFile,
  };
}

/** Until every batch that was acknowledged before `since` was told its verdicts. */
async function recovered({ batches }: Journal, since: number): Promise<void> {
  const deadline = Date.now() + RECOVERY_LIMIT_MS;
  const isOpen = () =>
    [...batches.values()].some(
      ({ acknowledgedAt, told }) =>
        acknowledgedAt !== undefined && acknowledgedAt <= since && told.at(-1)?.state !== 'applied',
    );
  while (isOpen() && Date.now() < deadline) await sleep(100);
}

async function settled(
  mongoUrl: string,
  workload: { finished: Promise<void>; end: () => void },
): Promise<number> {
  const deadline = Date.now() + HEAL_LIMIT_MS;
  await Promise.race([workload.finished, sleep(HEAL_LIMIT_MS, undefined, { ref: false })]);
  workload.end();
  await workload.finished;
  return withDatabase({ mongoUrl, databaseName: DATABASE }, async (db) => {
    for (;;) {
      const unapplied = await db.collection('sync_batches').countDocuments({ state: { $ne: 'applied' } });
      if (unapplied === 0 || Date.now() > deadline) return unapplied;
      await sleep(250);
    }
  });
}

function progress({ batches, requests }: Journal, faults: readonly Fault[], startedAt: number): string {
  let [sent, applied] = [0, 0];
  for (const { operations, told } of batches.values()) {
    sent += operations.length;
    if (told.at(-1)?.state === 'applied') applied += operations.length;
  }
  const last = faults.at(-1);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  return (
    `${String(seconds).padStart(4)} s  ${sent} deliveries sent, ${applied} told  ${requests.length} requests of people  ` +
    `${faults.length} faults${last ? `, last ${last.kind}` : ''}`
  );
}
