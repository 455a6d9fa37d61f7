import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/contract/error-codes.ts';
import { tellFigures } from '../../support/figures.ts';
import { type FuzzEngine, fuzzEngine, type Known, type RawAnswer, type RawRequest } from './fuzz-engine.ts';
import { CLASSES, type RequestClass, type Route, requestTo, routesOf } from './fuzz-requests.ts';
import { type Random, seeded } from './fuzz-values.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_302);
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 500);
/** Long enough that chance alone leaves no endpoint without a right request that is served. */
const IS_LONG = REQUESTS >= 5_000;
const LIMIT_MS = 60_000 + REQUESTS * 200;
/** What was stored is emptied this often, so that looking through all of it stays quick. */
const RESET_EVERY = 250;
const SHOWN = 1_000;
/** These store their defaults at first access. */
const CREATED_WHEN_READ = ['/api/users/me/preferences', '/api/admin/schedules'];

let engine: FuzzEngine;
beforeAll(async () => {
  engine = await fuzzEngine();
});
afterAll(() => engine.drop());

interface Cell {
  route: Route;
  kind: RequestClass;
  hits: number;
  /** Answers by status. */
  answers: Map<number, number>;
}

/** Each route with each class in turn, every round in another order. */
function* inTurn(cells: readonly Cell[], random: Random): Generator<Cell, never> {
  for (;;)
    yield* cells
      .map((cell) => ({ cell, key: random() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ cell }) => cell);
}

const told = ({ method, path, headers, body }: RawRequest): string =>
  `${method} ${path.slice(0, SHOWN)} ${JSON.stringify(headers).slice(0, SHOWN)} ${String(body ?? '').slice(0, SHOWN)}`;

function expectTyped(sent: RawRequest, answer: RawAnswer): void {
  // The answer to HEAD has no body.
  if (sent.method === 'HEAD') return;
  expect(answer.contentType, told(sent)).toMatch(/^application\/json/);
  const { error_code, detail, timestamp } = JSON.parse(answer.text) as Record<string, string>;
  expect(Object.keys(ERROR_CODES), told(sent)).toContain(error_code);
  expect(detail, told(sent)).toMatch(/\w/);
  expect(detail, told(sent)).not.toMatch(/node_modules|\bat \w+ \(|\.ts:\d/);
  expect(Date.parse(timestamp!), told(sent)).toBeGreaterThan(0);
}

test(
  `${REQUESTS} requests from the published schemas, seed ${SEED}: no 5xx, typed errors, nothing stored on 4xx`,
  async (context) => {
    const random = seeded(SEED);
    const { text } = await engine.send({ method: 'GET', path: '/openapi.json' });
    const routes = routesOf(JSON.parse(text) as Parameters<typeof routesOf>[0]);
    const cells = routes.flatMap((route) =>
      CLASSES.map((kind): Cell => ({ route, kind, hits: 0, answers: new Map() })),
    );
    const turns = inTurn(cells, random);
    let known: Known = {};
    let before = '';
    let refusals = 0;
    for (let n = 0; n < REQUESTS; n += 1) {
      if (n % RESET_EVERY === 0) {
        known = await engine.reset();
        before = await engine.stamp();
      }
      const cell = turns.next().value;
      const sent = requestTo(cell.route, cell.kind, { random, known });
      const answer = await engine.send(sent).catch((cause: unknown) => {
        throw new Error(`no answer to ${told(sent)}`, { cause });
      });
      cell.hits += 1;
      cell.answers.set(answer.status, (cell.answers.get(answer.status) ?? 0) + 1);
      // In this process and with no server away, nothing is unavailable either.
      expect(answer.status, `${told(sent)}\n${answer.text}`).toBeLessThan(500);
      if (cell.kind === 'stranger' && cell.route.isGuarded) expect(answer.status, told(sent)).toBe(401);
      if (answer.status >= 400) {
        refusals += 1;
        expectTyped(sent, answer);
        expect(await engine.stamp(), `stored by ${told(sent)}`).toBe(before);
      } else if (sent.method !== 'GET' || CREATED_WHEN_READ.includes(cell.route.path)) {
        await engine.applyAll();
        before = await engine.stamp();
      }
      if ((n + 1) % 2_500 === 0) console.log(`fuzz: ${n + 1} of ${REQUESTS} requests`);
    }
    expect(await engine.stamp(), 'stored by a request that only reads').toBe(before);
    const { database } = engine.sync;
    // An operation that made the engine throw would have been set aside, and that is a 5xx in disguise.
    expect(await database.deadLetters.countDocuments({ source: 'sync_operation' })).toBe(0);
    expect(await database.batches.countDocuments({ state: { $ne: 'applied' } })).toBe(0);
    expect(engine.process.child.exitCode).toBeNull();
    const least = Math.min(...cells.map(({ hits }) => hits));
    if (IS_LONG) printCoverage(cells);
    else
      console.log(
        `fuzz: ${REQUESTS} requests to ${routes.length} endpoints, ${refusals} refused, seed ${SEED}`,
      );
    tellFigures(context, {
      requests: REQUESTS,
      refusals,
      endpoints: routes.length,
      'least of each class': least,
    });
    expect(least).toBeGreaterThanOrEqual(Math.floor(REQUESTS / cells.length));
    // Right requests meet something, or the faulty ones prove nothing.
    const neverServed = cells.filter(
      ({ kind, answers }) => kind === 'valid' && ![...answers.keys()].some((status) => status < 300),
    );
    if (IS_LONG) {
      expect(neverServed.map(({ route }) => `${route.method} ${route.path}`)).toEqual([]);
    }
  },
  LIMIT_MS,
);

/** One line per endpoint: how often each class met it, and what it answered. */
function printCoverage(cells: readonly Cell[]): void {
  const byRoute = [...Map.groupBy(cells, ({ route }) => `${route.method} ${route.path}`)];
  const width = Math.max(...byRoute.map(([name]) => name.length));
  console.log(`fuzz: hits per endpoint by ${CLASSES.join('/')}, then answers by status`);
  for (const [name, own] of byRoute) {
    const answers: Record<string, number> = {};
    for (const cell of own) {
      for (const [status, count] of cell.answers) answers[status] = (answers[status] ?? 0) + count;
    }
    const hits = own.map((cell) => cell.hits).join('/');
    console.log(`${name.padEnd(width)}  ${hits.padEnd(20)}  ${JSON.stringify(answers)}`);
  }
}
