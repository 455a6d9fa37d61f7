import { type Import, readImports, type SourceFile } from './source-file.ts';

const PLAIN_CONTRACT = ['contract'];
const RULES = ['contract', 'domain'];
const ADAPTERS = ['db', 'queues', 'realtime', 'http', 'device'];

/**
 * Which parts of src/ each part may import besides itself:
 * contract → domain → (db · queues · realtime · http · device) → jobs → legacy → app → main.
 * Adapters stand side by side, with arrows of their own to `db` only: its documents are the truth that the
 * others serve. For `queues` that is the scheduler, whose fire is an insert into schedule_runs.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  config: [],
  runtime: [],
  contract: [],
  domain: ['contract'],
  db: [...RULES, 'runtime'],
  queues: [...RULES, 'runtime', 'db'],
  realtime: [...RULES, 'runtime', 'db'],
  http: [...RULES, 'runtime', 'db'],
  device: RULES,
  'device-node': [...PLAIN_CONTRACT, 'device'],
  client: PLAIN_CONTRACT,
  jobs: [...RULES, ...ADAPTERS, 'runtime', 'config'],
  legacy: [...RULES, ...ADAPTERS, 'runtime', 'config', 'jobs'],
  app: [...RULES, ...ADAPTERS, 'runtime', 'config', 'jobs', 'legacy'],
  main: [...RULES, ...ADAPTERS, 'runtime', 'config', 'jobs', 'legacy', 'app'],
};

/** Packages that one part, or two, wrap for all the others. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  mongodb: ['db'],
  bullmq: ['queues'],
  'node-cron': ['queues'],
  ioredis: ['queues', 'realtime'],
  ws: ['realtime'],
};

/** Parts that must run anywhere, or decide the same anywhere: only these packages. */
const ONLY_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  contract: ['zod'],
  // node:crypto and node:util for hashes and equality, both pure.
  domain: ['zod', 'temporal-polyfill', 'node:crypto', 'node:util'],
  device: [],
  client: [],
};

const NAMES_OF_NOTHING = /\/(utils?|helpers?|types|common|misc|index)\.ts$/;
const PUBLISHED_ENTRY = 'src/device/index.ts';

/** Every way in which a file leaves its layer, as one readable line each. */
export function violationsOf(file: SourceFile): string[] {
  const part = partOf(file.path);
  const allowed = MAY_IMPORT[part];
  if (!allowed) return [`${file.path}: "${part}" is no part of the layout`];
  const broken = readImports(file).flatMap((each) => {
    const reason = each.ours ? reasonAgainstOurs(part, allowed, each) : reasonAgainstPackage(part, each);
    return reason === undefined ? [] : [`${file.path} imports ${each.target}: ${reason}`];
  });
  if (NAMES_OF_NOTHING.test(file.path) && file.path !== PUBLISHED_ENTRY) {
    broken.push(`${file.path}: the name says nothing about what is inside`);
  }
  return broken;
}

function reasonAgainstOurs(part: string, allowed: readonly string[], { target }: Import): string | undefined {
  if (!target.startsWith('src/')) return 'it is outside of src';
  // zod is not shipped to phones and browsers.
  if (isShipped(part) && target.startsWith('src/contract/schemas/')) return 'it needs zod';
  const other = partOf(target);
  if (other === part || allowed.includes(other)) return undefined;
  return allowed.length === 0
    ? `${part} may import nothing of ours`
    : `${part} may import ${allowed.join(', ')}`;
}

function reasonAgainstPackage(part: string, { target }: Import): string | undefined {
  const owners = OWNERS[target];
  if (owners && !owners.includes(part)) return `only ${owners.map((owner) => `src/${owner}`).join(', ')} may`;
  const only = ONLY_PACKAGES[part];
  if (only && !only.includes(target)) return `${part} may use ${only.join(', ') || 'no package'}`;
  return undefined;
}

const isShipped = (part: string): boolean => part === 'device' || part === 'client';

/** `src/db/locks/x.ts` is of `db`; files beside the folders are `app`, apart from main.ts. */
function partOf(path: string): string {
  const [, first = '', ...rest] = path.split('/');
  if (rest.length > 0) return first;
  return first === 'main.ts' ? 'main' : 'app';
}
