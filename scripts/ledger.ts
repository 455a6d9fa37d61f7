// npm run ledger: what the ledger of operations takes, and moving its old rows out of the way.
import { SingleBar } from 'cli-progress';
import { readServerTime } from '../src/db/server-time.ts';
import {
  type ArchiveTotals,
  archiveLimit,
  archiveOlder,
  countOlder,
  MIN_ARCHIVE_AGE_DAYS,
} from '../src/db/sync/ledger-archive.ts';
import { readLedgerStats, type StoredSize } from '../src/db/sync/ledger-stats.ts';
import { runScript, UsageError } from './cli.ts';
import { type ScriptDatabase, withDatabase } from './with-database.ts';

const USAGE = `
The ledger keeps the first verdict of every operation, for ever.

  npm run ledger -- stats
  npm run ledger -- archive --before YYYY-MM-DD [--dry-run]

  stats         rows, bytes and bytes per operation of the ledger and of its archive
  archive       moves the verdicts that were recorded before that day (UTC) from sync_operations into
                sync_operations_archive. They are still read: a replay gets its first verdict as before.
                The engine may go on working. A killed run is gone on with by starting it again.
  --before      at least ${MIN_ARCHIVE_AGE_DAYS} days ago
  --dry-run     only count the rows
`;

await runScript({
  name: 'npm run ledger --',
  usage: USAGE,
  options: { before: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
  maxPositionals: 1,
  run: async ({ before, 'dry-run': dryRun }, [verb]) => {
    switch (verb) {
      case 'stats':
        if (before !== undefined || dryRun) throw new UsageError('stats takes no flags');
        await connected(stats);
        return 0;
      case 'archive': {
        const limit = parseDay(before);
        await connected((given) => archive(given, limit, dryRun));
        return 0;
      }
      default:
        throw new UsageError(
          `expected stats or archive, got ${verb === undefined ? 'nothing' : `'${verb}'`}`,
        );
    }
  },
});

// Patient: with no index on the time, a page may be found only after a long scan.
function connected(work: (given: ScriptDatabase) => Promise<void>): Promise<void> {
  return withDatabase({ appName: 'stock-verify-ledger', patient: true }, work);
}

function parseDay(text: string | undefined): Date {
  if (text === undefined) throw new UsageError('archive needs --before YYYY-MM-DD');
  const day = new Date(`${text}T00:00:00.000Z`);
  const exists = !Number.isNaN(day.getTime()) && dayOf(day) === text;
  if (!exists) throw new UsageError(`--before must be a day as YYYY-MM-DD, not '${text}'`);
  return day;
}

function dayOf(instant: Date): string {
  return instant.toISOString().slice(0, 10);
}

async function archive({ database }: ScriptDatabase, before: Date, dryRun: boolean): Promise<void> {
  const latest = archiveLimit(await readServerTime(database));
  if (before > latest) {
    throw new UsageError(
      `--before ${dayOf(before)} is less than ${MIN_ARCHIVE_AGE_DAYS} days ago; ` +
        `the latest day is ${dayOf(latest)} by MongoDB's clock`,
    );
  }
  const total = await countOlder(database, before);
  if (dryRun) {
    console.log(`${digits(total)} rows would be archived, nothing written`);
    return;
  }
  const startedAt = performance.now();
  const progress = process.stdout.isTTY ? progressBar(total) : progressLines(total);
  const { rows, bytes } = await archiveOlder(database, before, progress.show).finally(progress.end);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${digits(rows)} rows archived, ${digits(bytes)} bytes of BSON, in ${seconds} s`);
}

interface Progress {
  show: (totals: ArchiveTotals) => void;
  end: () => void;
}

function progressBar(total: number): Progress {
  const bar = new SingleBar({
    format: '{bar} {value}/{total} rows, {eta_formatted} left',
    clearOnComplete: true,
  });
  bar.start(total, 0);
  return { show: ({ rows }) => bar.update(rows), end: () => bar.stop() };
}

function progressLines(total: number): Progress {
  return { show: ({ rows }) => console.log(`${digits(rows)} of ${digits(total)} rows`), end: () => {} };
}

async function stats({ database }: ScriptDatabase): Promise<void> {
  const { ledger, archive: archived, oldest_at } = await readLedgerStats(database);
  for (const line of [
    ...sizeLines('ledger', ledger),
    `oldest row               ${oldest_at === undefined ? 'none' : oldest_at.toISOString()}`,
    ...sizeLines('archive', archived),
  ]) {
    console.log(line);
  }
}

function sizeLines(name: string, { rows, data_bytes, index_bytes }: StoredSize): string[] {
  const bytes = data_bytes + index_bytes;
  const each = rows === 0 ? '–' : (bytes / rows).toFixed(0);
  return [
    `${`${name} rows`.padEnd(24)} ${digits(rows)}`,
    `${`${name} bytes`.padEnd(24)} ${digits(bytes)} (data ${digits(data_bytes)}, index ${digits(index_bytes)})`,
    `${`${name} bytes/operation`.padEnd(24)} ${each}`,
  ];
}

function digits(count: number): string {
  return count.toLocaleString('en');
}
