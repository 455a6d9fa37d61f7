import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../../src/config/config.ts';
import { readImports } from '../support/architecture/source-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const service = z.object({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  env_file: z.string().optional(),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  restart: z.string(),
  stop_grace_period: z.string(),
});
const compose = z
  .object({
    services: z.object({ mongodb: service, redis: service, engine: service }),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(parse(read('docker-compose.yml')));
const { mongodb, redis, engine } = compose.services;

const example = parseEnv(read('.env.example'));
const exampleNames = Object.keys(example).sort();

describe('docker-compose.yml', () => {
  it('runs MongoDB 7 as a replica set that initiates itself', () => {
    expect(mongodb.image).toBe('mongo:7');
    expect(mongodb.command.join(' ')).toContain('--replSet rs0');
    const probe = mongodb.healthcheck?.test.join(' ');
    expect(probe).toContain('rs.initiate');
    // The member's name is what drivers connect to afterwards.
    expect(probe).toContain("host: 'mongodb:27017'");
    expect(engine.environment['MONGODB_URL']).toMatch(/^mongodb:\/\/mongodb:27017\/.*replicaSet=rs0/);
  });

  it('runs Redis with AOF and without eviction', () => {
    expect(redis.image).toMatch(/^redis:7/);
    expect(redis.command.join(' ')).toContain('--appendonly yes');
    expect(redis.command.join(' ')).toContain('--maxmemory-policy noeviction');
  });

  it('starts the engine on healthy servers and gives it time to stop', () => {
    expect(engine.depends_on).toEqual({
      mongodb: { condition: 'service_healthy' },
      redis: { condition: 'service_healthy' },
    });
    expect(redis.healthcheck).toBeDefined();
    expect(engine.stop_grace_period).toBe('30s');
    expect(engine.env_file).toBe('.env');
  });

  it('restarts everything, and keeps data in named volumes', () => {
    for (const each of Object.values(compose.services)) expect(each.restart).toBe('unless-stopped');
    const named = [...mongodb.volumes, ...redis.volumes].map((volume) => volume.split(':')[0]);
    expect(named.sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  it('opens no port but the engine’s', () => {
    expect(mongodb.ports).toEqual([]);
    expect(redis.ports).toEqual([]);
    expect(engine.ports).toHaveLength(1);
  });

  it('asks only for variables that .env.example names', () => {
    const asked = [...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map((match) => match[1]);
    expect(asked.length).toBeGreaterThan(0);
    for (const name of asked) expect(exampleNames).toContain(name);
    for (const name of Object.keys(engine.environment)) expect(exampleNames).toContain(name);
  });
});

describe('.env.example', () => {
  it('names every variable that the engine reads, and no other', () => {
    const table = /z\.object\(\{(.*?)\n\}\)/s.exec(read('src/config/config.ts'))?.[1] ?? '';
    const known = [...table.matchAll(/^ {2}([A-Z_]+):/gm)].map((match) => match[1]);
    expect(known).toContain('MONGODB_URL');
    expect(known.sort()).toEqual(exampleNames);
  });

  it('explains each in a comment of its own', () => {
    const lines = read('.env.example').split('\n');
    for (const name of exampleNames) {
      const index = lines.findIndex((line) => line.startsWith(`${name}=`));
      expect(lines[index - 1], name).toMatch(/^# \S/);
    }
  });

  it('holds the defaults', () => {
    const { MONGODB_URL, REDIS_URL } = example;
    const needed = { MONGODB_URL, REDIS_URL, JWT_SECRET: 'x'.repeat(32) };
    expect(parseConfig({ ...example, ...needed })).toEqual(parseConfig(needed));
  });

  it('keeps no secret', () => {
    expect(example['JWT_SECRET']).toBe('');
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');
  const ignored = read('.dockerignore')
    .split('\n')
    .filter((line) => /^(src|scripts)\//.test(line))
    .map((line) => new RegExp(`^${line.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}($|/)`));
  const shipped = ['src', 'scripts']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (path) => `${folder}/${path}`,
      ),
    )
    .filter((path) => path.endsWith('.ts') && !ignored.some((pattern) => pattern.test(path)));
  const imports = shipped.flatMap((path) =>
    readImports({ path, text: read(path) })
      .filter((each) => !each.typeOnly)
      .map((each) => ({ ...each, path })),
  );

  it('has every file that its files load', () => {
    const missing = imports.filter((each) => each.ours && !shipped.includes(each.target));
    expect(missing).toEqual([]);
    expect(shipped).toEqual(
      expect.arrayContaining(['src/main.ts', 'scripts/migrate.ts', 'scripts/doctor.ts']),
    );
  });

  it('has the scripts that an operator runs there', () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    for (const name of ['start', 'doctor', 'backfill', 'audit', 'migrate']) {
      const files = scripts[name]?.split(' ').slice(1) ?? [];
      expect(files, name).toHaveLength(1);
      expect(shipped, name).toEqual(expect.arrayContaining(files));
    }
  });

  it('needs production dependencies only', () => {
    const { dependencies } = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    const foreign = imports.filter(
      (each) => !each.ours && !each.target.startsWith('node:') && !(each.target in dependencies),
    );
    expect(foreign).toEqual([]);
    expect(dockerfile).toContain('npm ci --omit=dev');
  });

  it('has no tests, tools or secrets', () => {
    const [first, ...allowed] = read('.dockerignore')
      .split('\n')
      .filter((line) => line === '*' || line.startsWith('!'));
    expect(first).toBe('*');
    expect(allowed).toEqual(['!package.json', '!package-lock.json', '!.npmrc', '!src', '!scripts']);
  });

  it('runs node itself, not as root, and says when it is ready', () => {
    const stages = dockerfile.split(/^FROM /m);
    expect(stages).toHaveLength(3);
    const last = stages.at(-1);
    expect(last).toMatch(/^USER node$/m);
    expect(last).toContain('CMD ["node", "src/main.ts"]');
    expect(last).toMatch(/HEALTHCHECK[\s\S]*\/health\/ready/);
  });
});
