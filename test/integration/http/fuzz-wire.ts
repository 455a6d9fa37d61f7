// What can be wrong with a request apart from its values: encodings, lengths, headers, paths, queries.
import { gzipSync } from 'node:zlib';
import type { RawRequest } from './fuzz-engine.ts';
import { pick, type Random } from './fuzz-values.ts';

const MIB = 1024 * 1024;
// 9 MiB of zeros in 9 kB: over the bound of what a body may become.
const BOMB = gzipSync(Buffer.alloc(9 * MIB));
const GZIP = { 'content-type': 'application/json', 'content-encoding': 'gzip' };

type Fault = (request: RawRequest) => RawRequest;

const withHeaders =
  (headers: Record<string, string>): Fault =>
  (request) => ({ ...request, headers: { ...request.headers, ...headers } });

const withBody =
  (body: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }): Fault =>
  (request) => {
    // A body of GET or DELETE is nobody's; these routes get one all the same.
    const method = request.method === 'GET' ? 'POST' : request.method;
    return { ...request, method, headers: { ...request.headers, ...headers }, body };
  };

const withQuery =
  (query: string): Fault =>
  (request) => ({ ...request, path: `${request.path}${request.path.includes('?') ? '&' : '?'}${query}` });

const withPath =
  (change: (path: string) => string): Fault =>
  (request) => {
    const [path = '', query] = request.path.split('?');
    return { ...request, path: query === undefined ? change(path) : `${change(path)}?${query}` };
  };

const BODIES: readonly Fault[] = [
  ...[
    '',
    '{',
    '{"a":',
    '[]]',
    '"x',
    'nul',
    'NaN',
    '{"a":1e999}',
    '{"a":-}',
    "{'a':1}",
    '\ufeff{}',
    '{}\u0000',
  ].map((text) => withBody(text)),
  withBody('['.repeat(50_000)),
  withBody(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
  withBody('{"__proto__":{"role":"admin"},"constructor":{"prototype":{}}}'),
  withBody('{"resolution":"keep_local","resolution":"merge"}'),
  withBody(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
  withBody(`{"note":"${'x'.repeat(MIB)}"}`),
  ...[
    'text/plain',
    'application/xml',
    'multipart/form-data',
    'application/json; charset=utf-16',
    ';',
    '',
  ].map((type) => withBody('{}', { 'content-type': type })),
  ...['br', 'deflate', 'gzip, gzip', 'x-gzip', 'gzip;q=0', '*'].map((encoding) =>
    withBody(gzipSync('{}'), { ...GZIP, 'content-encoding': encoding }),
  ),
  withBody('{}', GZIP),
  withBody('', GZIP),
  withBody(gzipSync('{"a":1}').subarray(0, 12), GZIP),
  withBody(Buffer.concat([gzipSync('{}'), Buffer.from('junk')]), GZIP),
  withBody(Buffer.concat([gzipSync('{}'), gzipSync('{}')]), GZIP),
  withBody(BOMB, GZIP),
];

const QUERIES: readonly Fault[] = [
  'limit=1&limit=2',
  'limit[]=1',
  'limit[$gt]=1',
  'limit=1e400',
  'limit=501',
  'cursor=a&cursor=b',
  'cursor=%00',
  'cursor=eyJpZCI6eyIkZ3QiOiIifX0',
  'cursor=W10',
  'session_id[$ne]=x',
  'session_id=a&session_id=b',
  'fence=1&fence=2',
  'force=true&force=true',
  '__proto__=1',
  '__proto__[admin]=1',
  'unknown=1',
  'a=%zz',
  'a=%ed%a0%80',
  '=&=&&',
  'from=2026-01-01&from=2026-01-02',
  'x'.repeat(5_000),
].map(withQuery);

const PATHS: readonly Fault[] = [
  (path: string) => `${path}/../../etc/passwd`,
  (path: string) => `${path}/%2e%2e%2f%2e%2e%2fetc%2fpasswd`,
  (path: string) => `${path}%2f`,
  (path: string) => `${path}%00`,
  (path: string) => `${path}%zz`,
  (path: string) => `${path}%ed%a0%80`,
  (path: string) => `/${path}`,
  (path: string) => `${path}/`,
  (path: string) => path.toUpperCase(),
  (path: string) => `${path}/${'a/'.repeat(200)}`,
  (path: string) => `${path}${'y'.repeat(10_000)}`,
  (path: string) => `${path};jsessionid=1`,
].map(withPath);

const HEADERS: readonly Fault[] = [
  { 'x-large': 'y'.repeat(20_000) },
  { prefer: 'wait=-1, wait=x' },
  { prefer: `wait=${'9'.repeat(300)}` },
  { accept: 'application/xml' },
  { expect: 'something' },
  { 'x-http-method-override': 'DELETE' },
  { 'x-forwarded-for': '$where', forwarded: 'for=_' },
  { upgrade: 'websocket', connection: 'Upgrade' },
  { upgrade: 'h2c', connection: 'Upgrade, HTTP2-Settings', 'http2-settings': 'AAMAAABkAAQAAP__' },
  { range: 'bytes=0-0,-1' },
  { 'if-match': '*' },
  { host: 'evil.example' },
  { cookie: 'a=b; '.repeat(200) },
].map((headers) => withHeaders(headers));

const METHODS: readonly Fault[] = [
  'PUT',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'SEARCH',
  'DELETE',
  'PATCH',
].map((method) => (request) => ({ ...request, method }));

const ALL = [BODIES, BODIES, QUERIES, PATHS, HEADERS, METHODS];

/** The request with one thing wrong that no schema speaks of. */
export function onTheWire(request: RawRequest, random: Random): RawRequest {
  return pick(random, pick(random, ALL))(request);
}
