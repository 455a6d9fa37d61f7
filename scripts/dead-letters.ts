// npm run dead-letters: looks at work that was set aside, sends it again, drops it.
import { hostname, userInfo } from 'node:os';
import type { Config } from '../src/config/config.ts';
import type { Database } from '../src/db/database.ts';
import { dropDeadLetter, listActions, type Operator } from '../src/db/dead-letters/actions.ts';
import { findDeadLetter, listDeadLetters } from '../src/db/dead-letters/list-letters.ts';
import { letterToWire } from '../src/http/routes/dead-letters.ts';
import { redriveDeadLetter } from '../src/jobs/redrive-dead-letter.ts';
import { runScript, UsageError } from './cli.ts';
import { actionLines, letterLines, letterTable, outcomeLine } from './dead-letters/report.ts';
import { withRing } from './dead-letters/ring.ts';
import { withDatabase } from './with-database.ts';

const USAGE = `
Dead letters are work that failed for good and was set aside: operations of devices, and jobs.

  npm run dead-letters -- list [--limit 100] [--json]
  npm run dead-letters -- show ID [--json]
  npm run dead-letters -- redrive ID …
  npm run dead-letters -- drop ID …

  list          the latest first; --limit 1 to 500
  show          one letter, and what people did with it
  redrive       sends the work again, once the reason is mended; up to 100 letters at a time
  drop          deletes letters whose work is not to be done; kept is only who dropped what, and when
  --json        as GET /api/admin/dead-letters answers

Exits 1 when a letter is not there or cannot be sent again.
`;

const MAX_IDS = 100;

await runScript({
  name: 'npm run dead-letters --',
  usage: USAGE,
  options: { json: { type: 'boolean', default: false }, limit: { type: 'string' } },
  maxPositionals: 1 + MAX_IDS,
  run: async ({ json, limit }, [verb, ...ids]) => {
    const [id, ...others] = ids;
    switch (verb) {
      case 'list': {
        if (id !== undefined) throw new UsageError('list takes no ids');
        const rows = parseLimit(limit ?? '100');
        return connected(({ database }) => list(database, rows, json));
      }
      case 'show':
        if (id === undefined || others.length > 0) throw new UsageError('show takes one id');
        return connected(({ database }) => show(database, id, json));
      case 'redrive':
      case 'drop': {
        if (id === undefined) throw new UsageError(`${verb} takes one id or more`);
        const act = verb === 'redrive' ? redrive : drop;
        return connected((given) => act(given, ids));
      }
      default:
        throw new UsageError(
          `expected list, show, redrive or drop, got ${verb === undefined ? 'nothing' : `'${verb}'`}`,
        );
    }
  },
});

interface Given {
  config: Config;
  database: Database;
}

function connected(work: (given: Given) => Promise<number>): Promise<number> {
  return withDatabase({ appName: 'stock-verify-dead-letters' }, work);
}

function parseLimit(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 500) return value;
  throw new UsageError('--limit must be a whole number from 1 to 500');
}

async function list(database: Database, limit: number, json: boolean): Promise<number> {
  const { rows, ...rest } = await listDeadLetters(database, { limit });
  if (json) console.log(JSON.stringify({ dead_letters: rows.map(letterToWire), ...rest }, undefined, 2));
  else for (const line of letterTable(rows, rest.total)) console.log(line);
  return 0;
}

async function show(database: Database, id: string, json: boolean): Promise<number> {
  const letter = await findDeadLetter(database, id);
  const actions = await listActions(database, id);
  // A dropped one is known by what was done with it.
  if (!letter && actions.length === 0) return unknown(id);
  const done = actions.map(({ action, by, via, at }) => ({ action, by, via, at }));
  if (json) {
    const shown = { dead_letter: letter ? letterToWire(letter) : null, actions: done };
    console.log(JSON.stringify(shown, undefined, 2));
  } else {
    for (const line of [...(letter ? letterLines(letter) : [`id  ${id}`]), ...actionLines(done)]) {
      console.log(line);
    }
  }
  return 0;
}

async function redrive({ config, database }: Given, ids: readonly string[]): Promise<number> {
  return withRing(config, async (ring) => {
    let failed = 0;
    for (const id of ids) {
      const outcome = await redriveDeadLetter({ database, ring }, id, operator());
      const { line, isDone } = outcomeLine(id, outcome);
      if (!isDone) failed += 1;
      (isDone ? console.log : console.error)(line);
    }
    return failed > 0 ? 1 : 0;
  });
}

async function drop({ database }: Given, ids: readonly string[]): Promise<number> {
  let code = 0;
  for (const id of ids) {
    if (await dropDeadLetter(database, id, operator())) console.log(`${id}  dropped`);
    else code = unknown(id);
  }
  return code;
}

function unknown(id: string): number {
  console.error(`${id}  there is no such dead letter`);
  return 1;
}

// A command has no token: what is known is the account of the machine.
function operator(): Operator {
  return { by: 'system', via: `command ${userInfo().username}@${hostname()}` };
}
